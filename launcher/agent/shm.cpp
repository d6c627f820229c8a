#include "launcher/agent/shm.hpp"

#include "base/number.hpp"
#include "launcher/agent/files.hpp"
#include "slurm/allocation.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
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

std::vector<std::string> files_in(const std::string& folder) {
    std::vector<std::string> paths;
    DIR* open = opendir(folder.c_str());
    while (auto* entry = open ? readdir(open) : nullptr) paths.push_back(folder + "/" + entry->d_name);
    if (open) closedir(open);
    return paths;
}

/// The batch script and what it started are of the job, and of no step of srun's: its number is above these.
bool is_other_step(std::string_view text, std::string_view step) {
    auto number = leading_number<std::int64_t>(text).value_or(max_step_of_srun);
    return number < max_step_of_srun && text != step;
}

bool user_has_other_processes(std::string_view job, std::string_view step) {
    for (auto& entry : read_proc_table()) {
        auto base = "/proc/" + std::to_string(entry.pid);
        struct stat status {};
        if (entry.state == 'Z' || stat(base.c_str(), &status) != 0 || status.st_uid != geteuid()) continue;
        auto environment = read_text(base + "/environ", 1 << 20).value_or(std::string());
        if (environ_value(environment, "SLURM_JOB_ID") != job) return true;
        if (is_other_step(environ_value(environment, "SLURM_STEP_ID").value_or(""), step)) return true;
    }
    return false;
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
}

std::optional<ShmFiles::Id> ShmFiles::own_file(const std::string& path) const {
    struct stat status {};
    if (lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid())
        return std::nullopt;
    return Id{status.st_dev, status.st_ino};
}

void ShmFiles::look(const std::vector<ProcEntry>& processes, Holders holders) {
    auto recorded = record_text();
    for (auto& process : processes)
        for (auto& path : held_by(process.pid, folder_)) {
            if (holders == Holders::living && !is_library_object(path.substr(folder_.size() + 1))) continue;
            auto id = own_file(path);
            auto older = before_.find(path);
            if (id && (older == before_.end() || older->second != *id)) files_[path] = *id;
        }
    auto now = record_text();
    if (record_.empty() || now == recorded) return;
    unlink(record_.c_str());
    if (!write_private(record_, now)) return; // only a sweep after a double kill would miss it
}

void ShmFiles::claim_rest(std::string_view job, std::string_view step) {
    auto all = files_; // what a look has seen stands
    for (auto& path : files_in(folder_)) {
        auto id = is_library_object(path.substr(folder_.size() + 1)) ? own_file(path) : std::nullopt;
        auto older = before_.find(path);
        if (id && (older == before_.end() || older->second != *id)) all.emplace(path, *id);
    }
    if (all.size() > files_.size() && !user_has_other_processes(job, step)) files_ = std::move(all);
}

std::vector<std::string> ShmFiles::remove_unused() {
    std::vector<std::string> removed;
    if (files_.empty()) return removed;
    std::set<std::string> in_use;
    for (auto& entry : read_proc_table())
        if (entry.state != 'Z') in_use.merge(held_by(entry.pid, folder_));
    for (auto& [path, id] : files_) {
        if (in_use.count(path) || own_file(path) != id) continue;
        if (unlink(path.c_str()) == 0) removed.push_back(path);
    }
    files_.clear();
    return removed;
}

std::string ShmFiles::record_text() const {
    std::string text;
    for (auto& [path, id] : files_)
        text += std::to_string(id.device) + " " + std::to_string(id.inode) + " " + path + "\n";
    return text;
}

void ShmFiles::read_record(std::string_view text) {
    for (auto line : lines_of(text)) {
        auto first = line.find(' ');
        auto second = first == std::string_view::npos ? first : line.find(' ', first + 1);
        if (second == std::string_view::npos || !is_below(line.substr(second + 1), folder_)) continue;
        Id id;
        std::from_chars(line.data(), line.data() + first, id.device);
        std::from_chars(line.data() + first + 1, line.data() + second, id.inode);
        files_[std::string(line.substr(second + 1))] = id;
    }
}

} // namespace railhead
