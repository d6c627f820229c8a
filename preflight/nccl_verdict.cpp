#include "preflight/nccl_verdict.hpp"

#include "preflight/nccl_fallback.hpp"
#include "preflight/nccl_map.hpp"
#include "preflight/nccl_trouble.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>

namespace railhead::nccl {
namespace {

using Findings = std::vector<Finding>;

/// All of the nodes that tell of such links, how many channels those are, and the first of them.
struct Found {
    std::set<std::string> nodes;
    std::uint64_t channels = 0;
    std::string first;
};

std::string way_of(const Link& link) {
    return link.nic ? fmt::format("{}/{}", link.transport, *link.nic) : link.transport;
}

template <class Matches>
Found links_that(const Log& log, const Nodes& nodes, Matches matches) {
    Found found;
    for_each_link(log, [&](const Communicator& communicator, const Link& link) {
        if (!matches(communicator, link)) return;
        if (found.channels == 0)
            found.first = fmt::format("{} to {} via {}", nodes.rank(communicator, link.from),
                                      nodes.rank(communicator, link.to), way_of(link));
        found.channels += link.channels;
        found.nodes.insert(nodes.name_of(communicator, teller_of(link)));
    });
    return found;
}

std::vector<std::string> list_of(const std::set<std::string>& set) {
    return {set.begin(), set.end()};
}

/// A variable of any process, with its value.
std::optional<std::string> set_somewhere(const Log& log, const char* name) {
    for (const auto& process : log.processes)
        if (auto found = process.variables.find(name); found != process.variables.end())
            return fmt::format("{}={}", name, found->second);
    return std::nullopt;
}

/// Receiving counts: sending from the GPU's memory NCCL leaves out by itself where it is no faster.
void gpudirect(const Log& log, const Nodes& nodes, Findings& findings) {
    std::uint64_t all = 0;
    auto found = links_that(log, nodes, [&](const Communicator& communicator, const Link& link) {
        if (link.side != Side::receive || is_socket(link.transport) || !nodes.is_between(communicator, link))
            return false;
        all += link.channels;
        return !link.is_direct;
    });
    if (found.channels == 0) return;
    Finding finding{.id = "nccl-gpudirect",
                    .level = Level::warn,
                    .where = some_of(list_of(found.nodes)),
                    .thing = "GPUDirect RDMA"};
    finding.seen = fmt::format("is not used by {} of {} channels that receive from other nodes ({})",
                               found.channels, all, found.first);
    for (const auto* name : {"NCCL_NET_GDR_LEVEL", "NCCL_IB_CUDA_SUPPORT", "NCCL_NET_GDR_READ"})
        if (auto set = set_somewhere(log, name); set && finding.next.empty())
            finding.next = fmt::format("see whether {} is meant", *set);
    if (finding.next.empty())
        finding.next = "load nvidia_peermem (or a kernel and driver with DMA-BUF), and see that GPU and NIC "
                       "are on one PCIe switch";
    findings.push_back(std::move(finding));
}

std::string adapter(const Log& log, const Communicator& communicator, std::uint32_t rank, std::uint32_t nic) {
    auto peer = communicator.peers.find(rank);
    if (peer != communicator.peers.end()) {
        const auto& adapters = log.processes[peer->second.process].adapters;
        if (nic < adapters.size()) return fmt::format("{} ({})", nic, adapters[nic]);
    }
    return std::to_string(nic);
}

using Numbers = std::map<std::uint32_t, std::uint32_t>; ///< NIC -> channels

std::uint64_t sum_of(const Numbers& numbers) {
    std::uint64_t sum = 0;
    for (const auto& each : numbers) sum += each.second;
    return sum;
}

/// Where a log is cut or has the lines of one end only in part, by the NICs alone.
bool are_the_same(const Numbers& a, const Numbers& b) {
    auto same_nic = [](const auto& x, const auto& y) { return x.first == y.first; };
    return sum_of(a) == sum_of(b) ? a == b : std::equal(a.begin(), a.end(), b.begin(), b.end(), same_nic);
}

/// The first NIC of one end that the other does not use as much.
std::uint32_t odd_one(const Numbers& a, const Numbers& b) {
    for (const auto& each : a)
        if (auto other = b.find(each.first); other == b.end() || other->second != each.second)
            return each.first;
    return a.begin()->first;
}

/// What a pair sends by and receives by must be the same numbers; where only one end is told, nothing is
/// known.
void cross_rail(const Log& log, const Nodes& nodes, Findings& findings) {
    std::uint64_t pairs = 0, crossing = 0;
    std::string first;
    std::set<std::string> where;
    for (const auto& communicator : log.communicators) {
        std::map<std::pair<std::uint32_t, std::uint32_t>, std::pair<Numbers, Numbers>> ends;
        for (const auto& link : communicator.links) {
            if (!link.nic || is_socket(link.transport) || !nodes.is_between(communicator, link)) continue;
            auto& end = ends[{link.from, link.to}];
            (link.side == Side::send ? end.first : end.second)[*link.nic] += link.channels;
        }
        for (const auto& [ranks, numbers] : ends) {
            if (numbers.first.empty() || numbers.second.empty()) continue;
            ++pairs;
            if (are_the_same(numbers.first, numbers.second)) continue;
            if (crossing++ == 0)
                first = fmt::format(
                    "{} sends by NIC {}, {} receives by NIC {}", nodes.rank(communicator, ranks.first),
                    adapter(log, communicator, ranks.first, odd_one(numbers.first, numbers.second)),
                    nodes.rank(communicator, ranks.second),
                    adapter(log, communicator, ranks.second, odd_one(numbers.second, numbers.first)));
            where.insert(nodes.name_of(communicator, ranks.first));
        }
    }
    if (crossing == 0) return;
    findings.push_back(
        {.id = "nccl-cross-rail",
         .level = Level::warn,
         .where = some_of(list_of(where)),
         .thing = fmt::format("{} of {} pairs of ranks", crossing, pairs),
         .seen = "cross from one rail to another: " + first,
         .next = "see that NCCL_IB_HCA names the same rails in the same order on all nodes, and that "
                 "GPUs and NICs have the same PCI order; NCCL_CROSS_NIC=0 forbids most of it"});
}

void inside_node(const Log& log, const Nodes& nodes, Findings& findings) {
    auto found = links_that(log, nodes, [&](const Communicator& communicator, const Link& link) {
        return is_network(link.transport) && link.side == Side::send && !nodes.is_between(communicator, link);
    });
    if (found.channels == 0) return;
    Finding finding{.id = "nccl-inside-node",
                    .level = Level::warn,
                    .where = some_of(list_of(found.nodes)),
                    .thing = "ranks of one node"};
    finding.seen = fmt::format("reach each other by the network: {} ({})", counted(found.channels, "channel"),
                               found.first);
    for (const auto* name : {"NCCL_P2P_DISABLE", "NCCL_SHM_DISABLE", "NCCL_P2P_LEVEL"})
        if (auto set = set_somewhere(log, name); set && finding.next.empty())
            finding.next = fmt::format("see whether {} is meant", *set);
    if (finding.next.empty())
        finding.next = "let the ranks of a node see each other's GPUs (no --gpus-per-task, no --gpu-bind), "
                       "and share /dev/shm between their containers";
    findings.push_back(std::move(finding));
}

void incomplete(const Log& log, const Nodes& nodes, Findings& findings) {
    for (const auto& communicator : log.communicators) {
        std::vector<std::uint32_t> waiting;
        for (const auto& [rank, peer] : communicator.peers)
            if (!peer.is_complete) waiting.push_back(rank);
        if (waiting.empty()) continue;
        Finding finding{.id = "nccl-incomplete", .level = Level::warn};
        finding.thing = communicator.ranks > 0 ? fmt::format("a communicator of {} ranks", communicator.ranks)
                                               : "a communicator";
        finding.seen =
            fmt::format("was begun and not completed by {}, first {}", counted(waiting.size(), "rank"),
                        nodes.rank(communicator, waiting.front()));
        if (communicator.peers.size() < communicator.ranks)
            finding.seen +=
                fmt::format(" ({} of its ranks say nothing)", communicator.ranks - communicator.peers.size());
        finding.next = "see what those ranks did last, and whether the log was cut";
        findings.push_back(std::move(finding));
        return; // the others wait for the same
    }
}

void adapters(const Log& log, const Nodes& nodes, Findings& findings) {
    std::map<std::string, const std::vector<std::string>*> of_node;
    for (std::size_t i = 0; i < log.processes.size(); ++i) {
        const auto& mine = log.processes[i].adapters;
        if (mine.empty()) continue;
        auto [entry, is_new] = of_node.emplace(nodes.name_of(i), &mine);
        if (is_new || *entry->second == mine) continue;
        findings.push_back({.id = "nccl-adapters",
                            .level = Level::warn,
                            .where = nodes.name_of(i),
                            .thing = "processes of one node",
                            .seen = fmt::format("use different NICs: {} and {}",
                                                fmt::join(*entry->second, " "), fmt::join(mine, " ")),
                            .next = "set NCCL_IB_HCA to the same for all ranks of a node; NCCL itself "
                                    "chooses the nearest for each GPU"});
        return;
    }
}

void versions(const Log& log, Findings& findings) {
    if (log.versions.size() < 2) return;
    findings.push_back({.id = "nccl-versions",
                        .level = Level::warn,
                        .thing = "several versions of NCCL",
                        .seen = fmt::format("are in one job: {}", fmt::join(log.versions, ", ")),
                        .next = "use the same image or environment on all nodes"});
}

/// What one cannot know is said: a log without the lines is no sign of RDMA.
void transport(const Log& log, const Nodes& nodes, const Findings& known, Findings& findings) {
    auto says = [&](const char* id) {
        return std::any_of(known.begin(), known.end(), [&](const Finding& each) { return each.id == id; });
    };
    if (log.lines == 0) {
        findings.push_back({.id = "nccl-transport",
                            .level = Level::unknown,
                            .thing = "the log",
                            .seen = "has no line of NCCL",
                            .next = "set NCCL_DEBUG=INFO before the program starts"});
        return;
    }
    bool several = nodes.count() > 1, told = false;
    for (const auto& communicator : log.communicators) several |= nodes.count(communicator) > 1;
    for_each_link(log, [&](const Communicator& communicator, const Link& link) {
        told |= nodes.is_between(communicator, link);
    });
    if (told || says("nccl-fallback")) return;
    if (!several && !log.communicators.empty()) return;
    findings.push_back(
        {.id = "nccl-transport",
         .level = Level::unknown,
         .thing = "the way between nodes",
         .seen = "is not in the log",
         .next =
             "set NCCL_DEBUG_SUBSYS=INIT,NET,ENV, and see that the program has made its first collective"});
}

} // namespace

Summary summary_of(const Log& log) {
    const Nodes nodes(log);
    Summary summary{.nodes = nodes.count()};
    for (const auto& communicator : log.communicators) {
        summary.ranks = std::max(
            {summary.ranks, communicator.ranks, static_cast<std::uint32_t>(communicator.peers.size())});
        summary.nodes = std::max(summary.nodes, nodes.count(communicator));
    }
    for_each_connection(log, [&](const Communicator& communicator, const Link& link) {
        auto way = link.transport + (link.is_direct ? " with GPUDirect RDMA" : "");
        (nodes.is_between(communicator, link) ? summary.between_nodes : summary.inside_nodes)[way] +=
            link.channels;
    });
    return summary;
}

std::vector<std::string> pairs_of(const Log& log) {
    const Nodes nodes(log);
    std::vector<std::string> lines;
    for_each_link(log, [&](const Communicator& communicator, const Link& link) {
        const char* side = link.side == Side::send ? " sent" : link.side == Side::receive ? " received" : "";
        lines.push_back(fmt::format("{} -> {}: {}{} by {}{}", nodes.rank(communicator, link.from),
                                    nodes.rank(communicator, link.to), counted(link.channels, "channel"),
                                    side, way_of(link), link.is_direct ? " with GPUDirect RDMA" : ""));
    });
    return lines;
}

std::vector<Finding> verdicts(const Log& log) {
    const Nodes nodes(log);
    Findings findings = fallback(log, nodes);
    for (auto& each : troubles(log)) findings.push_back(std::move(each));
    gpudirect(log, nodes, findings);
    cross_rail(log, nodes, findings);
    inside_node(log, nodes, findings);
    incomplete(log, nodes, findings);
    adapters(log, nodes, findings);
    versions(log, findings);
    auto known = findings;
    transport(log, nodes, known, findings);
    sort_worst_first(findings);
    return findings;
}

} // namespace railhead::nccl
