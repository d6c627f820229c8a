#include "preflight/nccl_trouble.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead::nccl {
namespace {

enum class Kind { error, victim, remark };

struct Known {
    std::string_view words; ///< in NCCL's message
    Kind kind;
    std::string_view next;
};

// The first whose words are in the message. Numbers are those of enum ibv_wc_status (ibv_poll_cq(3)).
constexpr Known table[] = {
    {"Connection closed by remote peer", Kind::victim, ""},
    {"Connection reset by peer", Kind::victim, ""},
    {"with error 12,", Kind::error,
     "the peer did not answer: look at the port, the cable and the switch between these two nodes, and at "
     "the peer itself"},
    {"status=12 ", Kind::error,
     "the peer did not answer: look at the port, the cable and the switch between these two nodes, and at "
     "the peer itself"},
    {"with error 5,", Kind::victim, ""},
    {"status=5 ", Kind::victim, ""},
    {"with error 4,", Kind::error,
     "GPUDirect RDMA may not reach this memory: check nvidia_peermem and ACS, or try NCCL_NET_GDR_LEVEL=0"},
    {"status=4 ", Kind::error,
     "GPUDirect RDMA may not reach this memory: check nvidia_peermem and ACS, or try NCCL_NET_GDR_LEVEL=0"},
    {"Got completion", Kind::error, "look at the ports of these two nodes"},
    {"ibv_modify_qp", Kind::error,
     "the two ports do not reach each other: with RoCE compare NCCL_IB_GID_INDEX on both nodes, or leave it "
     "unset"},
    {"ibv_reg_mr", Kind::error, "give the job's processes unlimited locked memory (ulimit -l)"},
    {"ibv_create_", Kind::error, "give the job's processes unlimited locked memory (ulimit -l)"},
    {"shared memory segment", Kind::error, "make room in /dev/shm, which containers often have 64 MB of"},
    {"No space left on device", Kind::error, "make room in /dev/shm, which containers often have 64 MB of"},
    {"Connection refused", Kind::error,
     "see why the process there ended, and that both nodes use the same network (NCCL_SOCKET_IFNAME)"},
    {"No route to host", Kind::error, "set NCCL_SOCKET_IFNAME to the interface that the nodes share"},
    {"Connection timed out", Kind::error,
     "set NCCL_SOCKET_IFNAME to the interface that the nodes share, and open its ports"},
    {"socketStartConnect", Kind::error, "set NCCL_SOCKET_IFNAME to the interface that the nodes share"},
    {"no socket interface found", Kind::error, "set NCCL_SOCKET_IFNAME to an interface that this node has"},
    {"No network interface found", Kind::error, "set NCCL_SOCKET_IFNAME to an interface that this node has"},
    {"out of memory", Kind::error, "leave NCCL some memory of the GPU, or see who else uses it"},
    {"Duplicate GPU detected", Kind::error,
     "give each rank a GPU of its own: by its local rank, not its rank"},
    {"invalid device ordinal", Kind::error, "give each rank a GPU that it sees"},
    {"Mismatched NCCL version", Kind::error, "use the same image or environment on all nodes"},
    {"Cuda failure", Kind::error, ""},
    {"HIP failure", Kind::error, ""},
    {"Call to ", Kind::error, ""},
    {"imeout", Kind::error, ""},
    {"Proxy Service", Kind::victim, ""},
    {"Service thread", Kind::victim, ""},
    {"handshake", Kind::error, ""},
    {"wrong type", Kind::error, "see that no other job uses the same port, and that all ranks use one NCCL"},
};

const Known* known(std::string_view message) {
    for (const auto& each : table)
        if (message.find(each.words) != message.npos) return &each;
    return nullptr;
}

Kind kind_of(const Warning& warning) {
    const auto* found = known(warning.message);
    return found ? found->kind : Kind::remark;
}

std::string rank_of(const Log& log, const Warning& warning) {
    for (const auto& each : log.communicators)
        for (const auto& [rank, peer] : each.peers) {
            const auto& process = log.processes[peer.process];
            if (process.pid == warning.pid && process.host == warning.host)
                return fmt::format("rank {} on {}", rank, warning.host);
        }
    return fmt::format("process {} on {}", warning.pid, warning.host);
}

Finding finding_of(const Log& log, const Warning& warning, Kind kind, std::uint64_t others) {
    Finding finding{.id = kind == Kind::remark ? "nccl-remark" : "nccl-error",
                    .level = kind == Kind::remark ? Level::warn : Level::fail,
                    .where = rank_of(log, warning),
                    .thing = "NCCL",
                    .seen = "says: " + warning.message};
    if (others > 0) finding.seen += fmt::format(" (the first of {})", others + 1);
    if (const auto* found = known(warning.message)) finding.next = found->next;
    if (finding.next.empty()) finding.next = "see what that process did before, in its own log";
    return finding;
}

} // namespace

std::vector<Finding> troubles(const Log& log) {
    std::vector<Finding> findings;
    const auto& all = log.warnings;
    auto first = [&](Kind kind) {
        return std::find_if(all.begin(), all.end(),
                            [&](const Warning& each) { return kind_of(each) == kind; });
    };
    auto count = [&](auto matches) {
        return static_cast<std::uint64_t>(std::count_if(all.begin(), all.end(), matches));
    };
    auto headline = first(Kind::error) == all.end() ? first(Kind::victim) : first(Kind::error);
    if (headline != all.end()) {
        auto errors = count([](const Warning& each) { return kind_of(each) != Kind::remark; });
        findings.push_back(finding_of(log, *headline, Kind::error, errors - 1));
    }
    if (auto remark = first(Kind::remark); remark != all.end()) {
        auto remarks = count([](const Warning& each) { return kind_of(each) == Kind::remark; });
        findings.push_back(finding_of(log, *remark, Kind::remark, remarks - 1));
    }
    return findings;
}

} // namespace railhead::nccl
