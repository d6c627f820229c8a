#include "launcher/supervisor/muster.hpp"

#include "launcher/channel/server.hpp"
#include "preflight/traits.hpp"
#include "slurm/hostlist.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace railhead {

std::string node_of_peer(const std::string& peer) {
    return peer.substr(peer.find(':') + 1);
}

Muster::Muster(const Allocation& allocation) {
    for (auto& [component, node] : allocation.in_order()) {
        expected_.push_back(peer_name(static_cast<int>(component), node));
        const auto& mem_bytes = allocation.components[component].mem_bytes;
        if (auto here = mem_bytes.find(node); here != mem_bytes.end())
            mem_bytes_[expected_.back()] = here->second;
    }
}

bool Muster::add(const std::string& peer, const Hello& hello, double now) {
    if (std::ranges::find(expected_, peer) == expected_.end()) return false;
    auto& kept = hellos_[peer] = hello;
    if (auto bound = mem_bytes_.find(peer); bound != mem_bytes_.end())
        kept.mem_bytes = std::min(bound->second, kept.mem_bytes.value_or(bound->second));
    times_[peer] = now;
    return true;
}

void Muster::remove(const std::string& peer) {
    hellos_.erase(peer);
}

void Muster::give_up(const std::string& peer) {
    remove(peer);
    std::erase(expected_, peer);
}

std::vector<Hello> Muster::in_order() const {
    std::vector<Hello> hellos;
    for (auto& peer : expected_) hellos.push_back(hellos_.at(peer));
    return hellos;
}

std::vector<std::string> Muster::missing_nodes() const {
    std::vector<std::string> names;
    for (auto& peer : expected_)
        if (!hellos_.contains(peer)) names.push_back(node_of_peer(peer));
    return names;
}

std::vector<Finding> wrong_with_nodes(const std::vector<Hello>& hellos) {
    std::vector<std::pair<Finding, std::vector<std::string>>> found; // with its nodes
    const auto mark = fmt::format("{}-", node_probe_name);
    for (const auto& hello : hellos)
        for (const auto& finding : hello.findings) {
            if (!finding.id.starts_with(mark)) continue;
            auto same = std::ranges::find(found, finding, &decltype(found)::value_type::first);
            if (same == found.end()) same = found.insert(found.end(), {finding, {}});
            same->second.push_back(hello.node);
        }
    std::vector<Finding> findings;
    for (auto& [finding, nodes] : found) {
        finding.where = compress_hostlist(nodes) + (finding.where.empty() ? "" : ": " + finding.where);
        findings.push_back(std::move(finding));
    }
    std::map<int, std::vector<std::pair<std::string, Traits>>> alike; // those of a component should be
    for (const auto& hello : hellos) alike[hello.component].emplace_back(hello.node, hello.traits);
    for (const auto& component : alike)
        for (auto& finding : odd_ones(component.second)) {
            finding.id = mark + finding.id;
            findings.push_back(std::move(finding));
        }
    sort_worst_first(findings);
    return findings;
}

std::optional<Finding> refusal_of(const Hello& hello, const std::vector<std::string>& probes) {
    for (auto& finding : hello.findings) {
        auto about = [&](auto& probe) { return finding.id.starts_with(probe + "-"); };
        bool judged = finding.id.starts_with(program_probe_name) ||
                      finding.id.starts_with(folder_probe_name) || std::ranges::any_of(probes, about);
        if (finding.level == Level::fail && !judged) return finding;
    }
    return std::nullopt;
}

} // namespace railhead
