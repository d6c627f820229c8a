// infiniband-diags, src/ibnetdiscover.c: dump_ports_report. An adapter's port is known by its own GUID here,
// so each port of a card with two is an adapter.
#include "base/number.hpp"
#include "topology/line_reader.hpp"
#include "topology/readers.hpp"
#include "topology/told_ports.hpp"

#include <fmt/core.h>

namespace railhead::topology {
namespace {

constexpr const char* ports_form =
    "SW or CA, LID, port, GUID, width, speed, -, the same of the neighbour, and both descriptions";

struct PortEnd {
    DeviceKind kind = DeviceKind::adapter;
    std::uint16_t port = 0;
    std::uint64_t guid = 0;
};

std::optional<PortEnd> port_end_from(Scanner& scanner) {
    auto type = scanner.word();
    PortEnd end;
    if (type == "SW")
        end.kind = DeviceKind::network_switch;
    else if (type == "RT")
        end.kind = DeviceKind::router;
    else if (type != "CA")
        return std::nullopt;
    scanner.word(); // its LID
    auto port = whole_number<std::uint16_t>(scanner.word());
    auto guid = guid_from(scanner.word());
    if (!port || !guid) return std::nullopt;
    end.port = *port;
    end.guid = *guid;
    return end;
}

class PortsReader {
  public:
    explicit PortsReader(Text text) : build_(std::move(text)) {}

    Result<Fabric> read() {
        LineReader lines(build_.text());
        std::string_view line;
        while (lines.next(line)) {
            if (line.empty() || line.front() == '#' || line.starts_with("ibwarn:")) continue;
            if (take(line, lines.number())) continue;
            if (!lines.is_cut()) return bad_line(lines.number(), line, ports_form);
            note_cut_line(build_, lines.number(), line);
        }
        auto fabric = std::move(build_).finish();
        settle_ports(fabric);
        note_undescribed(fabric, lines.number());
        return fabric;
    }

  private:
    bool take(std::string_view line, std::uint32_t number) {
        Scanner scanner(line);
        auto from = port_end_from(scanner);
        if (!from) return false;
        auto width = scanner.word(), speed = scanner.word();
        auto one = build_.device(from->kind, from->guid);
        scanner.skip_blanks();
        if (!scanner.take('-')) { // nothing is plugged in
            describe(one, scanner.rest(), number);
            return true;
        }
        auto to = port_end_from(scanner);
        scanner.skip_blanks();
        if (!to || !scanner.take('(')) return false;
        auto names = scanner.rest();
        auto between = names.find("' - '");
        if (between == names.npos) return false;
        auto other = build_.device(to->kind, to->guid);
        describe(one, names.substr(0, between + 1), number);
        describe(other, names.substr(between + 4), 0);
        build_.link(one, from->port, other, to->port, rate_from(fmt::format("{}{}", width, speed)), number);
        return true;
    }

    void describe(std::uint32_t index, std::string_view quoted, std::uint32_t number) {
        auto& device = build_.at(index);
        if (device.line == 0) device.line = number;
        auto first = quoted.find('\''), last = quoted.rfind('\'');
        if (device.description.empty() && first != last)
            device.description = quoted.substr(first + 1, last - first - 1);
    }

    FabricBuilder build_;
};

} // namespace

bool is_ports_report(std::string_view text) {
    LineReader lines(text);
    std::string_view line;
    while (lines.next(line)) {
        if (line.empty() || line.front() == '#' || line.starts_with("ibwarn:")) continue;
        return line.starts_with("SW ") || line.starts_with("CA ") || line.starts_with("RT ");
    }
    return false;
}

Result<Fabric> read_ibnetdiscover_ports(Text text) {
    return PortsReader(std::move(text)).read();
}

} // namespace railhead::topology
