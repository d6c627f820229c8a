#include "topology/draw.hpp"

#include "topology/natural.hpp"
#include "topology/switch_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace railhead::topology {
namespace {

constexpr int page_width = 1600, gap = 14, text_height = 16;
constexpr int cell = 14, cells_in_row = 8; ///< a node's square
constexpr int named_width = 110;           ///< a node with its name beside
constexpr std::size_t most_shown = 16;     ///< nodes of a group that are shown by name
constexpr std::size_t most_cabled = 16;    ///< nodes of a fabric whose cables are shown, too
constexpr int cable_room = 60;             ///< between a row of nodes or leaves and the next
constexpr const char* plain = "#9ecae1";
constexpr const char* broken = "#f28e2b";
constexpr const char *chosen = "#59a14f", *chosen_frame = "#14532d"; ///< of a marked node
constexpr const char* switch_color = "#bab0ac";
constexpr std::array<const char*, 8> rail_colors{"#4e79a7", "#b07aa1", "#76b7b2", "#edc948",
                                                 "#9c755f", "#ff9da7", "#86bc86", "#79706e"};

std::string escaped(std::string_view text) {
    std::string safe;
    for (char c : text) {
        if (c == '<')
            safe += "&lt;";
        else if (c == '&')
            safe += "&amp;";
        else if (c == '"')
            safe += "&quot;";
        else if (c == '\n')
            safe += "&#10;";
        else if (static_cast<unsigned char>(c) >= ' ' && static_cast<unsigned char>(c) < 127)
            safe += c;
        else
            safe += '?';
    }
    return safe;
}

struct Size {
    int width, height;
};

class Drawer {
  public:
    Drawer(const Fabric& fabric, const Hosts& hosts, const RailMap& map,
           const std::vector<CablingFinding>& findings, const std::vector<std::string>& marked)
        : fabric_(fabric), hosts_(hosts), map_(map), marked_(marked.begin(), marked.end()),
          cabled_(hosts.hosts.size() <= most_cabled) {
        for (const auto& [finding, cost] : findings) said_[finding.where] += "\n" + sentence(finding);
        for (const auto& group : map.groups)
            for (const auto& rail : group.rails) devices_.emplace(rail.device, 0);
        std::size_t next = 0;
        for (auto& [device, place] : devices_) place = next++;
        for (const auto& group : map.groups)
            for (std::size_t rail = 0; rail < group.rails.size(); ++rail)
                for (auto leaf : group.rails[rail].switches)
                    color_of_[leaf] = rail_colors[place_of(group, rail) % rail_colors.size()];
    }

    std::string picture() {
        const auto units = lowest_units();
        const auto spines = spines_of(units.size());
        for (std::uint32_t unit = 0; unit < units.size(); ++unit)
            add_unit(unit_name(unit), units[unit], spines[unit]);
        add_loose();
        add_legend();
        y_ += row_height_;
        return fmt::format(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
            "font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" "
            "fill=\"white\"/>\n{2}{3}</svg>\n",
            std::min(page_width, widest_ + gap), y_ + gap, cabled_ ? cables() : "", body_);
    }

  private:
    /// Among the rails of all groups: one that a group lacks leaves a gap. Leaves without a device's name
    /// stand side by side.
    std::size_t place_of(const LeafGroup& group, std::size_t rail) const {
        const auto& device = group.rails[rail].device;
        return device.empty() ? rail : devices_.at(device);
    }
    std::size_t places_of(const LeafGroup& group) const {
        std::size_t places = 0;
        for (std::size_t rail = 0; rail < group.rails.size(); ++rail)
            places = std::max(places, place_of(group, rail) + 1);
        return places;
    }

    struct Place {
        int x, y;
    };

    /// Lies below the boxes, so it is made when all places are known. A cable has its leaf's color.
    std::string cables() const {
        std::string lines;
        auto line = [&](Place from, Place to, const char* color, double width) {
            fmt::format_to(
                std::back_inserter(lines),
                "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{}\" stroke-width=\"{}\"/>\n",
                from.x + cell / 2, from.y + cell / 2, to.x + cell / 2, to.y + cell / 2, color, width);
        };
        auto color_of = [&](std::uint32_t leaf) {
            auto found = color_of_.find(leaf);
            return found == color_of_.end() ? switch_color : found->second;
        };
        using Point = std::pair<int, int>;
        std::set<std::pair<Point, Point>> between; // parallel cables once, in an order of their own
        for (const auto& link : fabric_.links) {
            auto one = switch_at_.find(link.a), other = switch_at_.find(link.b);
            if (one != switch_at_.end() && other != switch_at_.end()) {
                Point a(one->second.x, one->second.y), b(other->second.x, other->second.y);
                between.insert(std::minmax(a, b));
            }
        }
        for (const auto& [a, b] : between) line({a.first, a.second}, {b.first, b.second}, "#ccc", 0.6);
        for (const auto& port : hosts_.ports) {
            auto host = host_at_.find(port.host);
            auto leaf = switch_at_.find(port.leaf);
            if (host != host_at_.end() && leaf != switch_at_.end())
                line(host->second, leaf->second, color_of(port.leaf), 1.3);
        }
        return lines;
    }

    /// The groups of each pod; without pods, of the whole fabric.
    std::vector<std::vector<std::uint32_t>> lowest_units() const {
        if (map_.tiers.empty()) return {};
        std::vector<std::vector<std::uint32_t>> units(map_.tiers.front().units);
        for (std::uint32_t group = 0; group < map_.groups.size(); ++group)
            units[map_.tiers.front().of_group[group]].push_back(group);
        return units;
    }
    std::string unit_name(std::uint32_t unit) const { return map_.tiers.front().names[unit]; }

    template <class... Args>
    void put(fmt::format_string<Args...> format, Args&&... args) {
        fmt::format_to(std::back_inserter(body_), format, std::forward<Args>(args)...);
    }
    void text(int x, int y, std::string_view words) {
        put("<text x=\"{}\" y=\"{}\">{}</text>\n", x, y, escaped(words));
    }
    void box(int x, int y, int width, int height, const char* color, const std::string& title) {
        put("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"2\" fill=\"{}\" stroke=\"#555\" "
            "stroke-width=\"0.5\"><title>{}</title></rect>\n",
            x, y, width, height, color, escaped(title));
    }

    /// Around a marked node, whatever color it has.
    void frame(int x, int y) {
        put("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"1\" fill=\"none\" stroke=\"{}\" "
            "stroke-width=\"3\" pointer-events=\"none\"/>\n",
            x + 1, y + 1, cell - 2, cell - 2, chosen_frame);
    }

    static bool shows_names(const LeafGroup& group) { return group.hosts.size() <= most_shown; }
    int columns_of(const LeafGroup& group) const {
        if (cabled_) return std::clamp(static_cast<int>(group.hosts.size()), 1, cells_in_row);
        return shows_names(group) ? 2 : cells_in_row;
    }
    /// Where cables are shown, leaves lie above all of their nodes.
    int rail_step(const LeafGroup& group) const {
        auto rails = std::max<int>(1, static_cast<int>(group.rails.size()));
        return cabled_ ? std::max(2 * cell, columns_of(group) * named_width / rails) : cell + 2;
    }
    /// From the top of a leaf to that of the first node.
    int fall() const { return cell + (cabled_ ? cable_room : 8); }
    Size size_of(const LeafGroup& group) const {
        auto columns = columns_of(group);
        auto rows = (static_cast<int>(group.hosts.size()) + columns - 1) / columns;
        auto nodes = columns * (shows_names(group) ? named_width : cell + 2);
        auto rails = static_cast<int>(places_of(group)) * rail_step(group);
        return {std::max({nodes, rails, 120}) + gap, 2 * text_height + fall() + rows * (cell + 2) + gap};
    }

    using ByName = std::set<std::uint32_t, ByDescription>;
    /// By lowest unit.
    std::vector<ByName> spines_of(std::size_t units) const {
        std::vector<ByName> found(units, ByName(ByDescription{fabric_}));
        for (const auto& link : fabric_.links)
            for (auto [leaf, other] : {std::pair(link.a, link.b), std::pair(link.b, link.a)})
                if (const auto group = map_.grouping.of_switch[leaf];
                    group != none && fabric_.is_switch(other) && !map_.grouping.is_leaf[other])
                    found[map_.tiers.front().of_group[group]].insert(other);
        return found;
    }

    void new_row(int height) {
        x_ = gap;
        y_ += row_height_ + gap;
        row_height_ = height;
    }

    void add_unit(const std::string& name, const std::vector<std::uint32_t>& groups, const ByName& spines) {
        new_row(0);
        text(x_, y_ + text_height - 4,
             fmt::format("{}: {}, {}", name, counted(groups.size(), "leaf group"),
                         counted(spines.size(), "spine")));
        const int wide = 8 * named_width / std::max(4, static_cast<int>(spines.size()));
        const int step = cabled_ ? std::max(wide, cell + 2) : cell + 2;
        int x = x_;
        y_ += text_height;
        for (auto spine : spines) {
            if (x + cell > page_width - gap) {
                x = gap;
                y_ += cell + 2;
            }
            add_switch(x, y_, spine);
            x += step;
            widest_ = std::max(widest_, x);
        }
        y_ += spines.empty() ? 0 : cell + (cabled_ ? cable_room : gap);
        for (auto group : groups) add_group(map_.groups[group]);
    }

    void add_switch(int x, int y, std::uint32_t device) {
        auto name = labels_(device);
        auto found = said_.find(name);
        auto color = color_of_.find(device);
        switch_at_[device] = {x, y};
        box(x, y, cell, cell,
            found != said_.end()       ? broken
            : color == color_of_.end() ? switch_color
                                       : color->second,
            found == said_.end() ? name : name + found->second);
    }

    void add_group(const LeafGroup& group) {
        auto size = size_of(group);
        if (x_ + size.width > page_width) new_row(size.height);
        row_height_ = std::max(row_height_, size.height);
        auto found = said_.find(group.name);
        put("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\" fill=\"none\" stroke=\"{}\"/>\n", x_,
            y_, size.width - 4, size.height - 4, found == said_.end() ? "#999" : broken);
        int x = x_ + gap / 2, y = y_ + text_height;
        text(x, y, fmt::format("{} ({})", group.name, group.hosts.size()));
        y += 4;
        for (std::size_t rail = 0; rail < group.rails.size(); ++rail)
            add_switch(x + static_cast<int>(place_of(group, rail)) * rail_step(group), y,
                       group.rails[rail].switches.front());
        y += fall();
        for (std::size_t i = 0; i < group.hosts.size(); ++i) {
            auto column = static_cast<int>(i) % columns_of(group),
                 row = static_cast<int>(i) / columns_of(group);
            add_host(x + column * (shows_names(group) ? named_width : cell + 2), y + row * (cell + 2),
                     group.hosts[i], shows_names(group));
        }
        x_ += size.width;
        widest_ = std::max(widest_, x_);
    }

    void add_host(int x, int y, std::uint32_t host, bool with_name) {
        std::string name(hosts_.hosts[host].name);
        host_at_[host] = {x, y};
        auto found = said_.find(name);
        const bool is_marked = marked_.contains(name);
        const char* color = found != said_.end() ? broken : is_marked ? chosen : plain;
        box(x, y, cell, cell, color, found == said_.end() ? name : name + found->second);
        if (is_marked) frame(x, y);
        marks_broken_ = marks_broken_ || (is_marked && found != said_.end());
        if (with_name) text(x + cell + 3, y + cell - 3, name.size() > 14 ? name.substr(0, 13) + "." : name);
    }

    void add_loose() {
        if (map_.loose_hosts.empty()) return;
        new_row(2 * text_height);
        text(x_, y_ + text_height, "on no leaf: " + counted(map_.loose_hosts.size(), "host"));
        for (std::size_t i = 0; i < map_.loose_hosts.size() && i < most_shown * 4; ++i)
            add_host(x_ + 140 + static_cast<int>(i) * (cell + 2), y_ + 4, map_.loose_hosts[i], false);
    }

    void add_legend() {
        new_row(text_height);
        auto entry = [&](const char* color, const std::string& meaning, bool is_marked = false) {
            if (x_ + named_width > page_width) new_row(text_height);
            box(x_, y_, cell, cell, color, meaning);
            if (is_marked) frame(x_, y_);
            text(x_ + cell + 3, y_ + cell - 3, meaning);
            x_ += cell + gap + 7 * static_cast<int>(meaning.size());
            widest_ = std::max(widest_, x_);
        };
        for (const auto& [device, place] : devices_)
            if (!device.empty()) entry(rail_colors[place % rail_colors.size()], "leaf of " + device);
        entry(switch_color, "spine");
        entry(plain, "node");
        if (!said_.empty()) entry(broken, "with a finding: point at it");
        if (!marked_.empty()) entry(chosen, "marked", true);
        if (marks_broken_) entry(broken, "marked, with a finding", true);
    }

    const Fabric& fabric_;
    const SwitchLabels labels_{fabric_};
    const Hosts& hosts_;
    const RailMap& map_;
    std::map<std::string, std::size_t, Natural> devices_; ///< of all rails, with their places
    std::unordered_set<std::string> marked_;
    std::unordered_map<std::string, std::string> said_; ///< of a node, a switch or a group
    bool cabled_, marks_broken_ = false;
    std::unordered_map<std::uint32_t, const char*> color_of_; ///< of a group's leaf: its rail's
    std::unordered_map<std::uint32_t, Place> switch_at_, host_at_;
    std::string body_;
    int x_ = gap, y_ = 0, row_height_ = 0, widest_ = 4 * named_width;
};

} // namespace

std::string draw(const Fabric& fabric, const Hosts& hosts, const RailMap& map,
                 const std::vector<CablingFinding>& findings, const std::vector<std::string>& marked) {
    return Drawer(fabric, hosts, map, findings, marked).picture();
}

} // namespace railhead::topology
