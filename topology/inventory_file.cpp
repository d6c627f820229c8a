// A list that people keep, or export from what they cabled by: a line for each cable of a node.
#include "base/number.hpp"
#include "topology/host_names.hpp"
#include "topology/line_reader.hpp"
#include "topology/named_fabric.hpp"
#include "topology/readers.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <functional>
#include <unordered_map>
#include <unordered_set>

namespace railhead::topology {
namespace {

constexpr std::array<std::string_view, 5> columns{"node", "rail", "switch", "port", "speed"};
constexpr std::uint32_t most_lines = 2'000'000;
enum Column { node, rail, at_switch, port, speed };

std::string_view value_from(std::string_view field) {
    auto text = trimmed(field);
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    return text;
}

class InventoryReader {
  public:
    explicit InventoryReader(Text text) : build_(std::move(text)) {}

    Result<Fabric> read() {
        find_equal_lines();
        LineReader lines(build_.text());
        std::string_view line;
        while (lines.next(line)) {
            if (trimmed(line).empty() || line.front() == '#') continue;
            if (lines.number() > most_lines)
                return bad_line(lines.number(), line, fmt::format("at most {} lines", most_lines));
            auto taken = has_head_ ? row(line, lines.number()) : head(line, lines.number());
            if (!taken) return tl::unexpected(taken.error());
        }
        if (!has_head_)
            return fail(ErrorKind::usage, {.id = "fabric-empty",
                                           .thing = "the text",
                                           .seen = "has no line",
                                           .expected = "node,rail,switch,port"});
        return std::move(build_).finish();
    }

  private:
    /// Few are, so that only hashes of the others are held, and not for long.
    void find_equal_lines() {
        std::vector<std::size_t> hashes;
        LineReader lines(build_.text());
        for (std::string_view line; lines.next(line);)
            hashes.push_back(std::hash<std::string_view>()(trimmed(line)));
        std::sort(hashes.begin(), hashes.end());
        for (auto at = hashes.begin(); (at = std::adjacent_find(at, hashes.end())) != hashes.end(); ++at)
            hashes_of_equals_.insert(*at);
    }

    /// The line before that says the same; 0: none, or this is the first.
    std::uint32_t repeats(std::string_view line, std::uint32_t number) {
        line = trimmed(line);
        if (!hashes_of_equals_.contains(std::hash<std::string_view>()(line))) return 0;
        const auto [at, is_new] = first_of_equals_.try_emplace(line, number);
        return is_new ? 0 : at->second;
    }

    const std::vector<std::string_view>& fields(std::string_view line) {
        auto& found = fields_;
        found.clear();
        while (true) {
            auto comma = line.find(',');
            if (trimmed(line).starts_with('"')) // a comma in quotes is the field's
                if (auto end = line.find('"', line.find('"') + 1); end != line.npos)
                    comma = line.find(',', end);
            found.push_back(value_from(line.substr(0, comma)));
            if (comma == line.npos) return found;
            line.remove_prefix(comma + 1);
        }
    }

    Result<void> head(std::string_view line, std::uint32_t number) {
        place_.fill(SIZE_MAX);
        const auto& names = fields(line);
        for (std::size_t i = 0; i < names.size(); ++i) {
            auto column = std::find(columns.begin(), columns.end(), in_lower_case(names[i]));
            if (column == columns.end())
                return bad_line(number, line, "columns named node, rail, switch, port and speed");
            auto& place = place_[static_cast<std::size_t>(column - columns.begin())];
            if (place != SIZE_MAX) return bad_line(number, line, fmt::format("one column {}", *column));
            place = i;
        }
        if (place_[node] == SIZE_MAX || place_[at_switch] == SIZE_MAX)
            return bad_line(number, line, "a first line that names the columns, node and switch at least");
        has_head_ = true;
        width_ = names.size();
        return {};
    }

    Result<void> row(std::string_view line, std::uint32_t number) {
        const auto& values = fields(line);
        auto value = [&](Column column) {
            return place_[column] < values.size() ? values[place_[column]] : std::string_view();
        };
        if (value(node).empty() || value(at_switch).empty())
            return bad_line(number, line, "a node and a switch");
        for (auto i = width_; i < values.size(); ++i) // spreadsheets may write empty ones
            if (!values[i].empty()) return bad_line(number, line, fmt::format("{} fields", width_));
        if (!is_node_name(value(node))) return bad_line(number, line, node_name_form);
        std::optional<std::uint16_t> switch_port;
        if (!value(port).empty()) {
            auto given = whole_number<std::uint16_t>(value(port));
            if (!given) return bad_line(number, line, "a port that is a number");
            switch_port = given;
        }
        Rate rate;
        if (!value(speed).empty()) {
            auto gbps = whole_number<std::uint16_t>(value(speed));
            if (!gbps || *gbps > 6000) return bad_line(number, line, "a speed in Gbit/s");
            rate = rate_of_gbps(*gbps);
        }
        // Without a rail and a port, a node may have several cables to a switch.
        if (!value(rail).empty() || switch_port)
            if (const auto first = repeats(line, number); first != 0) {
                build_.repeated(number, first);
                return {};
            }
        auto leaf = build_.network_switch(value(at_switch), number);
        auto adapter = value(rail).empty() ? build_.next_adapter(value(node), number)
                                           : build_.adapter(value(node), value(rail), number);
        build_.link(leaf, adapter, number, rate, switch_port);
        return {};
    }

    NamedFabric build_;
    bool has_head_ = false;
    std::size_t width_ = 0; ///< columns
    std::array<std::size_t, columns.size()> place_{};
    std::vector<std::string_view> fields_; ///< of the line at hand
    std::unordered_set<std::size_t> hashes_of_equals_;
    std::unordered_map<std::string_view, std::uint32_t> first_of_equals_; ///< line -> its number
};

} // namespace

Result<Fabric> read_inventory_file(Text text) {
    return InventoryReader(std::move(text)).read();
}

} // namespace railhead::topology
