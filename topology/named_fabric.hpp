#pragma once
#include "topology/fabric.hpp"

#include <string>
#include <string_view>
#include <unordered_map>

namespace railhead::topology {

/// Puts a fabric together from a source that knows names and no GUIDs: each new name gets the next number.
class NamedFabric {
  public:
    explicit NamedFabric(Text text) : build_(std::move(text)) {}
    std::string_view text() const { return build_.text(); }
    /// The device of that name, made where it is new; `line` is where the source names it first.
    std::uint32_t network_switch(std::string_view name, std::uint32_t line);
    std::uint32_t adapter(std::string_view host, std::string_view device, std::uint32_t line);
    /// One that the source does not name: "port1" is the first of each host, and so on.
    std::uint32_t next_adapter(std::string_view host, std::uint32_t line);
    /// Without a port number the next one of that device.
    void link(std::uint32_t from, std::uint32_t to, std::uint32_t line, Rate rate = {},
              std::uint16_t from_port = 0);
    void finding(Finding finding) { build_.finding(std::move(finding)); }
    Fabric finish() && { return std::move(build_).finish(); }

  private:
    std::uint32_t named(DeviceKind kind, std::string name, std::uint32_t line);

    FabricBuilder build_;
    std::unordered_map<std::string, std::uint32_t> switches_, adapters_; ///< name -> device
    std::unordered_map<std::uint32_t, std::uint16_t> ports_;             ///< device -> the last one given
    std::unordered_map<std::string, std::uint32_t> unnamed_; ///< host -> its adapters without a name
};

} // namespace railhead::topology
