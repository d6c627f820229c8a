#pragma once
#include "preflight/nccl_log.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace railhead::nccl {

/// Where the processes of a log run. Nodes are told apart by name, and by the address they meet at where
/// several have one name, as containers may.
class Nodes {
  public:
    explicit Nodes(const Log& log);

    const std::string& name_of(std::size_t process) const { return names_[process]; }
    /// Of a rank; empty where its lines are not there.
    const std::string& name_of(const Communicator& communicator, std::uint32_t rank) const;
    /// "rank 8 on node2".
    std::string rank(const Communicator& communicator, std::uint32_t rank) const;
    /// How many a communicator has: that are there, or as NCCL says.
    std::size_t count(const Communicator& communicator) const;
    /// A network between ranks that are not known to be on one node.
    bool is_between(const Communicator& communicator, const Link& link) const;
    std::size_t count() const { return count_; }

  private:
    std::vector<std::string> names_;
    std::size_t count_ = 0;
};

/// The rank that has told of a link.
inline std::uint32_t teller_of(const Link& link) {
    return link.side == Side::receive ? link.to : link.from;
}

using LinkCall = std::function<void(const Communicator&, const Link&)>;

/// Calls for each link of each communicator.
void for_each_link(const Log& log, const LinkCall& call);
/// So that each channel comes once: of a pair whose both ends tell, the receiver, who knows of GPUDirect.
void for_each_connection(const Log& log, const LinkCall& call);

/// "node[1-8],...": the first of them.
std::string some_of(const std::vector<std::string>& hosts);

} // namespace railhead::nccl
