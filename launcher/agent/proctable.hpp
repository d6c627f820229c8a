#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// One line of /proc/PID/stat, proc(5).
struct ProcEntry {
    pid_t pid = 0, ppid = 0;
    int session = 0;
    char state = '?';        ///< R, S, D, Z, T, ...
    std::uint64_t start = 0; ///< clock ticks since boot; with the pid it names a process for ever
    std::string command;     ///< at most 15 bytes
    bool operator==(const ProcEntry&) const = default;
};

/// Absent when `text` is no such line. A command may hold blanks, parentheses and newlines.
std::optional<ProcEntry> parse_proc_stat(std::string_view text);
std::optional<ProcEntry> read_proc(pid_t pid);

/// All processes that can be seen, by one walk over /proc.
std::vector<ProcEntry> read_proc_table();

/// Children of `root` and theirs, without `root`; parents come before their children. Zombies are in it.
std::vector<ProcEntry> descendants_of(pid_t root, const std::vector<ProcEntry>& table);

/// The value of `name` in a block of "NAME=value\0" as in /proc/PID/environ.
std::optional<std::string_view> environ_value(std::string_view block, std::string_view name);

/// "D (disk sleep)": the letter with what it means.
std::string state_words(char state);

/// "python train.py --x": the command line, at most 200 bytes; the short name in brackets when it has none.
std::string command_line_of(const ProcEntry& entry);

/// Sends a signal if the process is still the same one. False when it is gone.
bool signal_process(const ProcEntry& entry, int number);

} // namespace railhead
