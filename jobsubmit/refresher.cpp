#include "jobsubmit/refresher.hpp"

#include "base/clock.hpp"

#include <pthread.h>
#include <pwd.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <thread>
#include <vector>

namespace railhead {
namespace {

/// A semaphore: posting it neither blocks nor allocates.
class Signal {
  public:
    Signal() { sem_init(&semaphore_, 0, 0); }
    ~Signal() { sem_destroy(&semaphore_); }
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;

    void post() noexcept { sem_post(&semaphore_); }
    bool wait(double seconds) {
        timespec until{};
        clock_gettime(CLOCK_REALTIME, &until);
        auto whole = static_cast<time_t>(seconds);
        until.tv_sec += whole;
        until.tv_nsec += static_cast<long>((seconds - static_cast<double>(whole)) * 1e9);
        if (until.tv_nsec >= 1'000'000'000) ++until.tv_sec, until.tv_nsec -= 1'000'000'000;
        int code;
        while ((code = sem_timedwait(&semaphore_, &until)) != 0 && errno == EINTR) {
        }
        return code == 0;
    }

  private:
    sem_t semaphore_{};
};

/// Threads inherit the mask of their maker.
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_{};
};

constexpr double shortest_pause_s = 1; ///< between two loads, however often they are asked for

} // namespace

/// Owned by the Refresher and by its thread, so that a thread that hangs outlives neither.
struct Refresher::Shared {
    explicit Shared(RefresherSources from)
        : sources(std::move(from)), policy(sources.policy_file),
          published(std::make_shared<View>(View{nullptr, std::make_shared<Settings>()})) {}

    RefresherSources sources;
    PolicyFile policy;
    Published<View> published;
    std::atomic<bool> stopping{false}, woken{false};
    Signal bell, ended;
    std::thread thread;

    // of the thread only
    double next_load_s = 0, last_load_s = -shortest_pause_s;
    int failures = 0;
    std::int64_t change_seen = 0;

    void run();
    void look_at_policy();
    std::map<std::uint32_t, std::string> users_of(const Settings& settings) const;
    void load_if_due();
    void failed(const std::string& why);
    void disturbed(const char* what) noexcept;
    void publish(View view) { published.publish(std::make_shared<const View>(std::move(view))); }
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
    if (news.settings) publish({published.read()->inventory, news.settings, users_of(*news.settings)});
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
    auto change = sources.last_change();
    bool asked = woken.exchange(false) || (change != change_seen && change_seen != 0);
    if (asked && failures == 0) next_load_s = std::min(next_load_s, last_load_s + shortest_pause_s);
    if (now < next_load_s || !sources.ready()) return;
    last_load_s = now;
    auto inventory = sources.load();
    if (!inventory) return failed(sentence(inventory.error()));
    if (failures > 0) sources.log(Level::info, "has a view of the cluster again");
    failures = 0;
    // A change within the second of the load may be missing in it: then look once more.
    change_seen = change < inventory->taken_at ? change : -1;
    auto settings = published.read()->settings;
    next_load_s = monotonic_s() + settings->seconds(Key::submit_refresh);
    publish({std::make_shared<const Inventory>(std::move(*inventory)), settings, users_of(*settings)});
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
    SignalsBlocked blocked;
    shared_->thread = std::thread([shared = shared_] { shared->run(); });
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
