#include "topology/map_file.hpp"

#include "topology/host_names.hpp"
#include "topology/line_reader.hpp"

#include <fmt/core.h>

namespace railhead::topology {

Result<void> read_map_file(std::string_view text, Naming& naming) {
    LineReader lines(text);
    std::string_view line;
    while (lines.next(line)) {
        Scanner scanner(line.substr(0, line.find('#')));
        auto first = scanner.word();
        if (first.empty()) continue;
        bool is_guid = first.starts_with("0x") || first.size() == 16;
        auto guid = is_guid ? guid_from(first) : std::nullopt;
        auto host = scanner.word(), device = scanner.word();
        bool is_right = guid || (!first.starts_with("0x") && device.empty());
        if (!is_right || !is_host_name(host) || host.starts_with("0x") || !scanner.word().empty())
            return bad_line(lines.number(), line,
                            "an adapter's GUID with 0x in front, its host and, if wanted, its device; or a "
                            "host as the source calls it, and as Slurm does");
        const auto given = guid ? fmt::format("{} {}", host, device) : std::string(host);
        auto& kept = guid ? naming.adapters[*guid] : naming.hosts[in_lower_case(first)];
        if (!kept.empty() && kept != given)
            return bad_line(lines.number(), line, "what an earlier line says of it: " + kept);
        kept = given;
    }
    return {};
}

} // namespace railhead::topology
