#include "launcher/agent/proctable.hpp"

#include "base/fd.hpp"
#include "base/number.hpp"
#include "launcher/agent/files.hpp"

#include <dirent.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>

namespace railhead {
namespace {

template <class T>
bool number_from(std::string_view text, T& value) {
    const auto number = whole_number<T>(text);
    value = number.value_or(0);
    return number.has_value();
}

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    while (true) {
        auto begin = text.find_first_not_of(" \n");
        if (begin == std::string_view::npos) return words;
        text.remove_prefix(begin);
        auto end = std::min(text.find_first_of(" \n"), text.size());
        words.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

} // namespace

std::optional<ProcEntry> parse_proc_stat(std::string_view text) {
    auto open = text.find(" (");
    auto close = text.rfind(')'); // the command itself may hold one
    if (open == std::string_view::npos || close == std::string_view::npos || close < open + 2)
        return std::nullopt;
    ProcEntry entry;
    entry.command = text.substr(open + 2, close - open - 2);
    // From the third field on: state ppid pgrp session ... starttime is the 22nd.
    auto words = words_of(text.substr(close + 1));
    if (words.size() < 20 || words[0].size() != 1) return std::nullopt;
    entry.state = words[0][0];
    if (!number_from(text.substr(0, open), entry.pid) || !number_from(words[1], entry.ppid) ||
        !number_from(words[3], entry.session) || !number_from(words[19], entry.start))
        return std::nullopt;
    return entry;
}

std::optional<ProcEntry> read_proc(pid_t pid) {
    auto text = read_text("/proc/" + std::to_string(pid) + "/stat", 4096);
    return text ? parse_proc_stat(*text) : std::nullopt;
}

std::vector<ProcEntry> read_proc_table() {
    std::vector<ProcEntry> table;
    DIR* folder = opendir("/proc");
    if (!folder) return table;
    while (auto* entry = readdir(folder)) {
        pid_t pid = 0;
        if (!number_from(std::string_view(entry->d_name), pid)) continue;
        if (auto process = read_proc(pid)) table.push_back(std::move(*process));
    }
    closedir(folder);
    return table;
}

std::vector<ProcEntry> descendants_of(pid_t root, const std::vector<ProcEntry>& table) {
    std::vector<ProcEntry> found;
    std::set<pid_t> level{root}, seen{root};
    while (!level.empty()) {
        std::set<pid_t> next;
        for (auto& entry : table)
            if (level.count(entry.ppid) && seen.insert(entry.pid).second) {
                next.insert(entry.pid);
                found.push_back(entry);
            }
        level = std::move(next);
    }
    return found;
}

std::optional<std::string_view> environ_value(std::string_view block, std::string_view name) {
    while (!block.empty()) {
        auto line = block.substr(0, block.find('\0'));
        if (line.size() > name.size() && line[name.size()] == '=' && line.substr(0, name.size()) == name)
            return line.substr(name.size() + 1);
        block.remove_prefix(std::min(line.size() + 1, block.size()));
    }
    return std::nullopt;
}

std::string state_words(char state) {
    switch (state) {
    case 'R':
        return "R (running)";
    case 'S':
        return "S (sleeping)";
    case 'D':
        return "D (waiting in the kernel)";
    case 'T':
        return "T (stopped)";
    case 't':
        return "t (traced)";
    case 'Z':
        return "Z (ended, not reaped)";
    default:
        return std::string(1, state);
    }
}

std::string command_line_of(const ProcEntry& entry) {
    auto text = read_text("/proc/" + std::to_string(entry.pid) + "/cmdline", 200);
    if (!text || text->empty()) return "[" + entry.command + "]";
    while (!text->empty() && text->back() == '\0') text->pop_back();
    std::replace(text->begin(), text->end(), '\0', ' ');
    std::replace(text->begin(), text->end(), '\n', ' ');
    return *text;
}

bool signal_process(const ProcEntry& entry, int number) {
    UniqueFd handle(static_cast<int>(syscall(SYS_pidfd_open, entry.pid, 0)));
    auto now = read_proc(entry.pid); // after the open: the handle stays with what is looked at here
    if (!now || now->start != entry.start) return false;
    if (handle) return syscall(SYS_pidfd_send_signal, handle.get(), number, nullptr, 0) == 0;
    return kill(entry.pid, number) == 0;
}

} // namespace railhead
