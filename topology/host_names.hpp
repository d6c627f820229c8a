#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace railhead::topology {

/// What drivers and firmware write before anybody has named the device.
bool is_vendor_text(std::string_view text);
/// Letters, digits, "-", "_" and ".", as a host's name has them.
bool is_host_name(std::string_view text);
/// A host's name that can be a node's, not a vendor's text.
bool is_node_name(std::string_view text);
constexpr const char* node_name_form = "a node's name, of letters, digits, -, _ and .";

/// "10.0.0.1"
bool is_address(std::string_view host);
/// "node1.site.org" -> "node1"; addresses and Oracle's identifiers are whole as they are.
std::string_view without_domain(std::string_view host);
std::string in_lower_case(std::string_view text);

/// The first few of them by name, for a sentence.
std::string examples(std::vector<std::string> names);

} // namespace railhead::topology
