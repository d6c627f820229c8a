#include "topology/map_file.hpp"

#include "topology/host_names.hpp"
#include "topology/line_reader.hpp"

#include <fmt/core.h>

#include <optional>
#include <string>

namespace railhead::topology {
namespace {

/// "0x0002c903000f", 16 digits, or as ibnetdiscover has it, "H-0002c903000f8a12"; else absent.
std::optional<std::uint64_t> map_guid(std::string_view word) {
    if ((word.starts_with("H-") || word.starts_with("S-")) && word.size() == 18) word.remove_prefix(2);
    return word.starts_with("0x") || word.size() == 16 ? guid_from(word) : std::nullopt;
}

/// What stands in quotes behind the GUID: ibnetdiscover's own map, of adapters and switches (node-name-map).
std::optional<std::string> quoted_name(std::string_view rest) {
    rest = trimmed(rest);
    const auto end = rest.starts_with('"') ? rest.find('"', 1) : rest.npos;
    if (end == rest.npos) return std::nullopt;
    return std::string(rest.substr(1, end - 1));
}

} // namespace

Result<void> read_map_file(std::string_view text, Naming& naming) {
    LineReader lines(text);
    std::string_view line;
    while (lines.next(line)) {
        Scanner scanner(line.substr(0, line.find('#')));
        auto first = scanner.word();
        if (first.empty()) continue;
        const auto guid = map_guid(first);
        const auto quoted = guid ? quoted_name(line.substr(line.find(first) + first.size())) : std::nullopt;
        auto host = scanner.word(), device = scanner.word();
        bool is_right = guid || (!first.starts_with("0x") && device.empty());
        is_right = is_right && is_host_name(host) && !host.starts_with("0x") && scanner.word().empty();
        if (quoted ? quoted->empty() : !is_right)
            return bad_line(lines.number(), line,
                            "an adapter's GUID with 0x in front, its host and, if wanted, its device; or a "
                            "host as the source calls it, and as Slurm does");
        const auto given = quoted ? *quoted : guid ? fmt::format("{} {}", host, device) : std::string(host);
        auto& kept = guid ? naming.adapters[*guid] : naming.hosts[in_lower_case(first)];
        if (!kept.empty() && kept != given)
            return bad_line(lines.number(), line, "what an earlier line says of it: " + kept);
        kept = given;
    }
    return {};
}

void name_switches(Fabric& fabric, const Naming& naming) {
    if (naming.adapters.empty()) return;
    for (auto& device : fabric.devices)
        if (device.kind == DeviceKind::network_switch)
            if (const auto given = naming.adapters.find(device.guid); given != naming.adapters.end())
                device.description = fabric.names.emplace_back(given->second);
}

} // namespace railhead::topology
