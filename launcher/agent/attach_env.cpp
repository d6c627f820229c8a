#include "launcher/agent/attach_env.hpp"

#include "launcher/agent/placeholders.hpp"
#include "launcher/json.hpp"

namespace railhead {
namespace {

bool has_variables(const nlohmann::json& document) {
    return document.is_object() && document.contains("env") && document["env"].is_object();
}

} // namespace

std::string attach_text(const std::string& order, const std::string& dir, const Environment& job) {
    auto text = fill(order, {{"dir", dir}}).value_or(order);
    auto document = nlohmann::json::parse(text, nullptr, false);
    if (!has_variables(document)) return text;
    for (const char* name : {"PATH", "VIRTUAL_ENV", "PYTHONPATH", "CONDA_PREFIX"})
        if (auto value = job.get(name)) document["env"].emplace(name, *value);
    // A folder whose name is not UTF-8 is lost, and the others are not.
    return json_text(document);
}

std::map<std::string, std::string> attached_environment(std::map<std::string, std::string> own,
                                                        const std::string& text) {
    auto document = nlohmann::json::parse(text, nullptr, false);
    if (!has_variables(document)) return own;
    auto path = own.find("PATH");
    auto own_path = path == own.end() ? "" : path->second;
    for (auto& [name, value] : document["env"].items())
        if (value.is_string()) own[name] = value.get<std::string>();
    if (document["env"].contains("RAY_AUTH_TOKEN_PATH"))
        own.erase("RAY_AUTH_TOKEN"); // Ray would take this one
    auto& joined = own["PATH"];
    if (joined != own_path && !own_path.empty()) joined += (joined.empty() ? "" : ":") + own_path;
    if (joined.empty()) own.erase("PATH");
    return own;
}

} // namespace railhead
