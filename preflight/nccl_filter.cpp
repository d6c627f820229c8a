#include "preflight/nccl_filter.hpp"

#include "base/number.hpp"

#include <algorithm>

namespace railhead::nccl {

bool Filter::names_it(const Name& name, std::string_view device, std::optional<std::uint32_t> port) const {
    if (port && name.port && *port != *name.port) return false;
    return is_exact ? device == name.name : device.starts_with(name.name);
}

bool Filter::passes(std::string_view device, std::optional<std::uint32_t> port) const {
    if (names.empty()) return true;
    auto matches = [&](const Name& name) { return names_it(name, device, port); };
    return std::any_of(names.begin(), names.end(), matches) != excludes;
}

Filter filter_from(std::string_view text) {
    Filter filter;
    if (text.starts_with('^')) filter.excludes = true, text.remove_prefix(1);
    if (text.starts_with('=')) filter.is_exact = true, text.remove_prefix(1);
    while (!text.empty()) {
        auto part = text.substr(0, text.find(','));
        text.remove_prefix(std::min(part.size() + 1, text.size()));
        auto name = part.substr(0, part.find(':'));
        if (name.empty()) continue;
        auto rest = part.substr(name.size());
        auto port = rest.empty() ? rest : rest.substr(1, rest.find(':', 1) - 1);
        filter.names.push_back({.name = std::string(name),
                                .port = port.empty() ? std::nullopt : leading_number<std::uint32_t>(port)});
    }
    return filter;
}

} // namespace railhead::nccl
