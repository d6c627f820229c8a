#include "launcher/supervisor/values.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead {

Values::Values(const Plan& plan) {
    for (auto& process : plan.processes) processes_.insert(process.id);
    for (std::size_t i = 0; i < plan.order.size(); ++i)
        values_[fmt::format("addr.{}", i)] = plan.order[i].address;
}

const std::string& Values::get(const std::string& name) const {
    static const std::string none;
    auto found = values_.find(name);
    return found == values_.end() ? none : found->second;
}

bool Values::will_be_known(const std::string& name) const {
    if (name.starts_with("port.")) return true;
    return std::ranges::any_of(processes_, [&](auto& id) { return name.starts_with(id + "."); });
}

std::optional<std::string> Values::filled(const std::string& text) const {
    std::string out;
    std::size_t at = 0;
    while (true) {
        auto begin = text.find("${", at);
        auto end = begin == std::string::npos ? begin : text.find('}', begin);
        if (end == std::string::npos) return out + text.substr(at);
        auto name = text.substr(begin + 2, end - begin - 2);
        out += text.substr(at, begin - at);
        if (auto known = values_.find(name); known != values_.end())
            out += known->second;
        else if (will_be_known(name))
            return std::nullopt;
        else
            out += text.substr(begin, end + 1 - begin); // the agent's: ${dir}, ${file.NAME}, ${$}
        at = end + 1;
    }
}

std::optional<Process> Values::filled(const Process& process) const {
    Process copy = process;
    bool known = true;
    auto fill = [&](std::string& text) {
        auto value = filled(text);
        known = known && value;
        if (value) text = *value;
    };
    for (auto& word : copy.argv) fill(word);
    for (auto& [name, value] : copy.env) fill(value);
    for (auto& milestone : copy.milestones) fill(milestone.arg);
    if (!known) return std::nullopt;
    return copy;
}

} // namespace railhead
