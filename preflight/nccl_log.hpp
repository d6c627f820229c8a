#pragma once
#include "preflight/nccl_channel.hpp"
#include "preflight/nccl_line.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace railhead::nccl {

/// What one process has told of itself.
struct Process {
    std::string host;
    std::uint32_t pid = 0;
    std::string network;                          ///< that NCCL chose: "IB", "Socket"; empty: not told
    std::string provider;                         ///< of AWS's plugin: "efa", "tcp;ofi_rxm"
    std::string bootstrap;                        ///< "eth0:10.0.0.1<0>"
    std::vector<std::string> adapters;            ///< "mlx5_0:1/RoCE", in NCCL's order: its numbers of NICs
    std::vector<std::string> interfaces;          ///< of NET/Socket: "eth0:10.0.0.1<0>"
    std::map<std::string, std::string> variables; ///< NCCL_* as NCCL read them
    std::vector<std::string> obstacles;           ///< why a network is not used, in NCCL's words
};

/// Connections of one kind between two ranks, as one of both tells them.
struct Link {
    std::uint32_t from = 0, to = 0;
    Side side = Side::inside;
    std::string transport;
    std::optional<std::uint32_t> nic;
    bool is_direct = false;
    std::uint32_t channels = 0;
};

struct Peer {
    std::size_t process = 0;  ///< in Log::processes
    bool is_complete = false; ///< "Init COMPLETE"
};

struct Communicator {
    std::string id;                      ///< commId, since 2.18; empty: older, and those of one size are one
    std::uint32_t ranks = 0;             ///< as NCCL says; 0: never told
    std::uint32_t nodes = 0;             ///< as NCCL says (2.19); 0: never told
    std::map<std::uint32_t, Peer> peers; ///< by rank; those whose lines are there
    std::vector<Link> links;             ///< in order of ranks
};

struct Warning {
    std::string host;
    std::uint32_t pid = 0;
    std::string message;
};

struct Log {
    std::vector<Process> processes;
    std::vector<Communicator> communicators;
    std::vector<Warning> warnings; ///< the first of them
    std::uint64_t all_warnings = 0;
    std::set<std::string> versions; ///< "2.18.3+cuda12.2"
    std::uint64_t lines = 0;        ///< NCCL's
    bool is_partial = false;        ///< there was more than is kept: see the bounds
};

// What is kept of a log is bounded, whatever it holds.
constexpr std::size_t most_processes = 1 << 17, most_communicators = 1 << 12, most_links = 1 << 21;
constexpr std::size_t most_told_bytes = std::size_t{64} << 20; ///< of what processes say of themselves
constexpr std::size_t most_warnings = 1000, most_variables = 200, most_words = 64, longest_text = 400;

/// Reads one log or several in pieces of any size. Not thread-safe.
class LogReader {
  public:
    LogReader();
    ~LogReader();
    LogReader(const LogReader&) = delete;
    LogReader& operator=(const LogReader&) = delete;

    void read(std::string_view piece);
    void end_of_file(); ///< what follows is another file's
    Log take();         ///< what was read; the reader is spent

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace railhead::nccl
