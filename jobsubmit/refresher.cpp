#include "jobsubmit/refresher.hpp"

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "base/quiet_thread.hpp"
#include "jobsubmit/published.hpp"

#include <poll.h>
#include <pwd.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

namespace railhead {
namespace {

constexpr double shortest_pause_s = 1; ///< between two loads, however often they are asked for

} // namespace

/// Posting it neither blocks nor allocates. It waits by the monotonic clock, which nobody sets.
class Signal {
  public:
    Signal() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

    void post() noexcept {
        std::uint64_t one = 1;
        (void)!write(event_.get(), &one, sizeof one); // full: it is posted already
    }
    bool wait(double seconds) {
        auto deadline = Deadline::in(seconds);
        pollfd waiting{.fd = event_.get(), .events = POLLIN, .revents = 0};
        std::uint64_t posted = 0;
        do poll(&waiting, 1, deadline.left_ms());
        while (read(event_.get(), &posted, sizeof posted) < 0 && !deadline.passed());
        return posted > 0;
    }

  private:
    UniqueFd event_;
};

/// A time of a change that is watched: for how long it has been the same.
class WatchedTime {
  public:
    void see(std::int64_t value, double now_s) {
        if (value != value_) since_s_ = now_s;
        value_ = value;
    }
    /// Another change would now be another second: by the clock, or, should it have been set back, by ours.
    std::int64_t settled(std::int64_t clock, double now_s) const {
        return value_ < clock || now_s - since_s_ > 1 ? value_ : View::unsettled;
    }

  private:
    std::int64_t value_ = View::unsettled;
    double since_s_ = 0;
};

/// Owned by the Refresher and by its thread, so that a thread that hangs outlives neither.
struct Refresher::Shared {
    explicit Shared(RefresherSources from)
        : sources(std::move(from)), policy(sources.policy_file),
          published(std::make_shared<View>(View{.settings = std::make_shared<Settings>()})) {}

    RefresherSources sources;
    PolicyFile policy;
    Published<View> published;
    std::atomic<bool> stopping{false}, woken{false};
    Signal bell, ended;
    std::thread thread;

    // of the thread only
    double next_load_s = 0, last_load_s = -shortest_pause_s;
    int failures = 0;
    WatchedTime partitions, reservations, nodes;

    void run();
    void look_at_policy();
    std::map<std::uint32_t, std::string> users_of(const Settings& settings) const;
    void load_if_due();
    void failed(const std::string& why);
    void disturbed(const char* what) noexcept;
    void publish(View view) {
        view.judged = std::make_shared<JudgedShapes>();
        published.publish(std::make_shared<const View>(std::move(view)));
        sources.published();
    }
};

std::map<std::uint32_t, std::string> Refresher::Shared::users_of(const Settings& settings) const {
    std::map<std::uint32_t, std::string> users;
    // A directory service that does not answer for a moment takes nobody's exemption away.
    auto before = published.read();
    for (const auto& name : settings.named_users()) {
        auto known = std::find_if(before->users.begin(), before->users.end(),
                                  [&](auto& user) { return user.second == name; });
        if (auto uid = sources.uid_of(name))
            users.emplace(*uid, name);
        else if (known != before->users.end())
            users.insert(*known);
    }
    return users;
}

void Refresher::Shared::look_at_policy() {
    auto news = policy.look();
    if (news.settings) {
        auto view = *published.read();
        view.settings = news.settings;
        view.users = users_of(*news.settings);
        next_load_s = std::min(next_load_s, last_load_s + view.settings->seconds(Key::submit_refresh));
        publish(std::move(view));
    }
    for (const auto& [level, line] : news.lines) sources.log(level, line);
}

/// Said once; tried again after 1, 2, 4 ... 30 seconds.
void Refresher::Shared::failed(const std::string& why) {
    if (failures++ == 0) sources.log(Level::warn, why + "; until it works every job is accepted");
    next_load_s = monotonic_s() + std::min(30.0, static_cast<double>(1 << std::min(failures - 1, 5)));
}

/// Out of memory, say: goes on after a while, and never throws itself.
void Refresher::Shared::disturbed(const char* what) noexcept {
    try {
        failed(std::string("the background thread was disturbed: ") + what);
    } catch (...) {
        next_load_s = monotonic_s() + 30;
    }
}

void Refresher::Shared::load_if_due() {
    auto now = monotonic_s();
    auto changes = sources.changes();
    partitions.see(changes.partitions, now);
    reservations.see(changes.reservations, now);
    nodes.see(changes.nodes, now);
    auto view = *published.read();
    bool asked = woken.exchange(false) || (view.inventory && changes.partitions != view.changes.partitions);
    if (asked && failures == 0) next_load_s = std::min(next_load_s, last_load_s + shortest_pause_s);
    if (now < next_load_s || !sources.ready()) return;
    last_load_s = now;
    auto inventory = sources.load();
    if (!inventory) return failed(sentence(inventory.error()));
    if (failures > 0) sources.log(Level::info, "has a view of the cluster again");
    failures = 0;
    next_load_s = monotonic_s() + view.settings->seconds(Key::submit_refresh);
    view.changes = {partitions.settled(inventory->taken_at, now),
                    reservations.settled(inventory->taken_at, now), nodes.settled(inventory->taken_at, now)};
    view.loaded_s = now;
    view.inventory = std::make_shared<const Inventory>(std::move(*inventory));
    view.users = users_of(*view.settings);
    publish(std::move(view));
}

void Refresher::Shared::run() {
    while (!stopping.load()) {
        try {
            look_at_policy();
            load_if_due();
        } catch (const std::exception& error) {
            disturbed(error.what());
        } catch (...) {
            disturbed("an exception that is no std::exception");
        }
        if (!stopping.load()) bell.wait(sources.tick_s);
    }
    ended.post();
}

std::optional<std::uint32_t> uid_of_user(const std::string& name) {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> buffer(16384); // sysconf(_SC_GETPW_R_SIZE_MAX) is 1024 here; names may come from LDAP
    if (getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || !found)
        return std::nullopt;
    return found->pw_uid;
}

Refresher::Refresher(RefresherSources sources) : shared_(std::make_shared<Shared>(std::move(sources))) {
    shared_->thread = quiet_thread([shared = shared_] { shared->run(); });
}

Refresher::~Refresher() {
    stop(0);
}

std::shared_ptr<const View> Refresher::view() const {
    return shared_->published.read();
}

void Refresher::wake() noexcept {
    if (!shared_->woken.exchange(true)) shared_->bell.post();
}

bool Refresher::stop(double seconds) {
    if (!shared_->thread.joinable()) return true;
    shared_->stopping.store(true);
    shared_->bell.post();
    bool ended = shared_->ended.wait(seconds);
    if (ended)
        shared_->thread.join();
    else
        shared_->thread.detach();
    return ended;
}

} // namespace railhead
