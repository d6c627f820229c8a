// The topology file of ibdm and ibdiagnet, ibdm-topo-file(1): a section for each system, of lines
//   PORT -[WIDTHx-][SPEEDG-]> TYPE NAME PORT
// Which types are switches stands in other files (*.ibnl), so: a type of which one system has a section is
// one of switches, unless it is called after an adapter.
#include "topology/line_reader.hpp"
#include "topology/named_fabric.hpp"
#include "topology/readers.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace railhead::topology {
namespace {

/// How types of adapters begin: ibdm's own boards, chips as vendors number them (MT4 and MT5 are switches),
/// and cards.
constexpr std::array<std::string_view, 8> adapters{"HCA", "CA_", "Cougar", "MT2", "MHE", "MHG", "MHQ", "MCX"};

struct System {
    std::string_view type, name;
};

struct Cable {
    System from, to;
    std::string_view port, far_port;
    Rate rate;
    std::uint32_t line = 0;
};

/// "->", "-4x->", "-4x-25G->", "-10G->"; absent when it is no arrow.
std::optional<Rate> rate_of(std::string_view arrow) {
    if (!arrow.starts_with('-') || !arrow.ends_with("->")) return std::nullopt;
    arrow.remove_prefix(1);
    Rate rate;
    while (arrow != ">") {
        const auto end = arrow.find('-');
        if (end == arrow.npos || end < 2) return std::nullopt;
        double value = 0;
        const auto number = arrow.substr(0, end - 1);
        const auto [rest, problem] = std::from_chars(number.data(), number.data() + number.size(), value);
        if (problem != std::errc{} || rest != number.data() + number.size()) return std::nullopt;
        const char unit = arrow[end - 1];
        if ((unit == 'x' || unit == 'X') && value >= 1 && value <= 12)
            rate.lanes = static_cast<std::uint8_t>(value);
        else if (unit == 'G' && value > 0 && value <= 1000)
            rate.lane_gbps_x10 = static_cast<std::uint16_t>(value * 10);
        else
            return std::nullopt;
        arrow.remove_prefix(end + 1);
    }
    return rate;
}

class TopoReader {
  public:
    explicit TopoReader(Text text) : build_(std::move(text)) {}

    Result<Fabric> read() {
        LineReader lines(build_.text());
        std::string_view line;
        while (lines.next(line)) {
            const auto told = trimmed(line);
            if (told.empty() || told.front() == '#') continue;
            if (auto taken = take(line, lines.number()); !taken) return tl::unexpected(taken.error());
        }
        if (cables_.empty())
            return fail(ErrorKind::usage,
                        {.id = "fabric-empty",
                         .thing = "the text",
                         .seen = "has no cable",
                         .expected = "a section for each switch, as ibdm-topo-file(1) has them"});
        for (const auto& cable : cables_)
            if (auto added = add(cable); !added) return tl::unexpected(added.error());
        if (hosts_.size() > 1)
            build_.finding(
                {.id = "host-types",
                 .level = Level::info,
                 .thing = fmt::format("systems of {} types ({})", hosts_.size(), fmt::join(hosts_, ", ")),
                 .seen = "have no section and are taken for hosts",
                 .next = "add a line TYPE NAME where one is a switch"});
        return std::move(build_).finish();
    }

  private:
    Result<void> take(std::string_view line, std::uint32_t number) {
        Scanner words(line);
        const auto first = words.word(), second = words.word();
        const auto rate = rate_of(second);
        if (!rate) {
            const auto rest = words.word();
            if (second.empty() || second.front() == '-' || !(rest.empty() || rest.starts_with("CFG:")))
                return bad_line(number, line, "TYPE NAME of a system, or PORT -> TYPE NAME PORT of a cable");
            here_ = {.type = first, .name = second};
            sections_.insert(first);
            return {};
        }
        Cable cable{.from = here_, .port = first, .rate = *rate, .line = number};
        cable.to.type = words.word();
        cable.to.name = words.word();
        cable.far_port = words.word();
        if (cable.far_port.empty() || !words.word().empty())
            return bad_line(number, line, "PORT -> TYPE NAME PORT");
        if (here_.name.empty()) return bad_line(number, line, "a line TYPE NAME before the first cable");
        cables_.push_back(cable);
        return {};
    }

    bool is_switch(const System& system) const {
        const auto begins = [&](std::string_view type) { return system.type.starts_with(type); };
        return sections_.contains(system.type) && std::none_of(adapters.begin(), adapters.end(), begins);
    }

    std::uint32_t device(const System& system, std::string_view port, std::uint32_t line) {
        if (is_switch(system)) return build_.network_switch(system.name, line);
        hosts_.insert(system.type);
        const auto slash = port.rfind('/'); // "HCA-1/P1": of several adapters in one system
        return build_.adapter(system.name, slash == port.npos ? std::string_view() : port.substr(0, slash),
                              line);
    }

    Result<void> add(const Cable& cable) {
        const auto here = fmt::format("{} {}", cable.from.name, cable.port);
        const auto there = fmt::format("{} {}", cable.to.name, cable.far_port);
        const auto [near_end, is_new] = ends_.try_emplace(here, there);
        const auto [far_end, is_new_there] = ends_.try_emplace(there, here);
        if (near_end->second != there || far_end->second != here) {
            const bool is_near = near_end->second != there;
            return fail(ErrorKind::usage, {.id = "fabric-port",
                                           .where = fmt::format("line {}", cable.line),
                                           .thing = fmt::format("port {}", is_near ? here : there),
                                           .seen = fmt::format("has a cable to {} already",
                                                               is_near ? near_end->second : far_end->second),
                                           .expected = "one cable a port"});
        }
        if (!is_new && !is_new_there) return {}; // told from the other end, too
        const auto from = device(cable.from, cable.port, cable.line);
        build_.link(from, device(cable.to, cable.far_port, cable.line), cable.line, cable.rate);
        return {};
    }

    NamedFabric build_;
    System here_;
    std::unordered_set<std::string_view> sections_;     ///< types of systems that have one
    std::set<std::string_view> hosts_;                  ///< types of systems that are no switch
    std::unordered_map<std::string, std::string> ends_; ///< "system port" -> that of the cable's other end
    std::vector<Cable> cables_;
};

} // namespace

Result<Fabric> read_ibdm_topo(Text text) {
    return TopoReader(std::move(text)).read();
}

} // namespace railhead::topology
