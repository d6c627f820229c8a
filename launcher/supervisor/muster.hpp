#pragma once
#include "launcher/wire.hpp"
#include "slurm/allocation.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace railhead {

/// The agents that a launch waits for and what they said of their nodes. Peers are named as in ChannelServer.
class Muster {
  public:
    explicit Muster(const Allocation& allocation);

    /// What it says of its memory is bounded by what the job has there. False: nobody waits for this peer.
    bool add(const std::string& peer, const Hello& hello, double now);
    void remove(const std::string& peer);
    void give_up(const std::string& peer); ///< the launch goes on without it
    bool complete() const { return hellos_.size() == expected_.size(); }
    bool empty() const { return hellos_.empty(); }
    std::vector<Hello> in_order() const; ///< the allocation's; once complete
    std::vector<std::string> missing_nodes() const;

    const std::map<std::string, Hello>& hellos() const { return hellos_; }
    const std::map<std::string, double>& times() const {
        return times_;
    } ///< seconds since the start, by peer

  private:
    std::vector<std::string> expected_;
    std::map<std::string, std::uint64_t> mem_bytes_; ///< the job's, by peer; where it is known
    std::map<std::string, Hello> hellos_;
    std::map<std::string, double> times_;
};

/// What agents have found wrong with their nodes (node_probe_name), the same of several nodes once, and which
/// nodes are the odd ones; the worst first, and `where` names the nodes.
std::vector<Finding> wrong_with_nodes(const std::vector<Hello>& hellos);

/// Why nothing can be started on a node, whatever the others say. What concerns a probe or the program is
/// left to the recipe, when every node has said its part.
std::optional<Finding> refusal_of(const Hello& hello, const std::vector<std::string>& probes);

/// "0:node1" -> "node1"
std::string node_of_peer(const std::string& peer);

} // namespace railhead
