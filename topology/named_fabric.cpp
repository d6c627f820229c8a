#include "topology/named_fabric.hpp"

namespace railhead::topology {

std::uint32_t NamedFabric::network_switch(std::string_view name, std::uint32_t line) {
    return named(DeviceKind::network_switch, std::string(name), line);
}

std::uint32_t NamedFabric::adapter(std::string_view host, std::string_view device, std::uint32_t line) {
    std::string name(host);
    if (!device.empty()) name.append(" ").append(device);
    return named(DeviceKind::adapter, std::move(name), line);
}

std::uint32_t NamedFabric::next_adapter(std::string_view host, std::uint32_t line) {
    return adapter(host, "port" + std::to_string(++unnamed_[std::string(host)]), line);
}

std::uint32_t NamedFabric::named(DeviceKind kind, std::string name, std::uint32_t line) {
    auto& known = kind == DeviceKind::adapter ? adapters_ : switches_;
    auto [at, is_new] = known.try_emplace(name, 0);
    if (!is_new) return at->second;
    at->second = build_.device(kind, known.size());
    build_.at(at->second).description = build_.keep(std::move(name));
    build_.at(at->second).line = line;
    return at->second;
}

void NamedFabric::link(std::uint32_t from, std::uint32_t to, std::uint32_t line, Rate rate,
                       std::uint16_t from_port) {
    auto next = [&](std::uint32_t device) { return ++ports_[device]; };
    build_.link(from, from_port == 0 ? next(from) : from_port, to, next(to), rate, line);
}

} // namespace railhead::topology
