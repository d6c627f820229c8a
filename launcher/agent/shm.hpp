#pragma once
#include "launcher/agent/proctable.hpp"

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// Shared memory that a launch's processes made in /dev/shm and that outlives a kill. What a program leaves
/// there on purpose (data staged for the next command of the job) stays: a file is removed only if it was
/// made during the launch, was seen held open or mapped by one of its processes, and either that process is
/// ended by us or the name is one of a library's own objects (NCCL, PyTorch, Python's multiprocessing), which
/// a crash leaves behind. Such an object that nobody was seen to hold is ours when it can be nobody else's.
class ShmFiles {
  public:
    /// Notes what is there now: it was made before the launch. `record`: where names are kept for a sweep
    /// after a double kill; empty: nowhere.
    explicit ShmFiles(std::string record, std::string folder = "/dev/shm");
    /// What a launch knew whose agents are gone, by its record: its processes were killed with them, so that
    /// what they held is to be removed.
    static ShmFiles of_dead_launch(std::string_view record, std::string folder = "/dev/shm");

    enum class Holders { living, to_be_killed };
    /// Notes what these processes hold now.
    void look(const std::vector<ProcEntry>& processes, Holders holders);
    /// Notes a library's objects that were made during the launch, too short-lived to be seen held, if the
    /// user has no process on this node that may need them: of another job, of another step of srun, of no
    /// job. Else those stay, and what nobody holds of them is returned.
    std::vector<std::string> claim_rest(std::string_view job, std::string_view step);
    /// Notes what was held at the last look: its holders were killed since, with a part of the launch.
    void claim_held() { files_.merge(held_); }
    bool none_noted() const { return files_.empty(); }
    /// Removes what was noted, is still the same file of this user, and is held by no process that this user
    /// can see. The removed paths.
    std::vector<std::string> remove_unused();
    /// Takes over what a record says.
    void read_record(std::string_view text);
    std::string record_text() const;

  private:
    struct Id {
        dev_t device = 0;
        ino_t inode = 0;
        bool operator==(const Id&) const = default;
    };
    ShmFiles() = default;
    std::optional<Id> own_file(const std::string& path) const;
    bool is_of_launch(const std::string& path, const Id& id) const; ///< made after it began
    void keep_record(const std::string& earlier) const;

    std::string record_, folder_;
    bool knows_before_ = true;
    std::map<std::string, Id> before_, files_;
    std::map<std::string, Id> held_; ///< at the last look, by processes that live; no library's
};

/// Whether a file's name is one that a library gives to shared memory of its own: "nccl-Xy12ab",
/// "psm_1a2b3c4d".
bool is_library_object(std::string_view name);

/// Whether a process with that SLURM_STEP_ID is of another step of srun than `step`. The batch script, and
/// what it started, is of none: its number is above those of srun, or, in 26.05, "-5".
bool is_other_step(std::string_view text, std::string_view step);

/// Paths below `folder` in a text like /proc/PID/maps, without deleted ones, each once.
std::vector<std::string> mapped_below(std::string_view maps, std::string_view folder);

} // namespace railhead
