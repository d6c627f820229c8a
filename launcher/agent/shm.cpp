#include "launcher/agent/shm.hpp"

#include "base/number.hpp"
#include "launcher/agent/files.hpp"
#include "slurm/allocation.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace railhead {
namespace {

bool is_below(std::string_view path, std::string_view folder) {
    return path.size() > folder.size() + 1 && path.substr(0, folder.size()) == folder &&
           path[folder.size()] == '/' && path.find('/', folder.size() + 1) == std::string_view::npos;
}

std::set<std::string> held_by(pid_t pid, const std::string& folder) {
    auto base = "/proc/" + std::to_string(pid);
    std::set<std::string> paths;
    for (auto& path : mapped_below(read_text(base + "/maps", 16 << 20).value_or(std::string()), folder))
        paths.insert(path);
    DIR* open = opendir((base + "/fd").c_str());
    while (auto* entry = open ? readdir(open) : nullptr) {
        char target[4096];
        auto size = readlink((base + "/fd/" + entry->d_name).c_str(), target, sizeof target);
        if (size > 0 && is_below({target, static_cast<std::size_t>(size)}, folder))
            paths.emplace(target, static_cast<std::size_t>(size));
    }
    if (open) closedir(open);
    return paths;
}

/// Of all processes that this user can see.
std::set<std::string> held_by_anybody(const std::string& folder) {
    std::set<std::string> paths;
    for (auto& entry : read_proc_table())
        if (entry.state != 'Z') paths.merge(held_by(entry.pid, folder));
    return paths;
}

std::vector<std::string> files_in(const std::string& folder) {
    std::vector<std::string> paths;
    DIR* open = opendir(folder.c_str());
    while (auto* entry = open ? readdir(open) : nullptr) paths.push_back(folder + "/" + entry->d_name);
    if (open) closedir(open);
    return paths;
}

bool user_has_other_processes(std::string_view job, std::string_view step) {
    for (auto& entry : read_proc_table()) {
        auto base = "/proc/" + std::to_string(entry.pid);
        struct stat status {};
        if (entry.state == 'Z' || entry.pid == getpid() || stat(base.c_str(), &status) != 0 ||
            status.st_uid != geteuid())
            continue;
        auto environment = read_text(base + "/environ", 1 << 20).value_or(std::string());
        // One that is just being killed has no memory any more, neither its environment nor any object.
        if (environment.empty() && read_text(base + "/maps").value_or(std::string()).empty()) continue;
        if (environ_value(environment, "SLURM_JOB_ID") != job) return true;
        if (is_other_step(environ_value(environment, "SLURM_STEP_ID").value_or(""), step)) return true;
    }
    return false;
}

/// Taken off the beginning of `line`.
std::string_view next_word(std::string_view& line) {
    auto word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(word.size() + 1, line.size()));
    return word;
}

} // namespace

std::vector<std::string> mapped_below(std::string_view maps, std::string_view folder) {
    std::vector<std::string> paths;
    for (auto line : lines_of(maps)) {
        auto slash = line.find('/');
        if (slash == std::string_view::npos) continue;
        auto path = line.substr(slash);
        if (!is_below(path, folder) || path.size() < 10 || path.substr(path.size() - 10) == " (deleted)")
            continue;
        if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.emplace_back(path);
    }
    return paths;
}

bool is_other_step(std::string_view text, std::string_view step) {
    if (text.starts_with('-')) return false;
    auto number = leading_number<std::int64_t>(text).value_or(max_step_of_srun);
    return number < max_step_of_srun && text != step;
}

bool is_library_object(std::string_view name) {
    // NCCL, PyTorch's loader, Python's shared_memory and semaphores, joblib, MPI over shared memory, Ray's
    // store.
    for (std::string_view start : {"nccl-", "torch_", "psm_", "sem.mp-", "sem.loky-", "pym-",
                                   "vader_segment.", "sm_segment.", "osc_rdma.", "plasma"})
        if (name.substr(0, start.size()) == start) return true;
    return false;
}

ShmFiles::ShmFiles(std::string record, std::string folder)
    : record_(std::move(record)), folder_(std::move(folder)) {
    for (auto& path : files_in(folder_))
        if (auto id = own_file(path)) before_[path] = *id;
    keep_record("");
}

ShmFiles ShmFiles::of_dead_launch(std::string_view record, std::string folder) {
    ShmFiles files;
    files.folder_ = std::move(folder);
    files.knows_before_ = !record.empty();
    files.read_record(record);
    return files;
}

std::optional<ShmFiles::Id> ShmFiles::own_file(const std::string& path) const {
    struct stat status {};
    if (lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid())
        return std::nullopt;
    return Id{status.st_dev, status.st_ino};
}

bool ShmFiles::is_of_launch(const std::string& path, const Id& id) const {
    auto older = before_.find(path);
    return older == before_.end() || older->second != id;
}

void ShmFiles::look(const std::vector<ProcEntry>& processes, Holders holders) {
    auto earlier = record_text();
    held_.clear();
    for (auto& process : processes)
        for (auto& path : held_by(process.pid, folder_)) {
            auto id = own_file(path);
            if (!id || !is_of_launch(path, *id)) continue;
            bool librarys = is_library_object(path.substr(folder_.size() + 1));
            auto& noted = librarys || holders == Holders::to_be_killed ? files_ : held_;
            noted[path] = *id;
        }
    keep_record(earlier);
}

// Only a sweep after a double kill would miss what cannot be written.
void ShmFiles::keep_record(const std::string& earlier) const {
    auto now = record_text();
    if (record_.empty() || now == earlier) return;
    auto fresh = record_ + ".new"; // whoever is killed here leaves the one or the other
    unlink(fresh.c_str());
    if (write_private(fresh, now)) (void)!rename(fresh.c_str(), record_.c_str());
}

std::vector<std::string> ShmFiles::claim_rest(std::string_view job, std::string_view step) {
    std::map<std::string, Id> rest; // what a look has seen stands
    for (auto& path : files_in(folder_)) {
        auto id = is_library_object(path.substr(folder_.size() + 1)) ? own_file(path) : std::nullopt;
        if (id && knows_before_ && !files_.contains(path) && is_of_launch(path, *id)) rest.emplace(path, *id);
    }
    if (rest.empty() || !user_has_other_processes(job, step)) {
        files_.merge(rest);
        return {};
    }
    std::vector<std::string> stay;
    auto in_use = held_by_anybody(folder_);
    for (auto& [path, id] : rest)
        if (!in_use.contains(path)) stay.push_back(path);
    return stay;
}

std::vector<std::string> ShmFiles::remove_unused() {
    std::vector<std::string> removed;
    if (files_.empty()) return removed;
    auto in_use = held_by_anybody(folder_);
    for (auto& [path, id] : files_) {
        if (in_use.count(path) || own_file(path) != id) continue;
        if (unlink(path.c_str()) == 0) removed.push_back(path);
    }
    files_.clear();
    return removed;
}

// A line each: was there before, noted, or held; device, inode, path.
std::string ShmFiles::record_text() const {
    std::string text;
    for (auto [kind, files] : {std::pair{"before", &before_}, {"noted", &files_}, {"held", &held_}})
        for (auto& [path, id] : *files) text += fmt::format("{} {} {} {}\n", kind, id.device, id.inode, path);
    return text;
}

void ShmFiles::read_record(std::string_view text) {
    for (auto line : lines_of(text)) {
        auto kind = next_word(line), device = next_word(line), inode = next_word(line);
        auto numbers = std::pair(whole_number<dev_t>(device), whole_number<ino_t>(inode));
        if (!numbers.first || !numbers.second || !is_below(line, folder_)) continue;
        auto& files = kind == "before" ? before_ : files_;
        files[std::string(line)] = {*numbers.first, *numbers.second};
    }
}

} // namespace railhead
