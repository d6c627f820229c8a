#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace railhead::nccl {

enum class Side : std::uint8_t {
    inside,  ///< of one node: both ends in one line
    send,    ///< to the network, by the first rank
    receive, ///< from it, by the second
};

/// One connection of a channel, as the process of one of its ends tells it: "Channel 00/0 : 0[0] -> 8[0]
/// [send] via NET/IB/2(3)/GDRDMA" (src/transport/{net,p2p,shm}.cc); up to 2.7 "Ring 00 : ...".
struct Channel {
    std::uint32_t from = 0, to = 0; ///< ranks
    Side side = Side::inside;
    /// "NET/IB", "NET/Socket", "NET/AWS Libfabric", "P2P/IPC", "SHM": without what may differ per connection.
    std::string_view transport;
    std::optional<std::uint32_t> nic; ///< NCCL's number of it, of a network
    bool is_direct = false;           ///< GPUDirect RDMA
};

constexpr std::uint32_t most_ranks = 1 << 20;

/// Absent: the message tells of no connection, or of one between ranks that cannot be.
std::optional<Channel> channel_from(std::string_view message);

inline bool is_network(std::string_view transport) {
    return transport.starts_with("NET/");
}
/// NCCL's own and Google's; all others are RDMA or a plugin's business.
inline bool is_socket(std::string_view network) {
    return network == "Socket" || network == "FastSocket" || network == "NET/Socket" ||
           network == "NET/FastSocket";
}

} // namespace railhead::nccl
