#include "preflight/traits.hpp"

#include "preflight/node_checks.hpp"
#include "preflight/sysfs.hpp"
#include "slurm/hostlist.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace railhead {
namespace {

/// "8 x A, 1 x B": how many of each there are.
std::string tally(const std::map<std::string, int>& counts) {
    std::string text;
    for (const auto& [what, count] : counts)
        text += fmt::format("{}{} x {}", text.empty() ? "" : ", ", count, what);
    return text;
}

/// "570.86.15" of "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build".
std::string driver_version(const std::string& line) {
    auto is_version = [](const std::string& word) {
        return word.find('.') != word.npos && word.find_first_not_of("0123456789.") == word.npos;
    };
    for (std::size_t begin = 0; begin < line.size();) {
        auto end = std::min(line.find(' ', begin), line.size());
        auto word = line.substr(begin, end - begin);
        if (is_version(word)) return word;
        begin = end + 1;
    }
    return {};
}

std::string limit_text(const std::optional<std::uint64_t>& limit) {
    return !limit ? "" : *limit == UINT64_MAX ? "unlimited" : std::to_string(*limit);
}

void add_devices(Traits& traits, const std::string& root, const NodeFacts& facts) {
    std::map<std::string, int> gpus, ports, firmware;
    for (const auto& gpu : facts.gpus) ++gpus[fmt::format("{:04x}:{:04x}", gpu.vendor, gpu.device)];
    for (const auto& port : facts.devices.ports)
        if (port.is_active()) ++ports[port.rate];
    for (const auto& [name, function] : facts.adapters)
        if (auto version = sysfs::line_in(root + "/sys/class/infiniband/" + name + "/fw_ver");
            !version.empty())
            ++firmware[version];
    traits["GPUs"] = tally(gpus);
    traits["ACTIVE RDMA ports"] = tally(ports);
    traits["firmware of adapters"] = tally(firmware);
    std::string nearest;
    for (const auto& gpu : facts.gpus)
        nearest += (nearest.empty() ? "" : " ") + nearest_adapter(facts, gpu).value_or("-");
    traits["adapters by GPU"] = facts.adapters.empty() ? "" : nearest;
    for (const auto& each : facts.devices.interfaces)
        if (each.is_up && !each.is_loopback && !is_of_containers(each.name))
            traits["MTU of " + each.name] = sysfs::line_in(root + "/sys/class/net/" + each.name + "/mtu");
}

/// The first of the nodes are named, and how many have the value.
std::string on(const std::vector<std::string>& nodes) {
    constexpr std::size_t most = 8;
    return compress_hostlist(nodes, most);
}

} // namespace

Traits traits_of(const std::string& root, const NodeFacts& facts) {
    Traits traits;
    traits["kernel"] = sysfs::line_in(root + "/proc/sys/kernel/osrelease");
    traits["NVIDIA driver"] = driver_version(sysfs::line_in(root + "/proc/driver/nvidia/version"));
    traits["limit of locked memory"] = limit_text(facts.locked_bytes);
    traits["limit of open files"] = limit_text(facts.open_files);
    traits["transparent huge pages"] = sysfs::line_in(root + "/sys/kernel/mm/transparent_hugepage/enabled");
    add_devices(traits, root, facts);
    std::erase_if(traits, [](const auto& each) { return each.second.empty(); });
    return traits;
}

std::vector<Finding> odd_ones(const std::vector<std::pair<std::string, Traits>>& nodes) {
    std::set<std::string> names;
    for (const auto& node : nodes)
        for (const auto& trait : node.second) names.insert(trait.first);
    std::vector<Finding> findings;
    for (const auto& name : names) {
        std::map<std::string, std::vector<std::string>> groups; // value -> nodes
        std::size_t all = 0;
        for (const auto& [node, traits] : nodes)
            if (auto trait = traits.find(name); trait != traits.end())
                groups[trait->second].push_back(node), ++all;
        if (groups.size() < 2) continue;
        auto fewer = [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); };
        const auto most = std::max_element(groups.begin(), groups.end(), fewer);
        const bool has_usual = most->second.size() * 2 > all;
        Finding finding{.id = "odd-one",
                        .level = Level::warn,
                        .thing = name,
                        .next =
                            "let the administrator make them alike, or leave the odd one out (--exclude)"};
        if (!has_usual) {
            finding.seen = "differs:";
            for (const auto& [value, having] : groups)
                finding.seen +=
                    fmt::format("{} {} on {}", finding.seen.ends_with(':') ? "" : ",", value, on(having));
            findings.push_back(std::move(finding));
            continue;
        }
        for (const auto& [value, having] : groups) {
            if (value == most->first) continue;
            auto odd = finding;
            odd.where = on(having);
            odd.seen = "is " + value;
            odd.expected = fmt::format("{}, as on {} of {} nodes", most->first, most->second.size(), all);
            findings.push_back(std::move(odd));
        }
    }
    return findings;
}

} // namespace railhead
