#pragma once
#include "base/finding.hpp"
#include "preflight/devices.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace railhead::nccl {

/// What the variables are judged by; all of one node.
struct EnvFacts {
    std::map<std::string, std::string> variables; ///< of the job
    Devices devices;
    std::function<bool(const std::string&)> exists; ///< a file of that name is there
    bool several_nodes = true;                      ///< the job has, or may have
};

/// NCCL_*, UCX_* and GLOO_* against the devices that are there, the worst first:
/// nccl-hca         fail: NCCL_IB_HCA leaves no active port; warn: it names what is not there or not active,
///                  or also takes a device with a longer name
/// nccl-ifname      fail: NCCL_SOCKET_IFNAME leaves no interface, or only those that other nodes cannot reach
/// gloo-ifname      fail: an interface of GLOO_SOCKET_IFNAME is not there
/// ucx-devices      fail: no device of UCX_NET_DEVICES is there; warn: one is not, or lacks its port
/// nccl-disabled    warn: a variable switches off what is there, or what the job needs to be fast
/// nccl-gid-index   fail: NCCL_IB_GID_INDEX is not set on a port; warn: it is not RoCE v2
/// nccl-file        fail: a file that a variable names is not there
/// nccl-debug-file  warn: all processes would write the same file
/// nccl-misspelled  warn: a variable that NCCL does not know, and that looks like one it knows
std::vector<Finding> env_verdicts(const EnvFacts& facts);

/// The variable that a name is most likely meant to be; empty: it is one itself, or like none.
std::string meant_variable(const std::string& name);

} // namespace railhead::nccl
