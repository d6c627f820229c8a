#include "launcher/agent/placeholders.hpp"

namespace railhead {
namespace {

tl::unexpected<Error> unknown(std::string_view name, const std::map<std::string, std::string>& values) {
    std::string known;
    for (auto& [key, value] : values) known += (known.empty() ? "" : ", ") + key;
    return fail(ErrorKind::internal, {.id = "placeholder",
                                      .thing = "${" + std::string(name) + "}",
                                      .seen = "has no value on this node",
                                      .expected = "one of " + known});
}

} // namespace

Result<std::string> fill(std::string_view text, const std::map<std::string, std::string>& values) {
    std::string out;
    while (!text.empty()) {
        auto dollar = text.find('$');
        out += text.substr(0, dollar);
        if (dollar == std::string_view::npos) break;
        text.remove_prefix(dollar);
        auto end = text.find('}');
        if (text.substr(0, 2) == "${" && end != std::string_view::npos) {
            auto name = text.substr(2, end - 2);
            auto value = values.find(std::string(name));
            if (value == values.end() && name.substr(0, 5) == "file.") return unknown(name, values);
            if (name == "$")
                out += '$';
            else
                out += value == values.end() ? text.substr(0, end + 1) : value->second;
            text.remove_prefix(end + 1);
        } else {
            out += text.front();
            text.remove_prefix(1);
        }
    }
    return out;
}

Result<Process> filled(Process process, const std::map<std::string, std::string>& values) {
    std::vector<std::string*> texts{&process.cwd, &process.reason_file};
    for (auto& argument : process.argv) texts.push_back(&argument);
    for (auto& [name, value] : process.env) texts.push_back(&value);
    for (auto& milestone : process.milestones) texts.push_back(&milestone.arg);
    for (auto* text : texts) {
        auto full = fill(*text, values);
        if (!full) return tl::unexpected(std::move(full.error()).within(spoken(process.id)));
        *text = *full;
    }
    return process;
}

std::map<std::string, std::string> environment_for(std::map<std::string, std::string> base,
                                                   const std::vector<std::string>& unset,
                                                   const std::map<std::string, std::string>& added) {
    for (auto& name : unset) {
        bool prefix = !name.empty() && name.back() == '*';
        auto stem = name.substr(0, name.size() - (prefix ? 1 : 0));
        std::erase_if(base, [&](auto& entry) {
            return prefix ? entry.first.compare(0, stem.size(), stem) == 0 : entry.first == name;
        });
    }
    for (auto& [name, value] : added) base[name] = value;
    return base;
}

} // namespace railhead
