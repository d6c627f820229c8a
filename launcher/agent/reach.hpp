#pragma once
#include "base/fd.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace railhead {

/// Another node, and where it can be reached.
struct Reach {
    std::string node, address;
    std::uint16_t port = 0;
};
/// "node2 10.0.0.2 40001", a line for each; lines that are none are left out.
std::string text_of(const std::vector<Reach>& all);
std::vector<Reach> reaches_from(const std::string& text);

/// Listens on all addresses; the kernel answers whoever connects (tcp(7)), nobody is accepted. Invalid where
/// it cannot. `port`: as the kernel chose it.
UniqueFd listen_anywhere(std::uint16_t& port);

/// Connects to all at once. A line for each that was not reached in time: "node2 10.0.0.2 Connection
/// refused".
std::vector<std::string> unreached(const std::vector<Reach>& all, double within_s);

/// Tries once, for at most 10 s.
bool can_connect(const std::string& address, std::uint16_t port);

/// `railhead reach NODE ADDRESS PORT`: tries once, for at most 10 s, whether something listens there. 0: it
/// does; 1: not, and standard error says why, as recipes/torchrun.cpp reads it.
int run_reach(const std::vector<std::string>& words);

} // namespace railhead
