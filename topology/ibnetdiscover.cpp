// infiniband-diags, src/ibnetdiscover.c: out_switch, out_ca, out_switch_port, out_ca_port. ibdiagnet writes
// the same with the port's number again in brackets, "[1](1)".
#include "base/number.hpp"
#include "topology/line_reader.hpp"
#include "topology/readers.hpp"
#include "topology/told_ports.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

namespace railhead::topology {
namespace {

constexpr std::string_view port_form = R"([port] "S-guid"[port] or [port] "H-guid"[port])";
/// How lines begin that say nothing of the fabric's shape.
constexpr std::array<std::string_view, 6> passed_over{
    "vendid=", "devid=", "caguid=", "rtguid=", "DR path", "Non-Chassis"};
constexpr std::string_view box_form =
    R"(Switch or Ca, the number of ports, "S-guid" or "H-guid", # and the description)";

std::optional<DeviceKind> kind_from(std::string_view id) {
    if (id.size() < 3 || id[1] != '-') return std::nullopt;
    if (id[0] == 'S') return DeviceKind::network_switch;
    if (id[0] == 'H') return DeviceKind::adapter;
    if (id[0] == 'R') return DeviceKind::router;
    return std::nullopt;
}

/// The last word in quotes may hold quotes; what stands behind it never does.
std::string_view quoted_in(std::string_view comment) {
    auto first = comment.find('"'), last = comment.rfind('"');
    return first == last ? std::string_view() : comment.substr(first + 1, last - first - 1);
}

class TopologyReader {
  public:
    explicit TopologyReader(Text text) : build_(std::move(text)) {}

    Result<Fabric> read() {
        LineReader lines(build_.text());
        std::string_view line;
        while (lines.next(line)) {
            number_ = lines.number();
            auto taken = take(line);
            if (!taken && !lines.is_cut()) return tl::unexpected(taken.error());
            if (!taken) note_cut_line(build_, lines.number(), line);
        }
        if (boxes_ == 0)
            return fail(ErrorKind::usage,
                        {.id = "fabric-empty",
                         .thing = "the text",
                         .seen = fmt::format("has no switch or adapter in {} lines", number_),
                         .expected = "what ibnetdiscover prints"});
        if (strange_ > 0)
            build_.finding({.id = "line-unread",
                            .level = Level::warn,
                            .where = fmt::format("line {}", first_strange_),
                            .thing = strange_ == 1 ? "one line" : fmt::format("{} lines", strange_),
                            .seen = strange_ == 1 ? "is none of ibnetdiscover's and was left out"
                                                  : "are none of ibnetdiscover's and were left out"});
        auto fabric = std::move(build_).finish();
        settle_ports(fabric);
        note_undescribed(fabric, number_);
        return fabric;
    }

  private:
    Result<void> take(std::string_view line) {
        if (line.empty() || (line.front() == ' ' && trimmed(line).empty())) {
            in_box_ = false;
            return {};
        }
        switch (line.front()) {
        case '[':
            return port(line);
        case 'S':
            return line.starts_with("Switch\t") || line.starts_with("Switch ") ? box(line) : strange();
        case 'C':
            if (line.starts_with("Ca\t") || line.starts_with("Ca ")) return box(line);
            return line.starts_with("Chassis") ? Result<void>() : strange();
        case 'R':
            return line.starts_with("Rt\t") || line.starts_with("Rt ") ? box(line) : strange();
        case 's':
            if (line.starts_with("sysimgguid=")) {
                system_guid_ = guid_from(line.substr(11)).value_or(0);
                return {};
            }
            return line.starts_with("switchguid=") ? Result<void>() : strange();
        case '#':
            return {};
        default:
            for (auto known : passed_over)
                if (line.starts_with(known)) return {};
            return strange();
        }
    }

    Result<void> strange() {
        if (strange_++ == 0) first_strange_ = number_;
        return {};
    }

    Result<void> box(std::string_view line) {
        Scanner scanner(line);
        scanner.until('"');
        auto id = scanner.until('"');
        auto kind = id ? kind_from(*id) : std::nullopt;
        auto guid = kind ? guid_from(id->substr(2)) : std::nullopt;
        if (!guid) return bad_line(number_, line, std::string(box_form));
        box_ = build_.device(*kind, *guid);
        auto& device = build_.at(box_);
        device.system_guid = std::exchange(system_guid_, 0);
        device.line = number_;
        device.description = quoted_in(scanner.rest());
        in_box_ = true;
        ++boxes_;
        return {};
    }

    Result<void> port(std::string_view line) {
        if (!in_box_) return bad_line(number_, line, "a line of Switch or Ca before the lines of its ports");
        Scanner scanner(line);
        auto from_port = port_number(scanner);
        if (scanner.take('(')) scanner.until(')');
        scanner.skip_blanks();
        auto id = scanner.take('"') ? scanner.until('"') : std::nullopt;
        auto kind = id ? kind_from(*id) : std::nullopt;
        auto guid = kind ? guid_from(id->substr(2)) : std::nullopt;
        auto to_port = port_number(scanner);
        if (!from_port || !guid || !to_port) return bad_line(number_, line, std::string(port_form));
        auto peer = build_.device(*kind, *guid);
        auto comment = scanner.rest();
        if (auto& device = build_.at(peer); device.line == 0 && device.description.empty())
            device.description = quoted_in(comment);
        build_.link(box_, *from_port, peer, *to_port, rate_from(last_word(comment)), number_);
        return {};
    }

    static std::optional<std::uint16_t> port_number(Scanner& scanner) {
        if (!scanner.take('[')) return std::nullopt;
        auto text = scanner.until(']');
        return text ? whole_number<std::uint16_t>(*text) : std::nullopt;
    }

    FabricBuilder build_;
    std::uint32_t number_ = 0, box_ = 0, first_strange_ = 0;
    std::uint64_t system_guid_ = 0, strange_ = 0, boxes_ = 0;
    bool in_box_ = false;
};

} // namespace

void note_cut_line(FabricBuilder& build, std::uint32_t number, std::string_view line) {
    build.finding({.id = "text-cut",
                   .level = Level::fail,
                   .where = fmt::format("line {}", number),
                   .thing = fmt::format("\"{}\"", printable(line.substr(0, 100))),
                   .seen = "ends the text within a line, so what comes behind is unknown",
                   .expected = "all of what ibnetdiscover prints",
                   .next = "save its output again, to its end"});
}

void note_undescribed(Fabric& fabric, std::uint32_t last_line) {
    std::size_t count = 0;
    std::string first;
    for (const auto& device : fabric.devices)
        if (device.line == 0 && count++ == 0) first = printable(device.description);
    if (count == 0) return;
    fabric.findings.push_back(
        {.id = "text-cut",
         .level = Level::fail,
         .where = fmt::format("line {}", last_line),
         .thing = fmt::format("{} (\"{}\"{})", count == 1 ? "a device" : fmt::format("{} devices", count),
                              first, count > 1 ? ", ..." : ""),
         .seen = fmt::format("{0} named in the text and not described to its end, so what else {1} unknown",
                             count == 1 ? "is" : "are", count == 1 ? "it joins is" : "they join is"),
         .expected = "all of what ibnetdiscover prints",
         .next = "save its output again, to its end"});
}

Result<Fabric> read_ibnetdiscover(Text text) {
    return TopologyReader(std::move(text)).read();
}

} // namespace railhead::topology
