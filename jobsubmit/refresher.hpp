#pragma once
#include "jobsubmit/judged_shapes.hpp"
#include "jobsubmit/policy_file.hpp"
#include "slurm/inventory.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace railhead {

/// When slurmctld last changed what a view shows, in its own words: seconds since the epoch, by a clock that
/// may be set. 0: it does not say, or nothing has changed yet.
struct Changes {
    std::int64_t partitions = 0, reservations = 0;
    std::int64_t nodes = 0; ///< of any node in anything: mostly that a job began or ended there
    bool operator==(const Changes&) const = default;
};

/// What a submission is judged by; immutable but for what is remembered of it in `judged`.
struct View {
    std::shared_ptr<const Inventory> inventory;   ///< null until the first one is loaded
    std::shared_ptr<const Settings> settings;     ///< never null
    std::map<std::uint32_t, std::string> users{}; ///< by uid: those whom the settings name
    /// What slurmctld said when the load of the inventory began. `unsettled`: that was within the second of
    /// the change, and another one in it would go unseen.
    Changes changes{};
    double loaded_s = 0; ///< monotonic; when it began
    /// Of this view alone: what may be said of a shape changes with it.
    std::shared_ptr<JudgedShapes> judged = std::make_shared<JudgedShapes>();

    static constexpr std::int64_t unsettled = -1;
};

/// getpwnam_r(3); absent: no such user, or the service does not answer.
std::optional<std::uint32_t> uid_of_user(const std::string& name);

/// Where the background thread gets its knowledge. All are called from that thread only.
struct RefresherSources {
    std::function<Result<Inventory>()> load;
    /// The controller is far enough to answer an RPC.
    std::function<bool()> ready = [] { return true; };
    std::function<Changes()> changes = [] { return Changes{}; };
    std::string policy_file;
    /// Of a user's name; may ask a directory service.
    std::function<std::optional<std::uint32_t>(const std::string&)> uid_of = uid_of_user;
    std::function<void(Level, const std::string&)> log;
    std::function<void()> published = [] {}; ///< after each new view
    double tick_s = 1;                       ///< how often the policy file and `changes` are looked at
};

/// The background thread of job_submit: keeps a View of the cluster and the policy, and is the only one that
/// reads files or sends RPCs. All signals are blocked in it.
class Refresher {
  public:
    explicit Refresher(RefresherSources sources);
    ~Refresher();
    Refresher(const Refresher&) = delete;
    Refresher& operator=(const Refresher&) = delete;

    /// Without lock, file or RPC.
    std::shared_ptr<const View> view() const;
    /// Asks for a new inventory soon (at most one a second). Does not block.
    void wake() noexcept;
    /// Ends the thread; false when it hangs in an RPC after `seconds`: it then ends by itself, later, and
    /// what it uses lives as long as it does.
    bool stop(double seconds);

  private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

} // namespace railhead
