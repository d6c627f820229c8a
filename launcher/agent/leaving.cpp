#include "launcher/agent/leaving.hpp"

#include "launcher/agent/files.hpp"
#include "launcher/agent/logs.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>

namespace railhead {
namespace {

constexpr double escaped_bound_s = 0.5;
constexpr int escaped_rounds = 3;
constexpr auto shm_record = "shm"; ///< file in the launch's directory
constexpr std::size_t max_record_bytes = 16 << 20;
constexpr std::size_t max_bytes_in_all = 8 << 20;
constexpr std::size_t piece_bytes = 10 * 1024; ///< JSON writes a control character as six bytes

Finding survivor(const std::string& node, const ProcEntry& entry) {
    return {.id = "survivor",
            .level = Level::warn,
            .where = node,
            .thing = "process " + std::to_string(entry.pid) + " (" + command_line_of(entry) + ")",
            .seen = "is still there after SIGKILL, in state " + state_words(entry.state),
            .next = "look at the device or file system that it waits for"};
}

Finding was_escaped(const std::string& node, const ProcEntry& entry, const std::string& command) {
    return {.id = "escaped",
            .level = Level::warn,
            .where = node,
            .thing = "process " + std::to_string(entry.pid) + " (" + command + ")",
            .seen = "had left the launch's process tree and was killed"};
}

/// `known`: already named as survivors, and those named now. Whether there were others.
bool kill_escaped_once(const CleanUp& what, std::vector<ProcEntry>& known, std::vector<Finding>& findings) {
    auto others = escaped(what.launch.text(), what.launch.job);
    std::erase_if(others, [&](auto& entry) {
        return std::any_of(known.begin(), known.end(), [&](auto& k) { return k.pid == entry.pid; });
    });
    if (others.empty()) return false;
    std::vector<std::optional<Finding>> killed;
    for (auto& entry : others)
        killed.push_back(is_rank_of_step(entry.pid)
                             ? std::nullopt
                             : std::optional(was_escaped(what.node, entry, command_line_of(entry))));
    auto left = kill_processes(others, escaped_bound_s);
    for (std::size_t i = 0; i < others.size(); ++i) {
        bool alive = std::any_of(left.begin(), left.end(), [&](auto& e) { return e.pid == others[i].pid; });
        if (alive) findings.push_back(survivor(what.node, others[i]));
        if (!alive && killed[i]) findings.push_back(*killed[i]);
    }
    known.insert(known.end(), left.begin(), left.end());
    return true;
}

/// One that is killed may have made another a moment before.
void kill_escaped(const CleanUp& what, std::vector<ProcEntry> known, std::vector<Finding>& findings) {
    for (int round = 0; round < escaped_rounds && kill_escaped_once(what, known, findings);) ++round;
}

void note_removal(const std::string& node, const Result<void>& removed, std::vector<Finding>& findings) {
    if (removed) return;
    findings.push_back(Error(removed.error()).within(node).finding);
    findings.back().level = Level::warn;
}

void remove_shm(const CleanUp& what, ShmFiles& shm, std::vector<Finding>& findings) {
    auto stay = shm.claim_rest(what.launch.job, what.launch.step);
    shm.remove_unused();
    if (stay.empty()) return;
    findings.push_back(
        {.id = "shm-left",
         .level = Level::warn,
         .where = what.node,
         .thing = fmt::format("{} in /dev/shm ({})", stay.size() == 1 ? "an object" : "objects",
                              fmt::join(stay, ", ")),
         .seen = fmt::format("{} left, for another job or step of yours may need {}",
                             stay.size() == 1 ? "was" : "were", stay.size() == 1 ? "it" : "them"),
         .next = "remove what no program needs"});
}

} // namespace

bool is_left_behind(const Finding& finding) {
    return finding.id == "survivor" || finding.id == "dir-left";
}

std::string shm_record_of(const std::string& dir) {
    return dir.empty() ? "" : dir + "/" + shm_record;
}

std::string shm_record_text(const std::string& dir) {
    return dir.empty() ? "" : read_text(shm_record_of(dir), max_record_bytes).value_or(std::string());
}

std::vector<Finding> clean_up(const CleanUp& what, ShmFiles& shm, const OnReaped& on_reaped) {
    std::vector<Finding> findings;
    auto left = kill_descendants(what.bound_s, on_reaped);
    for (auto& entry : left) findings.push_back(survivor(what.node, entry));
    kill_escaped(what, left, findings);
    remove_shm(what, shm, findings);
    if (what.dir.empty()) return findings;
    // A process that died a moment ago may have made a file after its folder was read: once more.
    auto remove = [&] {
        return what.keep_dir ? remove_contents(what.dir, shm_record) : remove_tree(what.dir);
    };
    auto removed = remove();
    if (!removed) removed = remove();
    note_removal(what.node, removed, findings);
    return findings;
}

std::vector<Finding> sweep(const std::string& node, const std::string& tmp, const std::string& job,
                           const std::string& step) {
    std::vector<Finding> findings;
    for (auto& dead : dead_launches(tmp, job, step)) {
        CleanUp what{node, dead.name, dead.path};
        auto shm = ShmFiles::of_dead_launch(shm_record_text(dead.path));
        kill_escaped(what, {}, findings);
        remove_shm(what, shm, findings);
        note_removal(node, remove_tree(dead.path), findings);
        findings.push_back({.id = "swept",
                            .level = Level::info,
                            .where = node,
                            .thing = dead.path,
                            .seen = "was left by an agent that is gone; it was cleaned up"});
    }
    return findings;
}

std::vector<Event> logs_to_bring(const std::string& dir, std::size_t max_bytes,
                                 const std::vector<std::string>& first) {
    auto names = log_files(dir);
    auto id_of = [&](const std::string& name) { return id_of_log(dir, dir + "/" + name); };
    std::ranges::stable_sort(names, {}, [&](auto& name) { return std::ranges::find(first, id_of(name)); });
    std::vector<Event> events;
    std::size_t left = max_bytes_in_all;
    for (auto& name : names) {
        auto id = id_of(name);
        for (auto& piece : end_in_pieces(dir + "/" + name, std::min(max_bytes, left), piece_bytes)) {
            left -= std::min(left, piece.size());
            events.push_back({.type = Event::Type::log_back, .id = id, .value = std::move(piece)});
        }
    }
    return events;
}

} // namespace railhead
