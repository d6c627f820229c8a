#include "lint/checks.hpp"

#include "base/number.hpp"
#include "slurm/fields.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

namespace railhead {
namespace {

bool is_part_of_name(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
}

} // namespace

bool mentions(std::string_view text, std::string_view word) {
    for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
        bool begins = at == 0 || !is_part_of_name(text[at - 1]);
        auto end = at + word.size();
        if (begins && (end == text.size() || !is_part_of_name(text[end]))) return true;
    }
    return false;
}

std::string place(const Script& script, int line) {
    return line > 0 ? fmt::format("{}:{}", script.name, line) : script.name;
}

bool is_number(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

long number_of(const Script& script, std::string_view option, long otherwise) {
    const auto* given = script.option(option);
    return given ? leading_number<long>(given->value).value_or(otherwise) : otherwise;
}

bool starts_program(const std::string& text) {
    return mentions(text, "torchrun") || text.find("python") != text.npos;
}

std::size_t times_set(const Script& script, std::string_view variable) {
    std::size_t times = 0;
    for (const auto& line : script.lines)
        times +=
            static_cast<std::size_t>(std::count_if(line.words.begin(), line.words.end(), [&](auto& word) {
                return word.starts_with(variable) && word.substr(variable.size()).starts_with('=');
            }));
    return times;
}

bool starts_torch(const std::string& text) {
    return mentions(text, "torchrun") || text.find("torch.distributed.run") != text.npos ||
           text.find("torch.distributed.launch") != text.npos;
}

std::string_view assigned(std::string_view word, std::string_view name) {
    if (!word.starts_with(name) || !word.substr(name.size()).starts_with('=')) return {};
    return word.substr(name.size() + 1);
}

std::string_view value_at(const std::vector<std::string>& words, std::size_t i, std::string_view name) {
    if (words[i] == name && i + 1 < words.size()) return words[i + 1];
    return assigned(words[i], name);
}

int version_from(std::string_view said) {
    return release_of(said.substr(std::min(said.find(' ') + 1, said.size()))); // npos + 1 is 0
}

std::vector<Finding> check_script(const Script& script, const Surroundings& around) {
    std::vector<Finding> findings;
    auto known = script;
    put_values(known.lines);
    check_header(known, around.slurm, findings);
    check_launch(known, findings);
    check_paths(script, around, findings);
    std::stable_sort(findings.begin(), findings.end(),
                     [](auto& a, auto& b) { return a.level > b.level && a.level == Level::fail; });
    return findings;
}

} // namespace railhead
