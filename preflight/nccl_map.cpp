#include "preflight/nccl_map.hpp"

#include "slurm/hostlist.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace railhead::nccl {
namespace {

/// "10.0.0.1" of "eth0:10.0.0.1<0>".
std::string address_of(const std::string& interface) {
    auto begin = interface.find(':');
    if (begin == interface.npos) return {};
    return interface.substr(begin + 1, interface.find('<', begin) - begin - 1);
}

} // namespace

Nodes::Nodes(const Log& log) {
    std::map<std::string, std::set<std::string>> addresses;
    for (const auto& process : log.processes)
        if (auto address = address_of(process.bootstrap); !address.empty())
            addresses[process.host].insert(address);
    std::set<std::string> all;
    for (const auto& process : log.processes) {
        auto name = process.host;
        auto address = address_of(process.bootstrap);
        if (!address.empty() && addresses[process.host].size() > 1) name += " (" + address + ")";
        all.insert(name);
        names_.push_back(std::move(name));
    }
    count_ = all.size();
}

const std::string& Nodes::name_of(const Communicator& communicator, std::uint32_t rank) const {
    static const std::string nobody;
    auto peer = communicator.peers.find(rank);
    return peer == communicator.peers.end() ? nobody : names_[peer->second.process];
}

std::string Nodes::rank(const Communicator& communicator, std::uint32_t rank) const {
    const auto& node = name_of(communicator, rank);
    return node.empty() ? fmt::format("rank {}", rank) : fmt::format("rank {} on {}", rank, node);
}

std::size_t Nodes::count(const Communicator& communicator) const {
    std::set<std::string> there;
    for (const auto& each : communicator.peers) there.insert(names_[each.second.process]);
    return std::max<std::size_t>(there.size(), communicator.nodes);
}

bool Nodes::is_between(const Communicator& communicator, const Link& link) const {
    if (!is_network(link.transport)) return false;
    const auto &from = name_of(communicator, link.from), &to = name_of(communicator, link.to);
    return from.empty() || to.empty() || from != to;
}

void for_each_link(const Log& log, const LinkCall& call) {
    for (const auto& communicator : log.communicators)
        for (const auto& link : communicator.links) call(communicator, link);
}

void for_each_connection(const Log& log, const LinkCall& call) {
    for (const auto& communicator : log.communicators) {
        std::set<std::pair<std::uint32_t, std::uint32_t>> received;
        for (const auto& link : communicator.links)
            if (link.side == Side::receive) received.insert({link.from, link.to});
        for (const auto& link : communicator.links)
            if (link.side != Side::send || !received.contains({link.from, link.to})) call(communicator, link);
    }
}

std::string some_of(const std::vector<std::string>& hosts) {
    constexpr std::size_t most = 8;
    return compress_hostlist(hosts, most);
}

} // namespace railhead::nccl
