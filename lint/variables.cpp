// What a shell would put in the place of variables, where the script alone tells.
#include "lint/checks.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

namespace railhead {
namespace {

bool is_of_variable(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// Of "NAME=..."; empty: it is no assignment.
std::string_view name_set(std::string_view word) {
    const auto name = word.substr(0, word.find('='));
    const bool is_name = !name.empty() && name.size() < word.size() && !is_number(name.substr(0, 1)) &&
                         std::ranges::all_of(name, is_of_variable);
    return is_name ? name : std::string_view();
}

bool declares(std::string_view word) {
    return word == "export" || word == "declare" || word == "readonly" || word == "-x" || word == "-r";
}

/// Nothing but assignments, which hold for all that follows.
bool only_assigns(const std::vector<std::string>& command) {
    return std::ranges::all_of(command, [](auto& word) { return declares(word) || !name_set(word).empty(); });
}

/// How often the name stands where it is not replaced by its value: where it may be set.
std::size_t times_named(const ScriptLine& line, std::string_view name) {
    const std::string_view text = line.text;
    std::size_t times = 0;
    for (auto at = text.find(name); at != text.npos; at = text.find(name, at + 1)) {
        const auto end = at + name.size();
        const char before = at == 0 ? ' ' : text[at - 1];
        const bool is_whole = !is_of_variable(before) && (end == text.size() || !is_of_variable(text[end]));
        const bool is_used = before == '$' || before == '-' || text.substr(0, at).ends_with("${");
        times += is_whole && !is_used;
    }
    for (const auto& command : commands_of(line)) // "export NAME" changes nothing
        if (command.words.front() == "export")
            times -= static_cast<std::size_t>(std::ranges::count(command.words, name));
    return times;
}

/// What it brings is not in the script; environments of Python and of modules set nothing that is judged.
bool brings_more(const std::vector<std::string>& command) {
    const auto& first = command.front();
    if (first == "eval") return command.back().find("conda") == std::string::npos;
    if ((first != "source" && first != ".") || command.size() < 2) return false;
    const auto& file = command[1];
    return !file.ends_with("activate") && !file.ends_with("conda.sh") && !file.starts_with("/etc/");
}

class Variables {
  public:
    explicit Variables(const std::vector<ScriptLine>& lines) : lines_(lines) {}

    /// The line's words with the values that are known there; takes note of those that it sets.
    std::vector<std::string> put(const ScriptLine& line) {
        std::vector<std::string> words;
        std::string before;
        for (auto begin = line.words.begin(); begin != line.words.end();) {
            const auto end = std::find_if(begin, line.words.end(), is_operator);
            const std::string after = end == line.words.end() ? "" : *end;
            if (begin != end) {
                const auto command = put_into({begin, end}, line.text);
                count_blocks(command);
                const bool may_not_run = before == "&&" || before == "||" || before == "|" || after == "|" ||
                                         after == "&" || blocks_ > 0 || brackets_ > 0;
                if (!may_not_run && only_assigns(command)) keep(command);
                if (brings_more(command)) values_.clear();
                words.insert(words.end(), command.begin(), command.end());
            }
            brackets_ = after == "(" ? brackets_ + 1 : after == ")" ? std::max(brackets_ - 1, 0) : brackets_;
            if (!after.empty()) words.push_back(after);
            before = after;
            begin = end == line.words.end() ? end : end + 1;
        }
        return words;
    }

  private:
    using Words = std::vector<std::string>;

    Words put_into(const Words& command, std::string_view text) const {
        if (prints({.words = command})) return command;
        Words result;
        for (auto word : command) {
            const auto* value = value_of(word);
            const auto quoted = fmt::format("\"{}\"", word);
            if (value && text.find(quoted) != text.npos)
                result.push_back(fmt::format("{}", fmt::join(*value, " ")));
            else if (value)
                result.insert(result.end(), value->begin(), value->end());
            else
                result.push_back(with_end_put(std::move(word)));
        }
        return result;
    }
    /// Of "$NAME" and "${NAME}" as a whole word; nullptr: it is none, or nobody knows its value.
    const Words* value_of(std::string_view word) const {
        if (!word.starts_with('$')) return nullptr;
        word.remove_prefix(1);
        if (word.starts_with('{') && word.ends_with('}')) word = word.substr(1, word.size() - 2);
        const auto found = values_.find(word);
        return found == values_.end() ? nullptr : &found->second;
    }
    /// A name or a port in a longer word: "--master_port=$PORT", "$HEAD:$PORT".
    std::string with_end_put(std::string word) const {
        const auto at = word.rfind('$');
        if (at == word.npos || at == 0 || word.find(' ') != word.npos) return word;
        const auto* value = value_of(std::string_view(word).substr(at));
        if (!value || value->size() != 1) return word;
        const auto& whole = value->front();
        const bool fits = word[at - 1] == ':'
                              ? is_number(whole)
                              : word[at - 1] == '=' && whole.find_first_of("$ ") == whole.npos;
        return fits ? word.substr(0, at) + whole : word;
    }
    /// What a command that is not run each time stands in.
    void count_blocks(const Words& command) {
        constexpr auto begins =
            std::to_array<std::string_view>({"if", "for", "while", "until", "case", "select", "{"});
        constexpr auto ends = std::to_array<std::string_view>({"fi", "done", "esac", "}"});
        constexpr auto others = std::to_array<std::string_view>({"then", "else", "elif", "do", "!", "time"});
        auto is_in = [](auto& words, auto& word) { return std::ranges::find(words, word) != words.end(); };
        for (const auto& word : command) {
            if (is_in(begins, word))
                ++blocks_;
            else if (is_in(ends, word))
                blocks_ = std::max(blocks_ - 1, 0);
            else if (!is_in(others, word))
                break;
        }
        blocks_ += command.front() == "function" && command.back() == "{";
    }
    void keep(const Words& command) {
        for (const auto& word : command) {
            const auto name = name_set(word);
            // Where ranks look for the first is judged where it is said.
            if (name.empty() || name.starts_with("MASTER_") || name.starts_with("NCCL_")) continue;
            std::size_t times = 0;
            for (const auto& line : lines_) times += times_named(line, name);
            const auto value = std::string_view(word).substr(name.size() + 1);
            if (times != 1 || is_answer(value)) continue;
            const auto usual = default_of(value);
            auto words = shell_words(is_number(usual) ? usual : value);
            if (!words.empty() && std::ranges::none_of(words, is_operator))
                values_[std::string(name)] = std::move(words);
        }
    }
    /// That of a command is in it.
    static bool is_answer(std::string_view value) {
        for (auto at = value.find("$("); at != value.npos; at = value.find("$(", at + 1))
            if (!value.substr(at).starts_with("$((")) return true;
        return value.find('`') != value.npos;
    }

    const std::vector<ScriptLine>& lines_;
    std::map<std::string, Words, std::less<>> values_;
    int blocks_ = 0, brackets_ = 0;
};

} // namespace

std::string_view default_of(std::string_view word) {
    if (!word.starts_with("${") || !word.ends_with('}')) return word;
    auto rest = word.substr(2, word.size() - 3);
    rest.remove_prefix(
        static_cast<std::size_t>(std::ranges::find_if_not(rest, is_of_variable) - rest.begin()));
    if (rest.starts_with(':')) rest.remove_prefix(1);
    return rest.starts_with('-') || rest.starts_with('=') ? rest.substr(1) : word;
}

void put_values(std::vector<ScriptLine>& lines) {
    Variables variables(lines);
    for (auto& line : lines) line.words = variables.put(line); // of other lines the text alone is looked at
}

} // namespace railhead
