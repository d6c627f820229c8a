#include "topology/topology_conf.hpp"

#include "base/number.hpp"
#include "slurm/hostlist.hpp"
#include "topology/characters.hpp"
#include "topology/line_reader.hpp"
#include "topology/natural.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace railhead::topology {
namespace {

bool same_word(std::string_view one, std::string_view other) {
    return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                      [](char a, char b) { return to_lower(a) == to_lower(b); });
}

/// The words of a line that the file may join from several.
class Line {
  public:
    static constexpr std::array<std::string_view, 7> keys{"SwitchName", "Nodes",      "Switches", "LinkSpeed",
                                                          "BlockName",  "BlockSizes", "BlockSize"};

    Line(std::string text, std::uint32_t number) : text_(std::move(text)), number_(number) {}

    Result<void> parse() {
        Scanner scanner(text_); // blanks around "=" are Slurm's, too
        for (scanner.skip_blanks(); !scanner.rest().empty(); scanner.skip_blanks()) {
            const auto word = scanner.rest().substr(0, scanner.rest().find_first_of("= \t"));
            scanner.take(word);
            scanner.skip_blanks();
            const auto key =
                std::find_if(keys.begin(), keys.end(), [&](auto known) { return same_word(known, word); });
            if (!scanner.take('=') || key == keys.end())
                return wrong(word, "SwitchName=, Nodes=, Switches=, BlockName= or BlockSizes=");
            auto& value = values_[static_cast<std::size_t>(key - keys.begin())];
            if (value) return wrong(word, fmt::format("{} once on a line", *key));
            value = unquoted(scanner.word());
        }
        return {};
    }
    std::optional<std::string_view> value(std::string_view key) const {
        return values_[static_cast<std::size_t>(std::find(keys.begin(), keys.end(), key) - keys.begin())];
    }
    Result<std::vector<std::string>> list(std::string_view key) const {
        auto listed = expand_hostlist(value(key).value_or(""), most_listed);
        if (!listed)
            return tl::unexpected(std::move(listed.error()).within(fmt::format("line {}: {}", number_, key)));
        return listed;
    }
    tl::unexpected<Error> wrong(std::string_view word, std::string expected) const {
        return bad_line(number_, word, std::move(expected));
    }

  private:
    static std::string_view unquoted(std::string_view text) {
        if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
            return text.substr(1, text.size() - 2);
        return text;
    }

    std::string text_;
    std::uint32_t number_;
    std::array<std::optional<std::string_view>, keys.size()> values_;
};

class ConfReader {
  public:
    explicit ConfReader(std::string_view text) : lines_(text) {}

    Result<TopologyConf> read() {
        std::string_view line;
        while (lines_.next(line)) {
            auto number = lines_.number();
            std::string whole(line.substr(0, line.find('#')));
            while (whole.ends_with('\\')) {
                whole.back() = ' ';
                if (!lines_.next(line)) break;
                whole += line.substr(0, line.find('#'));
            }
            if (same_word(Scanner(whole).word(), "Include")) {
                conf_.findings.push_back({.id = "include",
                                          .level = Level::warn,
                                          .where = fmt::format("line {}", number),
                                          .thing = "Include",
                                          .seen = "is not followed",
                                          .next = "check that file by itself"});
                continue;
            }
            if (auto taken = take(Line(std::move(whole), number), number); !taken)
                return tl::unexpected(taken.error());
            if (conf_.listed > most_listed)
                return bad_line(number, line, fmt::format("at most {} names in the file", most_listed));
        }
        return std::move(conf_);
    }

  private:
    Result<void> take(Line line, std::uint32_t number) {
        if (auto parsed = line.parse(); !parsed) return parsed;
        if (auto name = line.value("SwitchName")) return take_switch(line, *name, number);
        if (auto name = line.value("BlockName")) {
            auto nodes = line.list("Nodes");
            if (!nodes) return tl::unexpected(nodes.error());
            conf_.listed += nodes->size();
            conf_.blocks.push_back({std::string(*name), std::move(*nodes), number});
            return {};
        }
        if (auto sizes = line.value("BlockSizes")) return take_sizes(line, *sizes, number);
        for (auto key : Line::keys)
            if (auto value = line.value(key))
                return line.wrong(fmt::format("{}={}", key, *value),
                                  "SwitchName= or BlockName= on the same line");
        return {};
    }

    Result<void> take_switch(const Line& line, std::string_view name, std::uint32_t number) {
        if (auto speed = line.value("LinkSpeed"); speed && !whole_number<std::uint32_t>(*speed))
            return line.wrong(fmt::format("LinkSpeed={}", *speed), "a whole number");
        auto nodes = line.list("Nodes");
        if (!nodes) return tl::unexpected(nodes.error());
        auto switches = line.list("Switches");
        if (!switches) return tl::unexpected(switches.error());
        conf_.listed += nodes->size() + switches->size();
        TopologyConf::Switch made;
        made.name = name;
        made.nodes = std::move(*nodes);
        made.switches = std::move(*switches);
        made.line = number;
        made.has_nodes = line.value("Nodes").has_value();
        made.has_switches = line.value("Switches").has_value();
        conf_.switches.push_back(std::move(made));
        return {};
    }

    Result<void> take_sizes(const Line& line, std::string_view sizes, std::uint32_t number) {
        if (conf_.block_sizes_line != 0)
            return line.wrong(fmt::format("BlockSizes={}", sizes), "BlockSizes once in a file");
        conf_.block_sizes_line = number;
        for (auto rest = sizes; !rest.empty();) {
            auto comma = rest.find(',');
            auto size = whole_number<std::uint32_t>(rest.substr(0, comma));
            if (!size || *size == 0)
                return line.wrong(fmt::format("BlockSizes={}", sizes), "numbers with commas between them");
            conf_.block_sizes.push_back(*size);
            rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
        }
        return {};
    }

    LineReader lines_;
    TopologyConf conf_;
};

} // namespace

Result<TopologyConf> read_topology_conf(std::string_view text) {
    return ConfReader(text).read();
}

LeafOf leaves_of(const TopologyConf& conf) {
    LeafOf found;
    std::map<std::string, std::uint32_t, Natural> by_node;
    auto add = [&](const std::string& leaf, const std::vector<std::string>& nodes) {
        if (nodes.empty()) return;
        found.leaves.push_back(leaf);
        for (const auto& node : nodes) by_node[node] = static_cast<std::uint32_t>(found.leaves.size() - 1);
    };
    for (const auto& one : conf.switches) add(one.name, one.nodes);
    for (const auto& one : conf.blocks) add(one.name, one.nodes);
    found.nodes.assign(by_node.begin(), by_node.end());
    return found;
}

} // namespace railhead::topology
