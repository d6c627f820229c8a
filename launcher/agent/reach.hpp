#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace railhead {

/// Tries once, for at most 10 s.
bool can_connect(const std::string& address, std::uint16_t port);

/// `railhead reach NODE ADDRESS PORT`: tries once, for at most 10 s, whether something listens there. 0: it
/// does; 1: not, and standard error says why, as recipes/torchrun.cpp reads it.
int run_reach(const std::vector<std::string>& words);

} // namespace railhead
