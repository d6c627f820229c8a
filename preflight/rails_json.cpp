#include "preflight/rails.hpp"

#include <nlohmann/json.hpp>

namespace railhead {
namespace {

using nlohmann::json;

constexpr std::size_t most_gpus = 1024, most_variables = 64, longest_word = 4096;

/// Of bounded length; empty where there is none.
std::string word_in(const json& object, const char* name) {
    auto found = object.find(name);
    if (found == object.end() || !found->is_string()) return {};
    return found->get<std::string>().substr(0, longest_word);
}

template <class Take>
void each_object(const json& document, const char* name, std::size_t most, Take take) {
    auto list = document.find(name);
    if (list == document.end() || !list->is_array()) return;
    for (const auto& each : *list)
        if (each.is_object() && most-- > 0) take(each);
}

} // namespace

Result<ToldRails> rails_from(const std::string& text) {
    const auto document = json::parse(text, nullptr, false);
    if (!document.is_object() || document.value("v", json()) != 1)
        return fail(ErrorKind::internal,
                    {.id = "rails",
                     .thing = "railhead env",
                     .seen = "answers with something else than its JSON",
                     .next = "have the same version of railhead and of its plugin there"});
    ToldRails told;
    each_object(document, "gpus", most_gpus, [&](const json& gpu) {
        auto number = gpu.find("number");
        if (number == gpu.end() || !number->is_number_unsigned()) return;
        told.rails.gpus.push_back({.number = number->get<std::uint32_t>(),
                                   .address = word_in(gpu, "address"),
                                   .port = word_in(gpu, "port"),
                                   .why = word_in(gpu, "why"),
                                   .cpus = word_in(gpu, "cpus")});
    });
    each_object(document, "variables", most_variables, [&](const json& variable) {
        auto name = word_in(variable, "name");
        if (!name.empty() && name.find_first_of("=\n") == name.npos)
            told.variables.push_back({std::move(name), word_in(variable, "value"), word_in(variable, "why")});
    });
    return told;
}

} // namespace railhead
