// The simple commands of a line, and what of it a shell would run.
#include "lint/checks.hpp"

#include <algorithm>
#include <array>

namespace railhead {
namespace {

constexpr auto leading = std::to_array<std::string_view>(
    {"do", "then", "else", "elif", "if", "while", "until", "!", "{", "time", "-p"});

constexpr auto shells = std::to_array<std::string_view>({"bash", "sh", "dash", "zsh", "ksh", "ash"});

/// Their words are text: nothing in them is started.
bool shows_words(const std::vector<std::string>& words, std::size_t begin, std::size_t end) {
    while (begin < end && std::ranges::find(leading, words[begin]) != leading.end()) ++begin;
    // "head=`hostname -i || echo localhost`" is no echo of the script.
    const bool quoted = std::any_of(words.begin() + static_cast<std::ptrdiff_t>(begin),
                                    words.begin() + static_cast<std::ptrdiff_t>(end),
                                    [](auto& word) { return word.find('`') != word.npos; });
    if (begin == end || quoted) return false;
    const auto& first = words[begin];
    if (first == "command") return begin + 1 < end && words[begin + 1].starts_with('-');
    return first == "echo" || first == "printf" || first == "logger" || first == "which" || first == "type" ||
           first == "hash" || first == "man" || first == "grep" || first == "egrep" || first == "log";
}

/// What of the text stands in "$(...)" and in backquotes.
std::string substituted(std::string_view text) {
    std::string found;
    int depth = 0;
    bool backquoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        bool opens = text[i] == '(' && (depth > 0 || (i > 0 && text[i - 1] == '$'));
        if (text[i] == '`') backquoted = !backquoted;
        if (depth > 0 || backquoted) found += text[i] == '`' ? ' ' : text[i];
        depth += opens;
        if (text[i] != ')' || depth == 0 || --depth > 0) continue;
        found.back() = ' ';
    }
    return found;
}

} // namespace

bool is_shell(std::string_view program) {
    return std::ranges::find(shells, program.substr(program.rfind('/') + 1)) != shells.end(); // npos + 1 is 0
}

bool prints(const ScriptLine& command) {
    return shows_words(command.words, 0, command.words.size());
}

std::vector<ScriptLine> commands_of(const ScriptLine& line) {
    std::vector<ScriptLine> commands;
    auto command = line;
    command.words.clear();
    for (std::size_t i = 0; i <= line.words.size(); ++i) {
        const bool ends = i == line.words.size() || is_operator(line.words[i]);
        if (!ends) {
            bool begins = command.words.empty();
            if (!begins || std::ranges::find(leading, line.words[i]) == leading.end())
                command.words.push_back(line.words[i]);
        } else if (i < line.words.size() && line.words[i] == "(" && command.words.size() == 1 &&
                   command.words.front().ends_with('=')) {
            while (i + 1 < line.words.size() && line.words[i + 1] != ")") // an array's
                command.words.front() += " " + line.words[++i];
            ++i;
        } else if (!command.words.empty()) {
            commands.push_back(command);
            command.words.clear();
        }
    }
    return commands;
}

std::vector<std::string> all_words(const ScriptLine& line) {
    std::vector<std::string> found;
    const auto& words = line.words;
    for (std::size_t begin = 0, end = 0; begin < words.size(); begin = end + 1) {
        for (end = begin; end < words.size() && !is_operator(words[end]);) ++end;
        const bool text = shows_words(words, begin, end);
        for (auto i = begin; i < end; ++i) {
            if (!text) found.push_back(words[i]);
            if (words[i].find(' ') == words[i].npos) continue;
            auto inner = text ? substituted(words[i]) : words[i];
            for (auto at = inner.find("$("); at != inner.npos; at = inner.find("$(", at)) inner[at] = ' ';
            for (auto& word : shell_words(inner)) found.push_back(std::move(word));
        }
        if (end < words.size()) found.push_back(words[end]);
    }
    return found;
}

std::string shell_command(const ScriptLine& command) {
    const auto& words = command.words;
    auto at = std::find_if(words.begin(), words.end(), is_shell);
    if (prints(command) || at == words.end()) return {};
    for (++at; at != words.end() && at->starts_with('-'); ++at)
        if (!at->starts_with("--") && at->ends_with('c'))
            return at + 1 == words.end() ? std::string() : *(at + 1);
    return {};
}

} // namespace railhead
