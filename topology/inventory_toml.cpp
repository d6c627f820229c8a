// The same list as TOML, for those who write it by hand: a [[cable]] for each cable of a node.
#include "base/toml.hpp"
#include "topology/host_names.hpp"
#include "topology/line_reader.hpp"
#include "topology/named_fabric.hpp"
#include "topology/readers.hpp"

#include <fmt/core.h>

#include <map>
#include <optional>
#include <string>
#include <tuple>

namespace railhead::topology {
namespace {

constexpr std::size_t most_toml_bytes = std::size_t{8}
                                        << 20; ///< 100,000 cables; their tables take 50 times that
constexpr std::int64_t most_ports = 65535;
constexpr std::int64_t most_gbps = 6000;

tl::unexpected<Error> wrong(std::uint32_t line, std::string thing, std::string seen, std::string expected) {
    return fail(ErrorKind::usage, {.id = "fabric-line",
                                   .where = fmt::format("line {}", line),
                                   .thing = std::move(thing),
                                   .seen = std::move(seen),
                                   .expected = std::move(expected)});
}

class TomlCables {
  public:
    explicit TomlCables(Text text) : build_(std::move(text)) {}

    Result<Fabric> read() {
        if (build_.text().size() > most_toml_bytes)
            return fail(ErrorKind::usage, {.id = "fabric-toml",
                                           .thing = "the TOML",
                                           .seen = "is larger than 8 MiB",
                                           .expected = "at most that; the same as CSV may be of any size"});
        const auto top = parse_toml(build_.text());
        if (!top)
            return wrong(top.error().line, "the lines", top.error().seen, "[[cable]] with node and switch");
        for (const auto& [name, cables] : *top) {
            if (name.str() != "cable" || !cables.is_array_of_tables())
                return wrong(cables.source().begin.line, std::string(name.str()), "is no list of cables",
                             "[[cable]] with node and switch");
            for (const auto& cable : *cables.as_array())
                if (auto taken = take(*cable.as_table()); !taken) return tl::unexpected(taken.error());
        }
        return std::move(build_).finish();
    }

  private:
    Result<void> take(const toml::table& cable) {
        const auto line = cable.source().begin.line;
        std::string node, rail, leaf;
        std::int64_t gbps = 0, number_of_port = 0;
        std::optional<std::uint16_t> port;
        for (const auto& each : cable) {
            const std::string_view key = each.first;
            const toml::node& value = each.second;
            const auto at = value.source().begin.line;
            auto text = [&](std::string& into) {
                return (into = value.value<std::string>().value_or("")).empty();
            };
            auto number = [&](std::int64_t& into, std::int64_t least, std::int64_t most) {
                into = value.value_exact<std::int64_t>().value_or(-1);
                return into < least || into > most;
            };
            const auto thing = std::string(key);
            if (key == "rail" && value.is_integer()) {
                rail = std::to_string(**value.as_integer());
            } else if (key == "node" || key == "rail" || key == "switch") {
                if (text(key == "node" ? node : key == "rail" ? rail : leaf))
                    return wrong(at, thing, "is no name", "text in quotes");
                if (key == "node" && !is_node_name(node))
                    return wrong(at, fmt::format("node \"{}\"", node), "cannot be a node", node_name_form);
            } else if (key == "port") {
                if (number(number_of_port, 0, most_ports)) return wrong(at, thing, "is no port", "a number");
                port = static_cast<std::uint16_t>(number_of_port);
            } else if (key == "speed") {
                if (number(gbps, 1, most_gbps))
                    return wrong(at, thing, "is no speed", "Gbit/s, a whole number");
            } else {
                return wrong(at, thing, "is not known here", "node, switch, rail, port and speed");
            }
        }
        if (node.empty() || leaf.empty())
            return wrong(line, "the cable", "is not told", "a node and a switch");
        const Rate rate = rate_of_gbps(static_cast<std::uint16_t>(gbps));
        if (!rail.empty() || port) {
            const auto [cable_at, is_new] = told_.try_emplace({node, rail, leaf, port}, line);
            if (!is_new) {
                build_.repeated(line, cable_at->second);
                return {};
            }
        }
        const auto at = build_.network_switch(leaf, line);
        const auto adapter =
            rail.empty() ? build_.next_adapter(node, line) : build_.adapter(node, rail, line);
        build_.link(at, adapter, line, rate, port);
        return {};
    }

    NamedFabric build_;
    using Cable = std::tuple<std::string, std::string, std::string, std::optional<std::uint16_t>>;
    std::map<Cable, std::uint32_t> told_; ///< -> its line
};

} // namespace

bool is_toml_inventory(std::string_view text) {
    LineReader lines(text);
    std::string_view line;
    while (lines.next(line))
        if (const auto told = trimmed(line); !told.empty() && told.front() != '#') {
            const auto equals = told.find('=');
            return told.front() == '[' || (equals != told.npos && equals < told.find(','));
        }
    return false;
}

Result<Fabric> read_inventory_toml(Text text) {
    return TomlCables(std::move(text)).read();
}

} // namespace railhead::topology
