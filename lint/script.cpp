#include "lint/script.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

namespace railhead {
namespace {

constexpr std::string_view directive = "#SBATCH";
constexpr std::array<std::pair<char, std::string_view>, 17> short_options{{{'A', "--account"},
                                                                           {'a', "--array"},
                                                                           {'C', "--constraint"},
                                                                           {'c', "--cpus-per-task"},
                                                                           {'D', "--chdir"},
                                                                           {'e', "--error"},
                                                                           {'G', "--gpus"},
                                                                           {'J', "--job-name"},
                                                                           {'K', "--kill-on-bad-exit"},
                                                                           {'N', "--nodes"},
                                                                           {'n', "--ntasks"},
                                                                           {'o', "--output"},
                                                                           {'p', "--partition"},
                                                                           {'q', "--qos"},
                                                                           {'t', "--time"},
                                                                           {'w', "--nodelist"},
                                                                           {'x', "--exclude"}}};

/// Options without a value, or with one after "=" only: the word that follows is not theirs.
constexpr std::array<std::string_view, 21> alone{
    "--exclusive",   "--hold",    "-H", "--requeue",    "--no-requeue",
    "--parsable",    "--wait",    "-W", "--overcommit", "-O",
    "--test-only",   "--quiet",   "-Q", "--contiguous", "--no-kill",
    "--spread-job",  "--verbose", "-v", "--reboot",     "--use-min-nodes",
    "--get-user-env"};

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
        may_be_value = is_option && !has_own && std::find(alone.begin(), alone.end(), word) == alone.end();
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

void add_options(std::vector<ScriptOption>& options, const std::vector<std::string>& words, int line) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::string_view word = words[i];
        if (word.size() < 2 || word[0] != '-') continue;
        ScriptOption option{.line = line};
        bool needs_value = true;
        if (word[1] == '-') {
            auto equals = word.find('=');
            option.name = word.substr(0, equals);
            needs_value = equals == word.npos;
            if (!needs_value) option.value = word.substr(equals + 1);
        } else {
            auto known = std::find_if(short_options.begin(), short_options.end(),
                                      [&](auto& each) { return each.first == word[1]; });
            option.name = known == short_options.end() ? word.substr(0, 2) : known->second;
            option.value = word.substr(word.size() > 2 && word[2] == '=' ? 3 : 2);
            needs_value = option.value.empty();
        }
        bool has_none = std::find(alone.begin(), alone.end(), option.name) != alone.end();
        if (needs_value && !has_none && i + 1 < words.size() && !words[i + 1].starts_with('-'))
            option.value = words[++i];
        options.push_back(std::move(option));
    }
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

class Reader {
  public:
    Reader(Script& script, std::string_view text) : script_(script), rest_(text) {}

    void read() {
        while (auto line = next()) {
            if (in_header_ && header(*line)) continue;
            body(*line);
        }
        flush();
    }

  private:
    std::optional<std::string_view> next() {
        if (rest_.empty()) return std::nullopt;
        auto line = rest_.substr(0, rest_.find('\n'));
        rest_.remove_prefix(std::min(line.size() + 1, rest_.size()));
        if (line.ends_with('\r')) script_.has_dos_lines = true;
        ++number_;
        return line;
    }

    /// sbatch reads options up to the first line that is neither empty nor a comment.
    bool header(std::string_view line) {
        if (number_ == 1 && line.starts_with("#!")) script_.has_interpreter = true;
        auto text = trimmed(line);
        if (!text.empty() && text[0] != '#') return in_header_ = false;
        if (is_directive(line))
            add_options(script_.options, shell_words(without_comment(line.substr(directive.size()))),
                        number_);
        else if (!text.empty() && looks_like_directive(text))
            script_.mistyped.push_back(number_);
        return true;
    }

    void body(std::string_view line) {
        if (!here_.empty()) {
            if (trimmed(line) == here_) here_.clear();
            return;
        }
        if (is_directive(line)) script_.late.push_back(number_);
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
    int number_ = 0, loops_ = 0;
    bool in_header_ = true;
    ScriptLine pending_;
    std::string here_;
};

} // namespace

const ScriptOption* Script::option(std::string_view name) const {
    auto found =
        std::find_if(options.rbegin(), options.rend(), [&](auto& each) { return each.name == name; });
    return found == options.rend() ? nullptr : &*found;
}

Script read_script(std::string name, std::string_view text, const std::vector<std::string>& more) {
    Script script{.name = std::move(name)};
    Reader(script, text).read();
    add_options(script.options, more, 0);
    return script;
}

} // namespace railhead
