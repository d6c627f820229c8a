#include "launcher/supervisor/muster.hpp"

#include "launcher/channel/server.hpp"

#include <algorithm>

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
