#include "topology/synth.hpp"

#include "base/number.hpp"
#include "topology/synth_shape.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <random>

namespace railhead::topology {
namespace {

constexpr const char* normal_rate = "4xHDR";
constexpr const char* vendors_text = "MT4123 ConnectX6   Mellanox Technologies";

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
    bool is_harmed = false; ///< by some fault
};

class Synthesizer {
  public:
    explicit Synthesizer(const Synth& wanted) : wanted_(wanted), random_(wanted.seed) {}

    Result<std::string> text() {
        if (auto can = can_be_made(wanted_); !can) return tl::unexpected(can.error());
        build();
        for (const auto& fault : wanted_.faults)
            if (auto done = harm(fault); !done) return tl::unexpected(done.error());
        return write();
    }

  private:
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
        return add(false, wanted_.names == "vendor" ? vendors_text : "");
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
        const auto [units, in_pod, pods, in_zone, zones] = SynthShape(wanted_);
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

    // Each kind of fault has a row of places, each with the cables that it harms. No two faults share a
    // cable.
    std::size_t places(const std::string& kind) const {
        if (kind == "half-node" || kind == "moved-node") return hosts_.size();
        if (kind == "dead-leaf") return leaves_.size();
        if (kind == "lost-uplink") return leaves_.size() * wanted_.spines;
        if (kind == "lost-core-cable") return core_cables_.size();
        return hosts_.size() * wanted_.rails;
    }
    std::size_t any_place(const std::string& kind) {
        auto node = std::size_t{pick(hosts_.size())};
        if (kind == "half-node" || kind == "moved-node") return node;
        if (kind == "dead-leaf") return pick(leaves_.size());
        if (kind == "lost-core-cable") return pick(core_cables_.size());
        if (kind == "lost-uplink") {
            auto leaf = std::size_t{pick(leaves_.size())};
            return leaf * wanted_.spines + pick(wanted_.spines);
        }
        if (kind != "foreign-cable" && kind != "swapped-rails") node = pick(hosts_.size());
        return node * wanted_.rails + pick(wanted_.rails);
    }
    std::vector<std::uint32_t> cables_at(const std::string& kind, std::size_t place) const {
        if (kind == "moved-node") return hosts_[place];
        if (kind == "half-node")
            return {hosts_[place].begin(), hosts_[place].begin() + static_cast<int>(wanted_.rails / 2)};
        if (kind == "lost-core-cable") return {core_cables_[place]};
        if (kind == "lost-uplink")
            return {boxes_[leaves_[place / wanted_.spines]].cables[place % wanted_.spines]};
        if (kind == "dead-leaf") {
            auto cables = boxes_[leaves_[place]].cables;
            std::erase(cables, UINT32_MAX);
            return cables;
        }
        const auto& node = hosts_[place / wanted_.rails];
        const auto rail = place % wanted_.rails;
        if (kind == "swapped-rails") return {node[rail], node[(rail + 1) % wanted_.rails]};
        return {node[rail]};
    }
    /// From a place on, the cables of the first where none is harmed; empty: there is none.
    std::vector<std::uint32_t> whole_cables(const std::string& kind, std::size_t from) const {
        const auto all = places(kind);
        for (std::size_t i = 0; i < all; ++i) {
            auto cables = cables_at(kind, (from + i) % all);
            if (std::none_of(cables.begin(), cables.end(),
                             [&](auto cable) { return cables_[cable].is_harmed; }))
                return cables;
        }
        return {};
    }

    /// The end in the switch goes to another one.
    void replug(Cable& moved, std::uint32_t box) {
        boxes_[moved.b.box].cables[moved.b.port - 1] = UINT32_MAX;
        boxes_[box].cables.push_back(static_cast<std::uint32_t>(&moved - cables_.data()));
        moved.b = {box, static_cast<std::uint32_t>(boxes_[box].cables.size())};
    }

    /// Or why there is no place for it.
    Result<void> can_be(const std::string& fault, const std::string& kind) const {
        if (leaves_.size() == wanted_.rails && (kind == "foreign-cable" || kind == "moved-node"))
            return cannot(fault, "needs two units", "raise --nodes or lower --unit");
        if (wanted_.rails < 2 && (kind == "swapped-rails" || kind == "half-node"))
            return cannot(fault, "needs two rails", "raise --rails");
        if (wanted_.spines == 0 && kind == "lost-uplink")
            return cannot(fault, "needs spines", "raise --spines");
        if (core_cables_.empty() && kind == "lost-core-cable")
            return cannot(fault, "needs several pods and cores above them", "give --pod-units, and --cores");
        return {};
    }
    static tl::unexpected<Error> cannot(const std::string& fault, std::string seen, std::string next) {
        return fail(ErrorKind::usage, {.id = "synth-fault",
                                       .thing = "--fault " + fault,
                                       .seen = std::move(seen),
                                       .next = std::move(next)});
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
        if (auto can = can_be(fault, kind); !can) return can;
        for (std::uint32_t done = 0; done < *count; ++done) {
            const auto cables = whole_cables(kind, any_place(kind));
            if (cables.empty())
                return cannot(fault, fmt::format("has place for {} only", done), "lower the number");
            harm(kind, cables);
        }
        return {};
    }

    void harm(const std::string& kind, const std::vector<std::uint32_t>& cables) {
        for (auto cable : cables) {
            auto& harmed = cables_[cable];
            harmed.is_harmed = true;
            if (kind == "slow-link") harmed.rate = "4xEDR";
            if (kind == "narrow-link") harmed.rate = "1xHDR";
            if (kind == "unnamed") boxes_[harmed.a.box].description = vendors_text;
            if (kind.starts_with("lost-") || kind == "half-node" || kind == "dead-leaf")
                harmed.is_lost = true;
        }
        if (kind == "foreign-cable" || kind == "moved-node") move_elsewhere(cables);
        if (kind == "swapped-rails") {
            auto &one = cables_[cables[0]], &two = cables_[cables[1]];
            auto box = one.b.box;
            replug(one, two.b.box);
            replug(two, box);
        }
    }

    /// Cables of one node to another unit, each to the leaf of its rail.
    void move_elsewhere(const std::vector<std::uint32_t>& cables) {
        auto leaf_number = [&](std::uint32_t cable) {
            return static_cast<std::uint32_t>(
                std::find(leaves_.begin(), leaves_.end(), cables_[cable].b.box) - leaves_.begin());
        };
        const auto units = static_cast<std::uint32_t>(leaves_.size()) / wanted_.rails;
        const auto away = (1 + pick(units - 1)) * wanted_.rails;
        for (auto cable : cables)
            replug(cables_[cable], leaves_[(leaf_number(cable) + away) % leaves_.size()]);
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
