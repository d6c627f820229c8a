#include "preflight/rails.hpp"

#include "preflight/node_checks.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

namespace railhead {
namespace {

bool holds(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

double speed_of(const RdmaPort& port) {
    return std::strtod(port.rate.c_str(), nullptr);
}

/// Number -> GPU. The driver's numbers where it tells all of them, else places on the PCI bus.
std::map<std::uint32_t, const PciFunction*> numbered(const NodeFacts& facts) {
    std::map<std::uint32_t, const PciFunction*> gpus;
    for (const auto& gpu : facts.gpus)
        if (auto told = facts.gpus_of_driver.find(gpu.address);
            told != facts.gpus_of_driver.end() && told->second)
            gpus.emplace(*told->second, &gpu);
    if (gpus.size() == facts.gpus.size()) return gpus;
    gpus.clear();
    for (const auto& gpu : facts.gpus) gpus.emplace(static_cast<std::uint32_t>(gpus.size()), &gpu);
    return gpus;
}

/// Of adapters of one model a slower one is a fault, and stays.
std::string why_other(const NodeFacts& facts, const RdmaPort& port,
                      const std::vector<const RdmaPort*>& candidates) {
    auto model = [&](const RdmaPort& each) {
        const auto& adapter = facts.adapters.at(each.device);
        return std::pair(adapter.vendor, adapter.device);
    };
    for (const auto* other : candidates)
        if (speed_of(*other) > speed_of(port) && model(*other) != model(port))
            return fmt::format("has {}, and {} of another model has {}", port.rate, name_of(*other),
                               other->rate);
    return {};
}

std::set<std::string> near_to_gpus(const NodeFacts& facts) {
    std::set<std::string> adapters;
    for (const auto& gpu : facts.gpus)
        for (auto& adapter : adapters_nearest_to(facts, gpu)) adapters.insert(std::move(adapter));
    return adapters;
}

std::vector<const RdmaPort*> ports_of(const NodeFacts& facts, const RailWishes& wishes, Rails& rails) {
    const auto near = near_to_gpus(facts);
    std::vector<const RdmaPort*> candidates, kept;
    for (const auto& port : facts.devices.ports) {
        std::string why;
        if (!wishes.adapters.empty() && !holds(wishes.adapters, port.device))
            why = "is none of node.adapters";
        else if (wishes.adapters.empty() && !near.contains(port.device))
            why = "is the nearest to no GPU";
        else if (port.link_layer != "InfiniBand" && port.link_layer != "Ethernet") // EFA
            why = "is of neither InfiniBand nor Ethernet, and a plugin of NCCL finds it by itself";
        else if (!port.is_active())
            why = port.state.empty() ? "does not say its state" : "is " + port.state;
        if (why.empty())
            candidates.push_back(&port);
        else
            rails.left_out.push_back({name_of(port), why});
    }
    for (const auto* port : candidates) {
        auto why = wishes.adapters.empty() ? why_other(facts, *port, candidates) : std::string();
        if (why.empty())
            kept.push_back(port);
        else
            rails.left_out.push_back({name_of(*port), why});
    }
    return kept;
}

/// The same facts with what carries the job's traffic alone.
NodeFacts with_ports(const NodeFacts& facts, const std::vector<const RdmaPort*>& ports) {
    NodeFacts kept{.gpus = facts.gpus, .adapters = facts.adapters};
    for (const auto* port : ports) kept.devices.ports.push_back(*port);
    return kept;
}

} // namespace

Rails rails_of(const NodeFacts& facts, const RailWishes& wishes) {
    Rails rails;
    const auto kept = with_ports(facts, ports_of(facts, wishes, rails));
    const auto& ports = kept.devices.ports;
    for (const auto& port : ports) rails.ports.push_back(name_of(port));
    rails.interface = wishes.interface;
    if (rails.interface.empty() && !is_of_containers(facts.default_interface))
        rails.interface = facts.default_interface;
    for (const auto& [number, gpu] : numbered(facts)) {
        GpuRail rail{.number = number, .address = gpu->address, .port = {}, .why = {}, .cpus = gpu->cpus};
        if (auto nearest = nearest_adapter(kept, *gpu)) {
            auto port = std::find_if(ports.begin(), ports.end(),
                                     [&](const RdmaPort& each) { return each.device == *nearest; });
            rail.port = name_of(*port);
            rail.why = words_of(nearness(*gpu, kept.adapters.at(*nearest)));
        }
        rails.gpus.push_back(std::move(rail));
    }
    return rails;
}

std::vector<RailVariable> variables_of_node(const Rails& rails) {
    std::vector<RailVariable> variables;
    if (!rails.ports.empty())
        variables.push_back(
            {"NCCL_IB_HCA", fmt::format("={}", fmt::join(rails.ports, ",")),
             fmt::format("exactly {}, ACTIVE and near to the GPUs",
                         rails.ports.size() == 1 ? "this port"
                                                 : fmt::format("these {} ports", rails.ports.size()))});
    if (!rails.interface.empty())
        variables.push_back({"NCCL_SOCKET_IFNAME", "=" + rails.interface, "on which the nodes meet"});
    return variables;
}

std::vector<RailVariable> variables_of_task(const Rails& rails, const std::vector<int>& gpus,
                                            std::optional<std::uint32_t> cpus) {
    std::vector<std::string> ports, names;
    std::string why;
    for (const auto& gpu : rails.gpus) {
        if (gpu.port.empty() ||
            std::find(gpus.begin(), gpus.end(), static_cast<int>(gpu.number)) == gpus.end())
            continue;
        if (!holds(ports, gpu.port)) ports.push_back(gpu.port);
        why += fmt::format("{}{} of GPU {} ({})", why.empty() ? "the nearest: " : ", ", gpu.port, gpu.number,
                           gpu.why);
    }
    std::vector<RailVariable> variables;
    for (const auto& port : ports) names.push_back(port.substr(0, port.find(':')));
    if (!ports.empty())
        variables = {
            {"UCX_NET_DEVICES", fmt::format("{}", fmt::join(ports, ",")), why},
            {"RAILHEAD_NIC", fmt::format("{}", fmt::join(names, ",")), "the same, for you to look at"}};
    if (gpus.size() == 1 && cpus.value_or(0) > 0)
        variables.push_back({"OMP_NUM_THREADS", std::to_string(*cpus), "the CPUs of the task"});
    return variables;
}

} // namespace railhead
