#pragma once
#include "base/environment.hpp"
#include "base/error.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace railhead {

/// Every setting has one row in policy/table.cpp; `etc/railhead.toml`, `railhead config show` and
/// railhead.toml(5) are made from it. Its name is "section.key": launch_loss_after is "launch.loss_after".
enum class Key {
    // [launch]: users may set these
    launch_bringup_timeout, ///< seconds; a node or service that is not up by then ends the launch (default
                            ///< 180)
    launch_loss_after,      ///< seconds of silence after which a node counts as lost (default 60)
    launch_grace,           ///< seconds between SIGTERM and SIGKILL at the end (default 2)
    launch_ports, ///< "LOW-HIGH" for ports that must be picked before they are bound (default 20000-29999)
    launch_interface,  ///< network interface whose address is announced; empty: by route (default "")
    launch_subnet,     ///< CIDR that the announced address must be in; empty: any (default "")
    launch_ip_version, ///< "any", "4", "6" (default any)
    launch_check,      ///< "off", "warn", "enforce" (default off)
    launch_order,      ///< "topology", "slurm", or the job's nodes as a hostlist (default topology)
    launch_tmp,        ///< base of the per-job directory, at most 15 bytes (default /tmp)
    launch_log_dir, ///< where logs are brought on failure; empty: railhead-JOBID-ATTEMPT-HEX in the working
                    ///< directory
    launch_report,  ///< path of the JSON report; empty: none
    launch_restarts,
    launch_progress,
    launch_on_loss,
    launch_requeues,
    launch_warn_before,
    launch_warn_signal,
    launch_at_limit,
    launch_before_node, ///< for sh -c; empty: none
    launch_after_node,
    // [ray]
    ray_program,      ///< empty: `ray` of PATH
    ray_dashboard,    ///< "off", "on" (default off: 2 s faster)
    ray_object_store, ///< bytes; 0: 30 % of the job's memory, bounded by /dev/shm
    // [torchrun]
    torchrun_program, ///< empty: `torchrun` of PATH
    // [mpi]
    mpi_launcher, ///< "auto", "srun", "mpirun" (default auto)
    mpi_mpirun,   ///< empty: `mpirun` of PATH
    mpi_bind,     ///< "none", "core", "numa", "socket" (default none)
    // [submit]: site only; read by job_submit
    submit_on_missing_inventory, ///< "accept" (the only value out of the box that never delays)
    submit_refresh,              ///< seconds between inventory refreshes (default 30)
    submit_down_nodes,           ///< "count", "ignore" (default count); per partition and per user
    submit_placement,            ///< "any", "compact"; per partition and per user
    submit_placement_wait,       ///< seconds of wait4switch (default 60); per partition and per user
    submit_placement_told,       ///< "off", "on": whether a line tells the user (default off)
    submit_exempt_users,         ///< names, comma-separated; likewise the three that follow
    submit_exempt_accounts,
    submit_exempt_qos,
    submit_exempt_reservations,
    // Rules, in the order in which their verdicts are said: "off", "warn", "enforce" (and "strict" for those
    // that refuse one thing and warn of another); per partition and per user.
    submit_rule_gpu_type,
    submit_rule_gpus_per_node,
    submit_rule_partition_kind,
    submit_rule_gpus_total,
    submit_rule_node_shape,
    submit_rule_conflict,
    submit_rule_time_limit,
    submit_rule_type_required,
    submit_rule_mixed_types,
    submit_rule_uneven,
    submit_rule_whole_nodes,
    submit_rule_gpu_share,
    submit_rule_gpu_visibility,
    submit_rule_scalable_unit,
    submit_unit_most, ///< leaf groups that a job may need; 0: any number (default 0); per partition and per
                      ///< user
    submit_unit_step, ///< leaf groups in whose multiples a larger job comes; 0: any size (default 0);
                      ///< likewise
    // [spank]: site only
    spank_cleanup, ///< "on", "off": remove a step's leftover launch directory in the exit hook (default on)
    spank_env,     ///< "off", "auto": --rail-env where a job does not say (default off)
    spank_check,   ///< "off", "warn", "enforce": --rail-check where a job does not say (default off)
    // [node]: site only
    node_adapters, ///< host list of the RDMA devices that carry jobs' traffic; empty: by their places
    node_root,     ///< folder in which sys, proc and dev of the node lie; empty: /
};

/// Where a value came from, for `config show` and for errors.
struct Origin {
    enum class Kind { preset, site, user, environment, option } kind = Kind::preset;
    std::string where; ///< "/etc/slurm/railhead.toml:12", "RAILHEAD_LAUNCH_LOSS_AFTER", "--loss-after";
                       ///< empty for preset
};

using Value = std::variant<bool, std::int64_t, double, std::string>; ///< double: seconds; int64: bytes

/// Whose section below [submit] sets a key: [submit.partition.NAME], or [submit.user.NAME], which goes
/// before it (a canary, for whom a rule is enforced first).
enum class Whose { partition, user };

/// Safe to share between threads while nobody calls `set`.
class Settings {
  public:
    Settings(); ///< every key at its default

    bool boolean(Key key) const; ///< of a key whose values are "on" and "off"
    std::int64_t integer(Key key) const;
    double seconds(Key key) const;
    const std::string& text(Key key) const;
    std::vector<std::string> names(Key key) const; ///< of a key whose text is a comma-separated list
    const Origin& origin(Key key) const;
    /// The value for a job of `user` in `partition`: from the user's section, else the partition's, else the
    /// general one.
    const std::string& text_for(Key key, const std::string& partition, const std::string& user = {}) const;
    std::int64_t integer_for(Key key, const std::string& partition, const std::string& user = {}) const;
    double seconds_for(Key key, const std::string& partition, const std::string& user = {}) const;

    /// Where the site locked the key ("/etc/slurm/railhead.toml:3"); empty: it did not.
    const std::string& locked_at(Key key) const { return entry(key).locked_at; }
    /// All users whom it names: whose jobs need a name, not only a uid.
    std::vector<std::string> named_users() const;
    /// Names of the partitions, or users, that have a section of their own.
    std::vector<std::string> sections(Whose whose) const;
    /// Where that section begins, as the file is read; empty: nobody said.
    std::string place_of(Whose whose, const std::string& name) const;
    void note_place(Whose whose, const std::string& name, std::string where) {
        places_[static_cast<std::size_t>(whose)][name] = std::move(where);
    }
    /// Where that section sets the key; nullptr: it does not.
    const Origin* origin_in(Whose whose, const std::string& name, Key key) const;

    /// Parses `text` by the key's type, bounds and unit ("90", "90s", "2m", "1h"); an error (usage) names
    /// key, origin, seen, expected. A site-only or locked key is refused from any other origin.
    Result<void> set(Key key, const std::string& text, Origin origin);
    Result<void> set_in(Whose whose, const std::string& name, Key key, const std::string& text,
                        Origin origin);
    void lock(Key key, std::string where) {
        entries_[static_cast<std::size_t>(key)].locked_at = std::move(where);
    }

  private:
    struct Entry {
        Value value;
        Origin origin;
        std::string locked_at;
    };
    const Entry& entry(Key key) const { return entries_[static_cast<std::size_t>(key)]; }
    using Sections = std::map<std::string, std::map<Key, Entry>>;
    const Sections& all(Whose whose) const { return sections_[static_cast<std::size_t>(whose)]; }
    const Entry* entry_in(Whose whose, const std::string& name, Key key) const;
    const Entry& entry_for(Key key, const std::string& partition, const std::string& user) const;

    std::vector<Entry> entries_;       ///< in the order of Key
    std::array<Sections, 2> sections_; ///< by Whose
    std::array<std::map<std::string, std::string>, 2> places_;
};

struct Loaded {
    Settings settings;
    std::vector<Finding> findings;
};

/// Site file, user file, RAILHEAD_* variables, in that order; later ones win unless the site locks a key
/// (lock = ["launch.ports"]). A missing file means defaults; an empty path is no file. Error (usage): a file
/// that cannot be read, is no regular file or is not TOML (file:line:column), a value that is none. Findings
/// are warnings: an unknown key with the nearest known one, a setting that its writer may not set.
Result<Loaded> load_settings(const std::string& site_file, const std::string& user_file,
                             const Environment& environment);

/// One file of that kind for who checks it: a value that is none is a finding (fail) beside the others, and
/// does not hold; each names line and column. Error (usage): a file that cannot be read or is not TOML.
Result<Loaded> check_settings(const std::string& file, Origin::Kind kind);

/// The site's file: RAILHEAD_SITE_CONFIG is no setting, for a user must not get rid of the site's locks.
inline constexpr const char* site_settings_file = "/etc/slurm/railhead.toml";
/// $XDG_CONFIG_HOME/railhead/config.toml, else $HOME/.config/railhead/config.toml, else "".
std::string user_settings_file(const Environment& environment);

} // namespace railhead
