#include "lint/checks.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace railhead {
namespace {

/// What the script waits for until it ends.
bool is_work(const ScriptLine& line) {
    const auto& first = line.words.front();
    return line.words.back() != "&" &&
           (step_of(line) || starts_program(line.text) || std::ranges::any_of(line.words, starts_program) ||
            first == "railhead" || first == "bash" || first == "sh" || first.starts_with("./") ||
            first.starts_with('$'));
}

bool starts_monitor(const ScriptLine& line) {
    return line.text.find("monitor") != line.text.npos ||
           std::any_of(line.words.begin(), line.words.end(), [](auto& word) {
               return word == "nvidia-smi" || word == "dcgmi" || word == "sar" || word == "vmstat" ||
                      word == "iostat" || word == "top" || word == "nvtop" || word == "rocm-smi";
           });
}

/// "5", "5s", "0.5m", "$((5 * 2))"; less than a second waits for nothing.
bool is_time(std::string_view word) {
    if (word.starts_with("$((") && word.ends_with("))"))
        return word.substr(3, word.size() - 5).find_first_not_of("0123456789 *+-") == word.npos;
    auto number = word.substr(0, word.find_last_of("0123456789") + 1); // npos + 1 is 0
    auto unit = word.substr(number.size());
    auto whole = number.substr(0, number.find('.'));
    if (whole.size() < number.size() && !is_number(number.substr(whole.size() + 1))) return false;
    if (unit == "m" || unit == "h") return is_number(whole);
    return is_number(whole) && (whole != "0" || whole == number) && (unit.empty() || unit == "s");
}

bool is_sleep(std::string_view program) {
    return program == "sleep" || program.ends_with("/sleep");
}

/// Those of "./server & sleep 10; python3 train.py", each with the & that ends it.
std::vector<ScriptLine> parts_of(const ScriptLine& line) {
    if (line.words.size() < 2 ||
        std::find(line.words.begin(), line.words.end() - 1, "&") == line.words.end() - 1)
        return {line};
    std::vector<ScriptLine> commands;
    auto add = [&](auto begin, auto end) {
        if (begin == end) return;
        commands.push_back(
            {line.number, fmt::format("{}", fmt::join(begin, end, " ")), {begin, end}, line.in_loop});
    };
    auto begin = line.words.begin();
    for (auto word = begin; word != line.words.end(); ++word) {
        if (*word != "&" && *word != ";") continue;
        add(begin, *word == "&" ? word + 1 : word);
        begin = word + 1;
    }
    add(begin, line.words.end());
    return commands;
}

} // namespace

void check_sleep(const Script& script, std::vector<Finding>& findings) {
    std::vector<ScriptLine> commands;
    for (const auto& line : script.lines)
        for (auto& command : parts_of(line)) commands.push_back(std::move(command));
    // A signal before the time limit, as programs that write a checkpoint then want it.
    auto waits_for_end = [&](std::size_t next) {
        return next < commands.size() &&
               (commands[next].words.front() == "kill" || commands[next].words.front() == "pkill");
    };
    bool background = false;
    for (std::size_t i = 0; i < commands.size(); ++i) {
        const auto& line = commands[i];
        if (background && !line.in_loop && is_sleep(line.words.front()) && line.words.size() > 1 &&
            is_time(line.words[1]) && !waits_for_end(i + 1)) {
            findings.push_back({.id = "sleep-to-wait",
                                .level = Level::warn,
                                .where = place(script, line.number),
                                .thing = fmt::format("sleep {}", line.words[1]),
                                .seen = "hopes that what was started in the background is up by then",
                                .next = "wait for its port or file, with a bound"});
            return;
        }
        // A pause after work, or after all has ended, waits for no start.
        if (is_work(line) || line.words.front() == "wait") background = false;
        background = background || (line.words.back() == "&" && !starts_monitor(line));
    }
}

} // namespace railhead
