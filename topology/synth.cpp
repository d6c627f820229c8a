#include "topology/synth.hpp"

#include "base/number.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <random>

namespace railhead::topology {
namespace {

constexpr std::uint32_t most_ports = 60'000; ///< in one fabric's file a port is a 16-bit number
constexpr const char* normal_rate = "4xHDR";

struct Box {
    std::uint64_t guid = 0, system_guid = 0;
    std::string description;
    bool is_switch = false;
    std::vector<std::uint32_t> cables; ///< by port, from 1; lost ones stay, as holes
};

struct End {
    std::uint32_t box, port;
};
struct Cable {
    End a, b;
    const char* rate = normal_rate;
    bool is_lost = false;
};

class Synthesizer {
  public:
    explicit Synthesizer(const Synth& wanted) : wanted_(wanted), random_(wanted.seed) {}

    Result<std::string> text() {
        if (auto can = check(); !can) return tl::unexpected(can.error());
        build();
        for (const auto& fault : wanted_.faults)
            if (auto done = harm(fault); !done) return tl::unexpected(done.error());
        return write();
    }

  private:
    Result<void> check() const {
        auto wrong = [](std::string thing, std::string expected) {
            return fail(ErrorKind::usage, {.id = "synth",
                                           .thing = std::move(thing),
                                           .seen = "cannot be",
                                           .expected = std::move(expected)});
        };
        if (wanted_.nodes < 1 || wanted_.nodes > 1'000'000 || wanted_.rails < 1 || wanted_.rails > 64)
            return wrong(fmt::format("{} nodes with {} rails", wanted_.nodes, wanted_.rails),
                         "1 to 1000000 and 1 to 64");
        if (wanted_.unit < 1 || wanted_.unit + wanted_.spines > most_ports)
            return wrong(fmt::format("a unit of {} nodes", wanted_.unit),
                         "1 or more, and ports for all on one switch");
        if (std::max({wanted_.spines, wanted_.cores, wanted_.tops, wanted_.pod_units, wanted_.zone_pods}) >
                4096 ||
            wanted_.storage > 100'000)
            return wrong(
                "the number of spines, cores, tops, units in a pod, pods in a zone or storage servers",
                "at most 4096, and 100000 servers");
        if (wanted_.planes < 1 || wanted_.planes > wanted_.rails)
            return wrong(fmt::format("{} planes with {} rails", wanted_.planes, wanted_.rails),
                         "1 or more, and a rail for each");
        if (wanted_.names != "mlx5" && wanted_.names != "hca" && wanted_.names != "vendor" &&
            wanted_.names != "none")
            return wrong(fmt::format("--names {}", wanted_.names), "mlx5, hca, vendor or none");
        return {};
    }

    std::uint32_t add(bool is_switch, std::string description) {
        auto number = static_cast<std::uint64_t>(boxes_.size()) + 1;
        // Adapters and switches of one vendor, each with room for its ports' own.
        auto guid = (is_switch ? 0x0c42a10300000000U : 0x9803'9b03'0000'0000U) + number * 16;
        boxes_.push_back({guid, guid, std::move(description), is_switch, {}});
        return static_cast<std::uint32_t>(boxes_.size() - 1);
    }
    std::uint32_t add_switch(const std::string& name) {
        auto made = add(true, fmt::format("MF0;{}:MQM8700/U1", name));
        if (wanted_.sharp) sharp_.push_back(made);
        return made;
    }
    std::uint32_t add_adapter(const std::string& host, std::uint32_t rail) {
        if (wanted_.names == "mlx5") return add(false, fmt::format("{} mlx5_{}", host, rail));
        if (wanted_.names == "hca") return add(false, fmt::format("{} HCA-{}", host, rail + 1));
        return add(false, wanted_.names == "vendor" ? "MT4123 ConnectX6   Mellanox Technologies" : "");
    }
    void cable(std::uint32_t one, std::uint32_t other) {
        End a{one, static_cast<std::uint32_t>(boxes_[one].cables.size()) + 1};
        boxes_[one].cables.push_back(static_cast<std::uint32_t>(cables_.size()));
        End b{other, static_cast<std::uint32_t>(boxes_[other].cables.size()) + 1};
        boxes_[other].cables.push_back(static_cast<std::uint32_t>(cables_.size()));
        cables_.push_back({a, b});
    }

    /// "pod1-plane2-spine3"; a part is left out where there is only one of it.
    static std::string part(const char* what, std::uint32_t number, std::uint32_t of) {
        return of > 1 ? fmt::format("{}{}-", what, number + 1) : "";
    }

    /// One switch of `lower` and each of the `number` above it.
    std::vector<std::uint32_t> add_above(const std::vector<std::uint32_t>& lower, std::uint32_t number,
                                         const std::string& name) {
        std::vector<std::uint32_t> made;
        for (std::uint32_t i = 0; i < number; ++i) {
            made.push_back(add_switch(fmt::format("{}{}", name, i + 1)));
            for (auto below : lower) cable(below, made.back());
        }
        return made;
    }

    /// Units of all pods of all zones, and what joins them; returns the spines of the first pod and plane.
    std::vector<std::uint32_t> build_switches() {
        auto units = (wanted_.nodes + wanted_.unit - 1) / wanted_.unit;
        auto in_pod = wanted_.pod_units == 0 ? units : wanted_.pod_units;
        auto pods = (units + in_pod - 1) / in_pod;
        auto in_zone = wanted_.zone_pods == 0 ? pods : wanted_.zone_pods;
        auto zones = (pods + in_zone - 1) / in_zone;
        leaves_.resize(std::size_t{units} * wanted_.rails);
        for (std::uint32_t unit = 0; unit < units; ++unit)
            for (std::uint32_t rail = 0; rail < wanted_.rails; ++rail)
                leaves_[unit * wanted_.rails + rail] = add_switch(
                    fmt::format("{}su{}-leaf{}", part("pod", unit / in_pod, pods), unit + 1, rail + 1));
        std::vector<std::uint32_t> first;
        for (std::uint32_t plane = 0; plane < wanted_.planes; ++plane) {
            auto in_plane = part("plane", plane, wanted_.planes);
            std::vector<std::vector<std::uint32_t>> spines_of_zone(zones);
            for (std::uint32_t pod = 0; pod < pods; ++pod) {
                std::vector<std::uint32_t> leaves;
                for (auto unit = pod * in_pod; unit < std::min(units, (pod + 1) * in_pod); ++unit)
                    for (auto rail = plane; rail < wanted_.rails; rail += wanted_.planes)
                        leaves.push_back(leaves_[unit * wanted_.rails + rail]);
                auto spines = add_above(leaves, wanted_.spines, part("pod", pod, pods) + in_plane + "spine");
                if (plane == 0 && pod == 0) first = spines;
                auto& all = spines_of_zone[pod / in_zone];
                all.insert(all.end(), spines.begin(), spines.end());
            }
            std::vector<std::uint32_t> cores;
            auto first_of_cores = static_cast<std::uint32_t>(cables_.size());
            for (std::uint32_t zone = 0; pods > 1 && zone < zones; ++zone)
                for (auto core : add_above(spines_of_zone[zone], wanted_.cores,
                                           part("zone", zone, zones) + in_plane + "core"))
                    cores.push_back(core);
            if (zones > 1) add_above(cores, wanted_.tops, in_plane + "top");
            for (auto i = first_of_cores; i < cables_.size(); ++i) core_cables_.push_back(i);
        }
        return first;
    }

    void build() {
        add_storage(build_switches());
        auto width = std::to_string(wanted_.nodes).size();
        for (std::uint32_t node = 0; node < wanted_.nodes; ++node) {
            auto host = fmt::format("{}{:0{}}", wanted_.host, node + 1, width);
            hosts_.push_back({});
            for (std::uint32_t rail = 0; rail < wanted_.rails; ++rail) {
                hosts_.back().push_back(static_cast<std::uint32_t>(cables_.size()));
                cable(add_adapter(host, rail), leaves_[node / wanted_.unit * wanted_.rails + rail]);
            }
            if (!storage_leaves_.empty()) cable(add_adapter(host, wanted_.rails), storage_leaves_[node % 2]);
        }
        for (auto box : sharp_) cable(add(false, "Mellanox Technologies Aggregation Node"), box);
    }

    void add_storage(const std::vector<std::uint32_t>& spines) {
        if (wanted_.storage == 0) return;
        for (std::uint32_t i = 0; i < 2; ++i) {
            storage_leaves_.push_back(add_switch(fmt::format("storage-leaf{}", i + 1)));
            for (auto spine : spines) cable(storage_leaves_.back(), spine);
        }
        for (std::uint32_t server = 0; server < wanted_.storage; ++server)
            for (std::uint32_t i = 0; i < 2; ++i)
                cable(add_adapter(fmt::format("storage{}", server + 1), i), storage_leaves_[i]);
    }

    /// Below `bound`; the same on every machine, which std::uniform_int_distribution is not.
    std::uint32_t pick(std::size_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
    std::size_t any_host_cable_number() {
        auto node = std::size_t{pick(hosts_.size())};
        return node * wanted_.rails + pick(wanted_.rails);
    }
    Cable& any_host_cable() { return cables_[host_cable(any_host_cable_number())]; }

    // What can be lost, in one row each.
    std::uint32_t host_cable(std::size_t number) const {
        return hosts_[number / wanted_.rails][number % wanted_.rails];
    }
    std::uint32_t uplink(std::size_t number) const {
        return boxes_[leaves_[number / wanted_.spines]].cables[number % wanted_.spines];
    }
    std::size_t uplinks() const { return leaves_.size() * wanted_.spines; }
    std::size_t host_cables() const { return hosts_.size() * wanted_.rails; }

    /// The cable `number` of a row, or the next that is not lost yet.
    template <class Row>
    void lose(std::size_t number, std::size_t size, const Row& row) {
        while (cables_[row(number)].is_lost) number = (number + 1) % size;
        cables_[row(number)].is_lost = true;
    }
    template <class Row>
    std::size_t left(std::size_t size, const Row& row) const {
        std::size_t count = 0;
        for (std::size_t number = 0; number < size; ++number) count += !cables_[row(number)].is_lost;
        return count;
    }
    auto host_row() const {
        return [this](std::size_t number) { return host_cable(number); };
    }
    auto uplink_row() const {
        return [this](std::size_t number) { return uplink(number); };
    }
    auto core_row() const {
        return [this](std::size_t number) { return core_cables_[number]; };
    }
    /// The end in the switch goes to another one.
    void replug(Cable& moved, std::uint32_t box) {
        boxes_[moved.b.box].cables[moved.b.port - 1] = UINT32_MAX;
        boxes_[box].cables.push_back(static_cast<std::uint32_t>(&moved - cables_.data()));
        moved.b = {box, static_cast<std::uint32_t>(boxes_[box].cables.size())};
    }
    std::uint32_t other_unit(std::uint32_t node) {
        auto units = static_cast<std::uint32_t>(leaves_.size()) / wanted_.rails;
        return (node / wanted_.unit + 1 + pick(units - 1)) % units;
    }

    /// Or why there is no place for it.
    Result<void> can_be(const std::string& fault, const std::string& kind, std::uint32_t count) const {
        auto cannot = [&](std::string seen, std::string next) {
            return fail(ErrorKind::usage, {.id = "synth-fault",
                                           .thing = "--fault " + fault,
                                           .seen = std::move(seen),
                                           .next = std::move(next)});
        };
        if (leaves_.size() == wanted_.rails && (kind == "foreign-cable" || kind == "moved-node"))
            return cannot("needs two units", "raise --nodes or lower --unit");
        if (wanted_.rails < 2 && (kind == "swapped-rails" || kind == "half-node"))
            return cannot("needs two rails", "raise --rails");
        if (wanted_.spines == 0 && kind == "lost-uplink") return cannot("needs spines", "raise --spines");
        if (core_cables_.empty() && kind == "lost-core-cable")
            return cannot("needs several pods and cores above them", "give --pod-units, and --cores");
        auto there = std::size_t{count};
        if (kind == "lost-cable") there = left(host_cables(), host_row());
        if (kind == "lost-uplink") there = left(uplinks(), uplink_row());
        if (kind == "lost-core-cable") there = left(core_cables_.size(), core_row());
        if (there < count)
            return cannot(fmt::format("is more than the {} that {} there", counted(there, "such cable"),
                                      there == 1 ? "is" : "are"),
                          "lower the number");
        return {};
    }

    Result<void> harm(const std::string& fault) {
        auto colon = fault.find(':');
        auto kind = fault.substr(0, colon);
        auto count =
            colon == fault.npos ? std::optional(1U) : whole_number<std::uint32_t>(fault.substr(colon + 1));
        const auto& kinds = synth_faults();
        if (!count || std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
            return fail(ErrorKind::usage,
                        {.id = "synth-fault",
                         .thing = "--fault " + fault,
                         .seen = "is no fault",
                         .expected = fmt::format("KIND or KIND:COUNT, of {}", fmt::join(kinds, ", "))});
        if (auto can = can_be(fault, kind, *count); !can) return can;
        for (std::uint32_t i = 0; i < *count; ++i) harm_once(kind);
        return {};
    }

    void harm_once(const std::string& kind) {
        auto node = pick(hosts_.size());
        if (kind == "lost-cable") lose(any_host_cable_number(), host_cables(), host_row());
        if (kind == "slow-link") any_host_cable().rate = "4xEDR";
        if (kind == "narrow-link") any_host_cable().rate = "1xHDR";
        if (kind == "unnamed")
            boxes_[any_host_cable().a.box].description = "MT4123 ConnectX6   Mellanox Technologies";
        if (kind == "half-node")
            for (std::uint32_t rail = 0; rail < wanted_.rails / 2; ++rail)
                cables_[hosts_[node][rail]].is_lost = true;
        if (kind == "dead-leaf")
            for (auto cable : boxes_[leaves_[pick(leaves_.size())]].cables)
                if (cable != UINT32_MAX) cables_[cable].is_lost = true;
        if (kind == "lost-uplink") {
            auto leaf = std::size_t{pick(leaves_.size())};
            lose(leaf * wanted_.spines + pick(wanted_.spines), uplinks(), uplink_row());
        }
        if (kind == "lost-core-cable") lose(pick(core_cables_.size()), core_cables_.size(), core_row());
        if (kind == "foreign-cable") {
            auto rail = pick(wanted_.rails);
            replug(cables_[hosts_[node][rail]], leaves_[other_unit(node) * wanted_.rails + rail]);
        }
        if (kind == "moved-node") {
            auto unit = other_unit(node);
            for (std::uint32_t rail = 0; rail < wanted_.rails; ++rail)
                replug(cables_[hosts_[node][rail]], leaves_[unit * wanted_.rails + rail]);
        }
        if (kind == "swapped-rails") {
            auto rail = pick(wanted_.rails), other = (rail + 1) % wanted_.rails;
            auto &one = cables_[hosts_[node][rail]], &two = cables_[hosts_[node][other]];
            auto box = one.b.box;
            replug(one, two.b.box);
            replug(two, box);
        }
    }

    std::string write() const {
        std::string text = "#\n# Topology file: made by railhead topology synth\n#\n";
        auto out = std::back_inserter(text);
        for (bool switches : {true, false})
            for (const auto& box : boxes_) {
                if (box.is_switch != switches) continue;
                auto id = fmt::format("{}-{:016x}", switches ? 'S' : 'H', box.guid);
                auto ports = std::max<std::size_t>(box.cables.size(), switches ? 40 : 1);
                fmt::format_to(out,
                               "\nvendid=0x2c9\ndevid=0x{}\nsysimgguid=0x{:x}\n{}guid=0x{:x}({:x})\n{}\t{} "
                               "\"{}\"\t\t# \"{}\"",
                               switches ? "d2f0" : "101b", box.system_guid, switches ? "switch" : "ca",
                               box.guid, box.guid, switches ? "Switch" : "Ca", ports, id, box.description);
                text += switches ? " enhanced port 0 lid 1 lmc 0\n" : "\n";
                for (std::size_t port = 0; port < box.cables.size(); ++port) {
                    if (box.cables[port] == UINT32_MAX || cables_[box.cables[port]].is_lost) continue;
                    const auto& cable = cables_[box.cables[port]];
                    const auto& peer = &boxes_[cable.a.box] == &box ? cable.b : cable.a;
                    const auto& at = boxes_[peer.box];
                    fmt::format_to(out, "[{}]", port + 1);
                    if (!switches) fmt::format_to(out, "({:x})", box.guid + 1);
                    fmt::format_to(out, " \t\"{}-{:016x}\"[{}]", at.is_switch ? 'S' : 'H', at.guid,
                                   peer.port);
                    if (switches && !at.is_switch) fmt::format_to(out, "({:x})", at.guid + 1);
                    if (switches)
                        fmt::format_to(out, " \t\t# \"{}\" lid 1 {}\n", at.description, cable.rate);
                    else
                        fmt::format_to(out, " \t\t# lid 1 lmc 0 \"{}\" lid 1 {}\n", at.description,
                                       cable.rate);
                }
            }
        return text;
    }

    const Synth& wanted_;
    std::mt19937_64 random_;
    std::vector<Box> boxes_;
    std::vector<Cable> cables_;
    std::vector<std::vector<std::uint32_t>> hosts_; ///< each node's cables, by rail; the adapter is end a
    std::vector<std::uint32_t> leaves_, storage_leaves_, sharp_, core_cables_;
};

} // namespace

const std::vector<std::string>& synth_faults() {
    static const std::vector<std::string> kinds{
        "lost-cable", "dead-leaf",   "swapped-rails", "foreign-cable", "moved-node",     "half-node",
        "slow-link",  "narrow-link", "unnamed",       "lost-uplink",   "lost-core-cable"};
    return kinds;
}

Result<std::string> synthesize(const Synth& wanted) {
    return Synthesizer(wanted).text();
}

} // namespace railhead::topology
