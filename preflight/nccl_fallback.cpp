#include "preflight/nccl_fallback.hpp"

#include "preflight/devices.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace railhead::nccl {
namespace {

struct Cause {
    std::string seen, next;
};

std::string value(const Process& process, const char* name) {
    auto found = process.variables.find(name);
    return found == process.variables.end() ? "" : found->second;
}

/// NCCL's words that hold `words`.
std::string obstacle(const Process& process, std::string_view words) {
    for (const auto& each : process.obstacles)
        if (each.find(words) != each.npos) return each;
    return {};
}

/// Libfabric's own over sockets (fi_tcp(7), fi_sockets(7), fi_udp(7)).
bool has_slow_provider(const Process& process) {
    for (std::string_view name : {"tcp", "sockets", "udp"})
        if (process.provider.starts_with(name)) return true;
    return false;
}

bool is_slow(const Process& process, const std::string& network) {
    return is_socket(network) || has_slow_provider(process);
}

/// Why a process has no RDMA, the surest first.
Cause cause_of(const Process& process) {
    if (has_slow_provider(process))
        return {fmt::format("libfabric's provider is {}", process.provider),
                "see why there is no other (fi_info), and FI_PROVIDER"};
    auto disabled = value(process, "NCCL_IB_DISABLE"), net = value(process, "NCCL_NET"),
         hca = value(process, "NCCL_IB_HCA");
    if (!disabled.empty() && disabled != "0")
        return {fmt::format("NCCL_IB_DISABLE is {}", disabled), "unset NCCL_IB_DISABLE"};
    if (is_socket(net)) return {fmt::format("NCCL_NET is {}", net), "unset NCCL_NET"};
    if (!obstacle(process, "libibverbs").empty())
        return {"libibverbs cannot be opened",
                "install rdma-core's libibverbs1 where the program runs, as in its image"};
    if (!obstacle(process, "No device found").empty() && !hca.empty())
        return {fmt::format("no active device matches NCCL_IB_HCA={}", hca),
                "name devices whose port is PORT_ACTIVE (ibv_devinfo), or unset NCCL_IB_HCA"};
    if (!obstacle(process, "No device found").empty())
        return {
            "NET/IB found no device",
            "look for ports that are not ACTIVE (ibv_devinfo), and for a container without /dev/infiniband"};
    if (auto failed = obstacle(process, "Failed to initialize NET plugin"); !failed.empty())
        return {failed, "see what the plugin says above that line"};
    return {"", "see why with NCCL_DEBUG=INFO and NCCL_DEBUG_SUBSYS=INIT,NET,ENV; NCCL_NET=IB makes NCCL "
                "fail instead"};
}

bool has_several_nodes(const Log& log, const Nodes& nodes) {
    return std::any_of(log.communicators.begin(), log.communicators.end(),
                       [&](const Communicator& each) { return nodes.count(each) > 1; }) ||
           (log.communicators.empty() && nodes.count() > 1);
}

/// By its connections, or where those are not told by the network that was chosen.
void sockets(const Log& log, const Nodes& nodes, std::vector<Finding>& findings) {
    std::uint64_t all = 0, slow = 0;
    std::string first;
    std::set<std::size_t> processes;
    for_each_connection(log, [&](const Communicator& communicator, const Link& link) {
        if (!nodes.is_between(communicator, link)) return;
        all += link.channels;
        auto peer = communicator.peers.find(teller_of(link));
        if (peer == communicator.peers.end() || !is_slow(log.processes[peer->second.process], link.transport))
            return;
        if (slow == 0)
            first = fmt::format(", first {} to {} via {}", nodes.rank(communicator, link.from),
                                nodes.rank(communicator, link.to), link.transport);
        slow += link.channels;
        processes.insert(peer->second.process);
    });
    if (all == 0 && has_several_nodes(log, nodes))
        for (std::size_t i = 0; i < log.processes.size(); ++i)
            if (is_slow(log.processes[i], log.processes[i].network)) processes.insert(i);
    if (processes.empty()) return;
    std::set<std::string> where;
    for (auto process : processes) where.insert(nodes.name_of(process));
    auto cause = cause_of(log.processes[*processes.begin()]);
    auto seen = all == 0 ? std::string("goes over sockets: NCCL chose the network ") +
                               log.processes[*processes.begin()].network
                         : fmt::format("goes over sockets by {} of {} channels{}", slow, all, first);
    if (!cause.seen.empty()) seen += ", because " + cause.seen;
    findings.push_back({.id = "nccl-fallback",
                        .level = Level::fail,
                        .where = some_of({where.begin(), where.end()}),
                        .thing = "traffic between nodes",
                        .seen = std::move(seen),
                        .next = std::move(cause.next)});
}

void networks(const Log& log, const Nodes& nodes, std::vector<Finding>& findings) {
    std::map<std::string, std::set<std::string>> chosen; // network -> nodes
    for (std::size_t i = 0; i < log.processes.size(); ++i)
        if (!log.processes[i].network.empty()) chosen[log.processes[i].network].insert(nodes.name_of(i));
    if (chosen.size() < 2) return;
    std::vector<std::string> words;
    for (const auto& [network, where] : chosen)
        words.push_back(fmt::format("{} on {}", network, some_of({where.begin(), where.end()})));
    findings.push_back(
        {.id = "nccl-network",
         .level = Level::fail,
         .thing = "processes",
         .seen = fmt::format("have chosen different networks, which do not reach each other: {}",
                             fmt::join(words, ", ")),
         .next = "use the same image and NCCL_* variables on all nodes; NCCL_NET=IB makes the odd ones fail "
                 "with their reason"});
}

/// "docker0:172.17.0.1<0>".
bool is_local(std::string_view interface) {
    return interface.starts_with("lo:") || is_of_containers(interface) ||
           interface.find(":fe80") != interface.npos || interface.find(":127.") != interface.npos;
}

/// All of a communicator's ranks may have met over it nevertheless: then it is worth a warning.
void bootstrap(const Log& log, const Nodes& nodes, std::vector<Finding>& findings) {
    for (const auto& communicator : log.communicators) {
        if (nodes.count(communicator) < 2) continue;
        for (const auto& [rank, peer] : communicator.peers) {
            const auto& interface = log.processes[peer.process].bootstrap;
            if (!is_local(interface)) continue;
            bool met = std::all_of(communicator.peers.begin(), communicator.peers.end(),
                                   [](const auto& each) { return each.second.is_complete; });
            findings.push_back(
                {.id = "nccl-bootstrap",
                 .level = met ? Level::warn : Level::fail,
                 .where = nodes.rank(communicator, rank),
                 .thing = "NCCL",
                 .seen =
                     fmt::format("lets other nodes find it at {}, which only this node can reach", interface),
                 .next = "set NCCL_SOCKET_IFNAME to the interface that the nodes share"});
            return;
        }
    }
}

} // namespace

std::vector<Finding> fallback(const Log& log, const Nodes& nodes) {
    std::vector<Finding> findings;
    sockets(log, nodes, findings);
    networks(log, nodes, findings);
    bootstrap(log, nodes, findings);
    return findings;
}

} // namespace railhead::nccl
