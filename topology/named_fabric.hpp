#pragma once
#include "topology/fabric.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace railhead::topology {

/// Puts a fabric together from a source that knows names and no GUIDs: a device's is a hash of its name, so
/// that the order of the source does not matter.
class NamedFabric {
  public:
    explicit NamedFabric(Text text) : build_(std::move(text)) {}
    std::string_view text() const { return build_.text(); }
    /// The device of that name in any case, made where it is new; `line` is where the source names it first.
    std::uint32_t network_switch(std::string_view name, std::uint32_t line);
    /// `none` where the host has no name that a node can have, which finish() tells.
    std::uint32_t adapter(std::string_view host, std::string_view device, std::uint32_t line);
    /// One that the source does not name: "port1" is the first of each host, and so on.
    std::uint32_t next_adapter(std::string_view host, std::uint32_t line);
    /// Without a port number (from 0 or from 1) the next one of that device. Where either end is `none`,
    /// there is no link.
    void link(std::uint32_t from, std::uint32_t to, std::uint32_t line, Rate rate = {},
              std::optional<std::uint16_t> from_port = {});
    /// A line that tells the cable of an earlier one once more, and that the source leaves out.
    void repeated(std::uint32_t line, std::uint32_t first) { repeated_.emplace_back(line, first); }
    void finding(Finding finding) { build_.finding(std::move(finding)); }
    /// With findings on names that are none, cables that are told again, ports that are used twice, and nodes
    /// that are switches as well.
    Fabric finish() &&;

  private:
    struct GivenPort { ///< a port that the source numbers
        std::uint32_t device, other, line;
        std::uint16_t port;
    };
    std::uint32_t named(DeviceKind kind, const std::string& name, std::uint32_t line);
    void tell_no_nodes();
    void tell_ports_used_twice();
    void tell_repeated();
    static void tell_nodes_that_are_switches(Fabric& fabric);

    FabricBuilder build_;
    std::vector<std::uint16_t> ports_;                       ///< by device: the last one given
    std::unordered_map<std::string, std::uint32_t> unnamed_; ///< host -> its adapters without a name
    std::vector<GivenPort> given_ports_;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> repeated_; ///< line, the line that it repeats
    std::map<std::string, std::uint32_t> no_nodes_; ///< names of hosts that can be no node's -> line
};

} // namespace railhead::topology
