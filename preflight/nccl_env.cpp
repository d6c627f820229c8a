#include "preflight/nccl_env.hpp"

#include "base/number.hpp"
#include "preflight/nccl_channel.hpp"
#include "preflight/nccl_filter.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace railhead::nccl {
namespace {

using Findings = std::vector<Finding>;

std::string value(const EnvFacts& facts, const char* name) {
    auto found = facts.variables.find(name);
    return found == facts.variables.end() ? "" : found->second;
}

Finding about(const char* id, Level level, const EnvFacts& facts, const char* name) {
    return {.id = id, .level = level, .thing = fmt::format("{}={}", name, value(facts, name))};
}

std::vector<std::string> active_devices(const Devices& devices) {
    std::vector<std::string> names;
    for (const auto& port : devices.ports)
        if (port.is_active() && (names.empty() || names.back() != port.device)) names.push_back(port.device);
    return names;
}

/// What to write instead: all devices whose ports are active, by their whole names.
std::string all_active(const Devices& devices) {
    return fmt::format("NCCL_IB_HCA={}{}", active_devices(devices).empty() ? "" : "=",
                       fmt::join(active_devices(devices), ","));
}

/// A name that stands for a device that is there, and so also takes those whose names begin with it.
void longer_names(const Filter& filter, const EnvFacts& facts, Findings& findings) {
    if (filter.is_exact) return;
    std::set<std::string> also, named;
    for (const auto& name : filter.names) {
        auto is_whole = [&](const RdmaPort& port) { return port.device == name.name; };
        named.insert(name.name);
        if (std::none_of(facts.devices.ports.begin(), facts.devices.ports.end(), is_whole)) continue;
        for (const auto& port : facts.devices.ports)
            if (filter.names_it(name, port.device, port.port) && !is_whole(port)) also.insert(port.device);
    }
    for (const auto& each : named) also.erase(each);
    if (also.empty()) return;
    auto finding = about("nccl-hca", Level::warn, facts, "NCCL_IB_HCA");
    finding.seen = fmt::format("also {} {}: it takes beginnings of names",
                               filter.excludes ? "leaves out" : "takes", fmt::join(also, ", "));
    finding.next = fmt::format("write NCCL_IB_HCA={}={}", filter.excludes ? "^" : "",
                               value(facts, "NCCL_IB_HCA").substr(filter.excludes ? 1 : 0));
    findings.push_back(std::move(finding));
}

void adapters(const EnvFacts& facts, Findings& findings) {
    if (!facts.variables.contains("NCCL_IB_HCA") || facts.devices.ports.empty()) return;
    const auto filter = filter_from(value(facts, "NCCL_IB_HCA"));
    std::vector<std::string> used, silent, absent;
    for (const auto& port : facts.devices.ports)
        if (filter.passes(port.device, port.port))
            (port.is_active() ? used : silent)
                .push_back(
                    fmt::format("{} is {}", name_of(port), port.state.empty() ? "unreadable" : port.state));
    for (const auto& name : filter.names) {
        auto is_it = [&](const RdmaPort& port) { return filter.names_it(name, port.device, port.port); };
        if (std::none_of(facts.devices.ports.begin(), facts.devices.ports.end(), is_it))
            absent.push_back(name.name);
    }
    auto finding = about("nccl-hca", used.empty() ? Level::fail : Level::warn, facts, "NCCL_IB_HCA");
    if (used.empty() && silent.empty())
        finding.seen = "names no device of this node";
    else if (used.empty())
        finding.seen = fmt::format("leaves no port that is ACTIVE ({})", fmt::join(silent, ", "));
    else if (!absent.empty() && !filter.excludes)
        finding.seen = fmt::format("names {}, which this node does not have", fmt::join(absent, ", "));
    else if (!silent.empty() && !filter.excludes)
        finding.seen = fmt::format("names ports that NCCL skips in silence: {}", fmt::join(silent, ", "));
    if (!finding.seen.empty()) {
        if (used.empty()) finding.seen += "; NCCL would take sockets";
        if (!active_devices(facts.devices).empty())
            finding.next = "write " + all_active(facts.devices) + ", or leave it out";
        findings.push_back(std::move(finding));
    }
    longer_names(filter, facts, findings);
}

/// Only its own node reaches it.
bool is_local(const NetInterface& interface) {
    return interface.is_loopback || is_of_containers(interface.name);
}

std::string names_of(const std::vector<NetInterface>& interfaces) {
    std::vector<std::string> names;
    for (const auto& each : interfaces)
        if (each.is_up && !is_local(each)) names.push_back(each.name);
    return fmt::format("{}", fmt::join(names, ", "));
}

void interfaces(const EnvFacts& facts, Findings& findings) {
    if (value(facts, "NCCL_SOCKET_IFNAME").empty() || facts.devices.interfaces.empty()) return;
    const auto filter = filter_from(value(facts, "NCCL_SOCKET_IFNAME"));
    std::vector<std::string> down, local;
    bool good = false;
    for (const auto& each : facts.devices.interfaces) {
        if (!filter.passes(each.name)) continue;
        if (!each.is_up)
            down.push_back(each.name);
        else if (facts.several_nodes && is_local(each))
            local.push_back(each.name);
        else
            good = true;
    }
    if (good) return;
    auto finding = about("nccl-ifname", Level::fail, facts, "NCCL_SOCKET_IFNAME");
    if (!local.empty())
        finding.seen = fmt::format("leaves {}, which other nodes do not reach", fmt::join(local, ", "));
    else if (!down.empty())
        finding.seen = fmt::format("leaves {}, which is down", fmt::join(down, ", "));
    else
        finding.seen = "leaves no interface of this node";
    if (auto names = names_of(facts.devices.interfaces); !names.empty())
        finding.next = "choose from " + names;
    findings.push_back(std::move(finding));
}

std::vector<std::string> parts_of(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        parts.emplace_back(text.substr(0, text.find(',')));
        text.remove_prefix(std::min(parts.back().size() + 1, text.size()));
        if (parts.back().empty()) parts.pop_back();
    }
    return parts;
}

/// Whole names, of which each is used (torch/csrc/distributed/c10d/ProcessGroupGloo).
void gloo(const EnvFacts& facts, Findings& findings) {
    if (facts.devices.interfaces.empty()) return;
    for (const auto& name : parts_of(value(facts, "GLOO_SOCKET_IFNAME"))) {
        auto is_it = [&](const NetInterface& each) { return each.name == name; };
        if (std::any_of(facts.devices.interfaces.begin(), facts.devices.interfaces.end(), is_it)) continue;
        auto finding = about("gloo-ifname", Level::fail, facts, "GLOO_SOCKET_IFNAME");
        finding.seen = fmt::format("names {}, which this node does not have", name);
        if (auto names = names_of(facts.devices.interfaces); !names.empty())
            finding.next = "choose from " + names;
        findings.push_back(std::move(finding));
        return;
    }
}

/// "mlx5_0:1,eth0" (ucx_info -d; UCX's documentation of UCX_NET_DEVICES).
void ucx(const EnvFacts& facts, Findings& findings) {
    std::vector<std::string> absent, without_port;
    const auto parts = parts_of(value(facts, "UCX_NET_DEVICES"));
    for (const auto& part : parts) {
        if (part == "all" || part.starts_with('^') || part.find('*') != part.npos) return;
        auto is_port = [&](const RdmaPort& port) { return name_of(port) == part; };
        auto is_device = [&](const RdmaPort& port) { return port.device == part; };
        auto is_interface = [&](const NetInterface& each) { return each.name == part; };
        const auto& ports = facts.devices.ports;
        if (std::any_of(ports.begin(), ports.end(), is_device))
            without_port.push_back(part);
        else if (std::none_of(ports.begin(), ports.end(), is_port) &&
                 std::none_of(facts.devices.interfaces.begin(), facts.devices.interfaces.end(), is_interface))
            absent.push_back(part);
    }
    if (absent.empty() && without_port.empty()) return;
    const bool none = absent.size() + without_port.size() == parts.size();
    auto finding = about("ucx-devices", none ? Level::fail : Level::warn, facts, "UCX_NET_DEVICES");
    if (!without_port.empty()) {
        finding.seen =
            fmt::format("names {} without a port, which UCX does not know", fmt::join(without_port, ", "));
        finding.next = fmt::format("write {}:1", without_port.front());
    } else {
        finding.seen = fmt::format("names {}, which this node does not have", fmt::join(absent, ", "));
        finding.next = "name devices as ucx_info -d does, or leave it out";
    }
    findings.push_back(std::move(finding));
}

bool is_on(const std::string& value) {
    return !value.empty() && value != "0";
}

void disabled(const EnvFacts& facts, Findings& findings) {
    auto add = [&](const char* name, std::string seen) {
        auto finding = about("nccl-disabled", Level::warn, facts, name);
        finding.seen = std::move(seen);
        finding.next = "leave it out, unless that is meant";
        findings.push_back(std::move(finding));
    };
    const auto active = active_devices(facts.devices);
    const auto there = fmt::format("leaves unused what is ACTIVE here: {}", fmt::join(active, ", "));
    if (is_on(value(facts, "NCCL_IB_DISABLE")) && !active.empty()) add("NCCL_IB_DISABLE", there);
    if (is_socket(value(facts, "NCCL_NET")) && !active.empty()) add("NCCL_NET", there);
    if (is_on(value(facts, "NCCL_P2P_DISABLE")))
        add("NCCL_P2P_DISABLE", "keeps the GPUs of a node from reaching each other directly");
    if (value(facts, "NCCL_P2P_LEVEL") == "LOC")
        add("NCCL_P2P_LEVEL", "keeps the GPUs of a node from reaching each other directly");
    if (is_on(value(facts, "NCCL_SHM_DISABLE")))
        add("NCCL_SHM_DISABLE", "sends by the network what could go through memory");
    for (const auto* level : {"0", "LOC"})
        if (value(facts, "NCCL_NET_GDR_LEVEL") == level && !active.empty())
            add("NCCL_NET_GDR_LEVEL", "switches GPUDirect RDMA off");
}

/// NCCL chooses a GID by itself since 2.21; a fixed one is right only as long as addresses do not change.
void gid_index(const EnvFacts& facts, Findings& findings) {
    auto index = whole_number<std::uint32_t>(value(facts, "NCCL_IB_GID_INDEX"));
    if (!index) return;
    const auto filter = filter_from(value(facts, "NCCL_IB_HCA"));
    for (const auto& port : facts.devices.ports) {
        if (!port.is_active() || !port.is_roce() || !filter.passes(port.device, port.port) ||
            port.gid_types.empty())
            continue;
        auto type = port.gid_types.find(*index);
        if (type != port.gid_types.end() && type->second == "RoCE v2") continue;
        const bool is_absent = type == port.gid_types.end();
        auto finding =
            about("nccl-gid-index", is_absent ? Level::fail : Level::warn, facts, "NCCL_IB_GID_INDEX");
        finding.seen = is_absent ? fmt::format("is not set on {}", name_of(port))
                                 : fmt::format("is {} on {}", type->second, name_of(port));
        finding.expected = "RoCE v2";
        std::vector<std::uint32_t> good;
        for (const auto& [number, kind] : port.gid_types)
            if (kind == "RoCE v2") good.push_back(number);
        finding.next = good.empty() ? "give the interface of that port an address"
                                    : fmt::format("leave it out, so that NCCL chooses, or take one of {}",
                                                  fmt::join(good, ", "));
        findings.push_back(std::move(finding));
        return;
    }
}

void files(const EnvFacts& facts, Findings& findings) {
    for (const auto* name : {"NCCL_TOPO_FILE", "NCCL_GRAPH_FILE", "NCCL_CONF_FILE"}) {
        auto path = value(facts, name);
        if (path.empty() || facts.exists(path)) continue;
        auto finding = about("nccl-file", Level::fail, facts, name);
        finding.seen = "is not there";
        finding.next = "correct its name, or leave it out";
        findings.push_back(std::move(finding));
    }
    auto log = value(facts, "NCCL_DEBUG_FILE");
    if (!log.starts_with('/') || log.starts_with("/dev/") || log.find("%p") != log.npos) return;
    auto finding = about("nccl-debug-file", Level::warn, facts, "NCCL_DEBUG_FILE");
    finding.seen = "is one file for all processes, which overwrite each other in it";
    finding.next = "add %h and %p, for host and process";
    findings.push_back(std::move(finding));
}

void spelling(const EnvFacts& facts, Findings& findings) {
    for (const auto& [name, text] : facts.variables)
        if (auto meant = meant_variable(name); !meant.empty() && !facts.variables.contains(meant))
            findings.push_back({.id = "nccl-misspelled",
                                .level = Level::warn,
                                .thing = name,
                                .seen = "is no variable of NCCL",
                                .next = "write " + meant + ", if that is meant"});
}

} // namespace

std::vector<Finding> env_verdicts(const EnvFacts& facts) {
    Findings findings;
    for (auto check : {adapters, interfaces, gloo, ucx, disabled, gid_index, files, spelling})
        check(facts, findings);
    sort_worst_first(findings);
    return findings;
}

} // namespace railhead::nccl
