#include "topology/host_names.hpp"

#include "topology/characters.hpp"
#include "topology/natural.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace railhead::topology {
namespace {

constexpr std::size_t most_examples = 3; ///< in a sentence
constexpr std::size_t dots_of_address = 3;

} // namespace

bool is_vendor_text(std::string_view text) {
    for (std::string_view part :
         {"Mellanox", "ConnectX", "InfiniHost", "NVIDIA", "Technologies", "Infiniband"}) // mlx4, mlx5
        if (text.find(part) != text.npos) return true;
    return text.starts_with("localhost") || text.starts_with("(none)");
}

bool is_host_name(std::string_view text) {
    auto fits = [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.'; };
    return !text.empty() && text.size() <= 255 && text.front() != '-' && text.front() != '.' &&
           std::all_of(text.begin(), text.end(), fits);
}

bool is_node_name(std::string_view text) {
    return is_host_name(text) && !is_vendor_text(text);
}

bool is_address(std::string_view host) {
    if (host.empty() || !is_digit(host.front()) || !is_digit(host.back())) return false;
    std::size_t dots = 0;
    for (char c : host)
        if (c == '.')
            ++dots;
        else if (!is_digit(c))
            return false;
    return dots == dots_of_address;
}

std::string_view without_domain(std::string_view host) {
    if (host.starts_with("ocid1.") || is_address(host)) return host; // Oracle's identifier of an instance
    return host.substr(0, host.find('.'));
}

std::string in_lower_case(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
    return lower;
}

std::string examples(std::vector<std::string> names) {
    std::sort(names.begin(), names.end(), Natural());
    bool is_more = names.size() > most_examples;
    names.resize(std::min(names.size(), most_examples));
    return fmt::format("{}{}", fmt::join(names, ", "), is_more ? ", ..." : "");
}

} // namespace railhead::topology
