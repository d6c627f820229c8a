// What clouds say of where an instance is: from the top of the network down to what is next to it. Sources:
// AWS EC2 API, DescribeInstanceTopology (InstanceTopology); Google Compute Engine API, instances.list
// (resourceStatus.physicalHostTopology); Oracle Core Services API, ComputeHostSummary and
// ComputeBareMetalHostSummary; Azure Instance Metadata Service (compute) and Compute API
// (VirtualMachineScaleSetVMInstanceView): the placement group only, and nothing that joins these.
#include "topology/host_names.hpp"
#include "topology/json_stream.hpp"
#include "topology/named_fabric.hpp"
#include "topology/readers.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace railhead::topology {
namespace {

using nlohmann::json;

constexpr std::size_t most_instances = 1'000'000;

/// One instance: its name, and what it is below, the nearest last.
struct Place {
    std::string name;
    std::vector<std::string> path{};
    std::uint32_t line = 0; ///< of the answer
};

/// The last part of an identifier tells units apart: ocid1.hpcisland.oc1..aaaa.
std::string unit_in(const json& value, std::initializer_list<const char*> names) {
    for (const auto* name : names)
        if (auto text = text_of(below(value, {name})); !text.empty())
            return std::string(text.substr(text.rfind('.') + 1));
    return {};
}

std::optional<Place> place_in_aws(const json& item) {
    if (!item.contains("InstanceId")) return std::nullopt;
    Place place{std::string(text_of(item["InstanceId"]))};
    if (auto nodes = item.find("NetworkNodes"); nodes != item.end() && nodes->is_array())
        for (const auto& node : *nodes) place.path.emplace_back(text_of(node));
    return place;
}

std::optional<Place> place_in_google(const json& item) {
    const auto& where = below(item, {"resourceStatus", "physicalHostTopology"});
    if (!item.contains("resourceStatus") && !item.contains("selfLink")) return std::nullopt;
    return Place{std::string(text_of(below(item, {"name"}))),
                 {unit_in(where, {"cluster"}), unit_in(where, {"block"}), unit_in(where, {"subblock"})}};
}

/// The API's names, and those of the command line client.
std::optional<Place> place_in_oracle(const json& item) {
    auto island =
        unit_in(item, {"hpcIslandId", "hpc-island-id", "computeHpcIslandId", "compute-hpc-island-id"});
    if (island.empty()) return std::nullopt;
    auto name = text_of(below(item, {"instanceId"}));
    if (name.empty()) name = text_of(below(item, {"instance-id"}));
    return Place{
        std::string(name),
        {island,
         unit_in(item,
                 {"networkBlockId", "network-block-id", "computeNetworkBlockId", "compute-network-block-id"}),
         unit_in(item, {"localBlockId", "local-block-id", "computeLocalBlockId", "compute-local-block-id"})}};
}

/// Of the metadata service, which each machine asks of itself, or of a scale set's instance view.
std::optional<Place> place_in_azure(const json& item) {
    const auto& compute = below(item, {"compute"});
    const auto& told = compute.is_object() ? compute : item;
    if (!told.contains("placementGroupId")) return std::nullopt;
    auto name = text_of(below(told, {"osProfile", "computerName"}));
    for (const auto* key : {"computerName", "name"})
        if (name.empty()) name = text_of(below(told, {key}));
    return Place{std::string(name), {std::string(text_of(below(told, {"placementGroupId"})))}};
}

/// Absent, null, or a list of names.
bool has_sound_nodes(const json& item) {
    const auto nodes = item.find("NetworkNodes");
    return nodes == item.end() || nodes->is_null() ||
           (nodes->is_array() &&
            std::all_of(nodes->begin(), nodes->end(), [](const json& node) { return node.is_string(); }));
}

/// The word by which an answer says that there is more, if it does.
const char* more_after(const json& answer) {
    for (const auto* token : {"NextToken", "nextPageToken", "opc-next-page"})
        if (!text_of(below(answer, {token})).empty()) return token;
    return nullptr;
}

/// The list of instances in an answer, wherever it has it; one of Azure's is one instance.
const json* instances_of(const json& answer) {
    if (answer.is_array() || place_in_azure(answer)) return &answer;
    for (const auto* list : {&below(answer, {"Instances"}), &below(answer, {"data", "items"}),
                             &below(answer, {"items"}), &below(answer, {"data"})})
        if (!list->is_null()) return list;
    return nullptr;
}

class CloudReader {
  public:
    explicit CloudReader(Text text) : build_(std::move(text)), stream_(build_.text()) {}

    Result<Fabric> read() {
        while (true) {
            auto answer = stream_.next();
            if (!answer) return tl::unexpected(std::move(answer.error()));
            if (!*answer) break;
            const auto* list = instances_of(**answer);
            if (!list) return wrong("has no list of instances");
            // below() gives the element of a list that has one.
            auto taken = list->is_array() ? take_all(*list) : take(*list);
            if (!taken) return tl::unexpected(std::move(taken.error()));
            more_ = more_after(**answer); // of several pages only the last is without
        }
        if (more_)
            build_.finding({.id = "list-cut",
                            .level = Level::warn,
                            .where = fmt::format("line {}", stream_.line()),
                            .thing = "the answer",
                            .seen = fmt::format("has a {}, so there are more instances than it lists", more_),
                            .next = "ask for all pages, and put them one after the other into the file"});
        if (places_.empty()) return wrong("names no instance with a place in the network");
        if (unplaced_ > 0)
            build_.finding({.id = "instance-unplaced",
                            .level = Level::warn,
                            .thing = fmt::format("{} of {} instances", unplaced_, unplaced_ + places_.size()),
                            .seen = "have no place in the network yet, so they are in no group",
                            .next = "ask again when they run"});
        leave_out_doubles();
        level_paths();
        name_units();
        for (const auto& place : places_) add(place);
        auto fabric = std::move(build_).finish();
        fabric.is_tree = true;
        return fabric;
    }

  private:
    tl::unexpected<Error> wrong(std::string seen) const {
        return fail(ErrorKind::usage,
                    {.id = "fabric-cloud",
                     .where = fmt::format("line {}", stream_.line()),
                     .thing = "the answer",
                     .seen = std::move(seen),
                     .expected =
                         "what 'aws ec2 describe-instance-topology', 'gcloud compute instances list', "
                         "'oci compute compute-host list' or Azure's metadata service prints as JSON"});
    }

    Result<void> take_all(const json& list) {
        for (const auto& item : list)
            if (auto taken = take(item); !taken) return taken;
        return {};
    }

    Result<void> take(const json& item) {
        if (item.is_object() && !has_sound_nodes(item))
            return wrong(fmt::format("has NetworkNodes of {} that are no list of names",
                                     text_of(below(item, {"InstanceId"}))));
        for (auto reader : {place_in_aws, place_in_google, place_in_oracle, place_in_azure})
            if (item.is_object())
                if (auto place = reader(item)) {
                    std::erase_if(place->path,
                                  [](const auto& step) { return step.empty(); }); // no local block, say
                    place->line = stream_.line();
                    if (places_.size() == most_instances)
                        return wrong(fmt::format("has more than {} instances", most_instances));
                    if (place->path.empty() || place->name.empty())
                        ++unplaced_;
                    else
                        places_.push_back(std::move(*place));
                    return {};
                }
        auto names = {"name", "instanceId", "instance-id", "computerName"};
        bool is_named = item.is_object() && std::any_of(names.begin(), names.end(),
                                                        [&](auto* name) { return item.contains(name); });
        if (!is_named) return wrong("has an instance of a form that is not known");
        ++unplaced_;
        return {};
    }

    /// Of pages that overlap, or of a machine that was moved between two of them.
    void leave_out_doubles() {
        std::map<std::string, const Place*> seen;
        std::vector<std::string> moved;
        std::vector<Place> kept;
        for (const auto& place : places_) {
            auto [at, is_new] = seen.try_emplace(place.name, &place);
            if (is_new)
                kept.push_back(place);
            else if (at->second->path != place.path)
                moved.push_back(place.name);
        }
        places_ = std::move(kept);
        if (moved.empty()) return;
        build_.finding({.id = "instance-twice",
                        .level = Level::warn,
                        .thing = fmt::format("{} instance{} ({})", moved.size(), moved.size() == 1 ? "" : "s",
                                             examples(moved)),
                        .seen = moved.size() == 1 ? "is listed at several places, and counts at the first"
                                                  : "are listed at several places, and count at the first",
                        .next = "ask for the list again"});
    }

    static std::string path_of(const Place& place, std::size_t length) {
        std::string text;
        for (std::size_t i = 0; i < length; ++i) text += (i == 0 ? "" : "-") + place.path[i];
        return text;
    }

    /// All as deep as the deepest, so that what stands side by side below one unit is joined by it. What ends
    /// at a unit that others are below is below it, too.
    void level_paths() {
        std::size_t deepest = 0;
        std::set<std::string> uppers;
        for (const auto& place : places_) {
            deepest = std::max(deepest, place.path.size());
            for (std::size_t length = 1; length < place.path.size(); ++length)
                uppers.insert(path_of(place, length));
        }
        for (auto& place : places_) {
            auto& path = place.path;
            const bool is_upper = uppers.contains(path_of(place, path.size()));
            while (path.size() < deepest) {
                if (is_upper)
                    path.push_back(path.back() + "-below");
                else
                    path.insert(path.end() - 1, path.back() + "-above");
            }
        }
    }

    /// What a unit is called by itself may hold in the unit above it only; then all of its path is its name.
    void name_units() {
        for (const auto& place : places_)
            for (std::size_t end = 1; end <= place.path.size(); ++end)
                called_[place.path[end - 1]].insert(path_of(place, end));
    }

    void add(const Place& place) {
        std::uint32_t above = 0;
        for (std::size_t end = 1; end <= place.path.size(); ++end) {
            const auto& own = place.path[end - 1];
            auto path = path_of(place, end);
            auto unit = build_.network_switch(called_[own].size() == 1 ? own : path, place.line);
            if (end > 1 && joined_.insert(path).second) build_.link(above, unit, place.line);
            above = unit;
        }
        build_.link(above, build_.adapter(place.name, "", place.line), place.line);
    }

    NamedFabric build_;
    JsonStream stream_;
    std::vector<Place> places_;
    std::size_t unplaced_ = 0;
    const char* more_ = nullptr; ///< the word by which the last answer says that it is not all
    std::map<std::string, std::set<std::string>> called_; ///< what a unit is called by itself -> paths
    std::set<std::string> joined_; ///< paths of units that are below the one above them
};

} // namespace

Result<Fabric> read_cloud_topology(Text text) {
    return CloudReader(std::move(text)).read();
}

} // namespace railhead::topology
