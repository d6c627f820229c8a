#include "lint/checks.hpp"
#include "lint/options.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

namespace railhead {
namespace {

constexpr std::string_view directive = "#SBATCH";
constexpr int most_before_pbs = 100; // lines, in xlate_batch_script() of sbatch

std::string_view trimmed(std::string_view text) {
    auto begin = std::min(text.find_first_not_of(" \t\r"), text.size());
    auto end = text.find_last_not_of(" \t\r") + 1; // npos + 1 is 0
    return begin < end ? text.substr(begin, end - begin) : std::string_view();
}

bool is_directive(std::string_view line) {
    return line.starts_with(directive) && line.size() > directive.size() &&
           std::isspace(static_cast<unsigned char>(line[directive.size()]));
}

/// Before the shell's comment: a # at a word's beginning, outside of quotes.
std::string_view without_comment(std::string_view line) {
    char quote = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        char c = line[i];
        if (c == '\\' && quote != '\'')
            ++i;
        else if (quote != 0)
            quote = c == quote ? 0 : quote;
        else if (c == '\'' || c == '"')
            quote = c;
        else if (c == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t' || line[i - 1] == ';'))
            return line.substr(0, i);
    }
    return line;
}

/// Nothing but options and their values: "--parsable prints the id" is prose, "-N2 job.sh" a command line.
bool is_options_only(std::string_view text) {
    bool may_be_value = false;
    for (const auto& word : shell_words(text)) {
        bool is_option = word.starts_with('-');
        if (!is_option && !may_be_value) return false;
        bool has_own = word.find('=') != word.npos || (!word.starts_with("--") && word.size() > 2);
        may_be_value = is_option && !has_own && !is_alone(word);
    }
    return true;
}

/// "# SBATCH --x", "#sbatch --x", "#SBATCH--x"; "##SBATCH" is how people switch one off.
bool looks_like_directive(std::string_view line) {
    auto rest = trimmed(line.substr(1));
    if (line.starts_with("##") || rest.size() < directive.size()) return false;
    constexpr std::string_view word = "sbatch";
    bool named = std::equal(word.begin(), word.end(), rest.begin(),
                            [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
    auto options = trimmed(rest.substr(word.size()));
    return named && options.starts_with('-') && is_options_only(without_comment(options));
}

/// Where the line begins a here-document: << outside of quotes and of arithmetic, "$((1 << 2))". <<< is a
/// word.
std::size_t here_operator(std::string_view line) {
    char quote = 0;
    bool counts = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        auto rest = line.substr(i);
        if (line[i] == '\\' && quote != '\'')
            ++i;
        else if (quote != 0)
            quote = line[i] == quote ? 0 : quote;
        else if (line[i] == '\'' || line[i] == '"')
            quote = line[i];
        else if (rest.starts_with(counts ? "))" : "((")) {
            counts = !counts;
            ++i;
        } else if (rest.starts_with("<<<"))
            i += 2;
        else if (!counts && rest.starts_with("<<"))
            return i;
    }
    return line.npos;
}

/// The word that ends the here-document which the line begins.
std::optional<std::string> here_document(std::string_view line) {
    auto at = here_operator(line);
    if (at == line.npos) return std::nullopt;
    auto rest = line.substr(at + 2);
    if (rest.starts_with('-')) rest.remove_prefix(1);
    auto words = shell_words(rest);
    return words.empty() ? std::nullopt : std::optional(words.front());
}

/// "#!/bin/bash -l", "#!/usr/bin/env -S bash -e"; python's and others' are not.
bool names_shell(std::string_view first_line) {
    for (auto& word : shell_words(trimmed(first_line.substr(2)))) {
        auto name = std::string_view(word).substr(word.rfind('/') + 1); // npos + 1 is 0
        if (name == "env" || name == "busybox" || name.starts_with('-') || name.find('=') != name.npos)
            continue;
        return is_shell(name) || name == "csh" || name == "tcsh" || name == "fish";
    }
    return true;
}

class Reader {
  public:
    Reader(Script& script, std::string_view text) : script_(script), rest_(text) {}

    /// What the "#PBS" lines ask for.
    std::vector<ScriptOption> read() {
        while (auto line = next()) {
            if (in_header_ && header(*line)) continue;
            body(*line);
        }
        flush();
        return std::move(pbs_);
    }

  private:
    std::optional<std::string_view> next() {
        if (rest_.empty()) return std::nullopt;
        auto line = rest_.substr(0, rest_.find('\n'));
        rest_.remove_prefix(std::min(line.size() + 1, rest_.size()));
        if (line.ends_with('\r')) script_.has_dos_lines = true;
        ++number_;
        // sbatch reads these everywhere, in here-documents, too, until it has met too many other lines.
        if (line.starts_with("#PBS") && others_ <= most_before_pbs)
            add_pbs_options(pbs_, shell_words(without_comment(line.substr(4))), number_);
        others_ += !line.starts_with('#');
        return line;
    }

    /// sbatch reads options up to the first line that is neither empty nor a comment.
    bool header(std::string_view line) {
        if (number_ == 1 && line.starts_with("#!")) {
            script_.has_interpreter = true;
            script_.is_shell = names_shell(line);
        }
        auto text = trimmed(line);
        if (!text.empty() && text[0] != '#') return in_header_ = false;
        if (is_directive(line))
            take_options(shell_words(without_comment(line.substr(directive.size()))));
        else if (!text.empty() && looks_like_directive(text))
            script_.mistyped.push_back(number_);
        return true;
    }

    void take_options(const std::vector<std::string>& words) {
        if (!words.empty() && (words.front() == "hetjob" || words.front() == "packjob"))
            script_.components.push_back(number_);
        else
            add_options(script_.options, words, number_, static_cast<int>(script_.components.size()) - 1);
    }

    void body(std::string_view line) {
        if (!here_.empty()) {
            if (trimmed(line) == here_) here_.clear();
            return;
        }
        if (is_directive(line)) script_.late.push_back(number_);
        if (!script_.is_shell) return;
        auto text = without_comment(line);
        if (pending_.text.empty()) pending_.number = number_;
        bool goes_on = trimmed(line).ends_with('\\') && text.size() == line.size();
        pending_.text += goes_on ? trimmed(text).substr(0, trimmed(text).size() - 1) : trimmed(text);
        if (goes_on) {
            pending_.text += ' ';
            return;
        }
        if (auto end = here_document(text)) here_ = *end;
        flush();
    }

    void flush() {
        auto line = std::exchange(pending_, {});
        if (trimmed(line.text).empty()) return;
        line.words = shell_words(line.text);
        if (line.words.empty()) return;
        const auto& first = line.words.front();
        line.in_loop = loops_ > 0;
        auto count = [&](std::string_view word) {
            return static_cast<int>(std::count(line.words.begin(), line.words.end(), word));
        };
        loops_ += (first == "for" || first == "while" || first == "until") - count("done");
        loops_ = std::max(loops_, 0);
        script_.lines.push_back(std::move(line));
    }

    Script& script_;
    std::string_view rest_;
    int number_ = 0, loops_ = 0, others_ = 0;
    bool in_header_ = true;
    ScriptLine pending_;
    std::string here_;
    std::vector<ScriptOption> pbs_;
};

} // namespace

const ScriptOption* Script::option(std::string_view name) const {
    auto found =
        std::find_if(options.rbegin(), options.rend(), [&](auto& each) { return each.name == name; });
    return found == options.rend() ? nullptr : &*found;
}

Script read_script(std::string name, std::string_view text, const std::vector<std::string>& more,
                   const std::vector<std::string>& of_environment) {
    Script script{.name = std::move(name)};
    auto pbs = Reader(script, text).read();
    std::vector<ScriptOption> outer;
    add_options(outer, of_environment, 0, every_component);
    int component = 0;
    for (auto rest = more; !rest.empty(); ++component) {
        auto end = std::find(rest.begin(), rest.end(), ":");
        add_options(outer, {rest.begin(), end}, 0, component);
        rest.erase(rest.begin(), end == rest.end() ? end : end + 1);
    }
    auto ignores = [](const ScriptOption& option) { return option.name == "--ignore-pbs"; };
    if (std::none_of(script.options.begin(), script.options.end(), ignores) &&
        std::none_of(outer.begin(), outer.end(), ignores))
        script.options.insert(script.options.end(), pbs.begin(), pbs.end());
    script.options.insert(script.options.end(), outer.begin(), outer.end());
    while (static_cast<int>(script.components.size()) < component) script.components.push_back(0);
    return script;
}

Script component_of(const Script& script, int number) {
    Script one = script;
    one.options.clear();
    for (int earlier = 0; earlier <= number; ++earlier)
        for (const auto& option : script.options)
            if ((option.component == earlier || option.component == every_component) &&
                (earlier == number || is_of_all_components(option.name)))
                one.options.push_back(option);
    return one;
}

} // namespace railhead
