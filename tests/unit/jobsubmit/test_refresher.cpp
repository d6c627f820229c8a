#include "jobsubmit/refresher.hpp"

#include "base/clock.hpp"
#include "jobsubmit/published.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <mutex>
#include <thread>

using railhead::Changes;
using railhead::Inventory;
using railhead::Key;
using railhead::Level;
using railhead::Refresher;
using railhead::RefresherSources;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

/// A controller that is not one: counts loads, fails on request, keeps the log.
struct Controller {
    std::atomic<int> loads{0};
    std::atomic<bool> broken{false}, ready{true}, hangs{false}, throws{false};
    std::atomic<std::int64_t> change{1};
    std::mutex mutex;
    std::vector<std::string> lines;

    RefresherSources sources() {
        RefresherSources from;
        from.load = [this] { return load(); };
        from.ready = [this] { return ready.load(); };
        from.changes = [this] { return Changes{change.load(), 1}; };
        from.policy_file = "/nonexistent/railhead.toml";
        from.log = [this](Level, const std::string& line) {
            std::lock_guard lock(mutex);
            lines.push_back(line);
        };
        from.tick_s = 0.01;
        return from;
    }

    railhead::Result<Inventory> load() {
        ++loads;
        while (hangs.load()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        if (throws.exchange(false)) throw std::bad_alloc();
        if (broken.load())
            return fail(railhead::ErrorKind::internal, {.thing = "asking slurmctld", .seen = "failed"});
        Inventory inventory;
        inventory.taken_at = std::time(nullptr);
        inventory.slurm_user = static_cast<std::uint32_t>(loads.load());
        return inventory;
    }

    std::vector<std::string> log() {
        std::lock_guard lock(mutex);
        return lines;
    }
};

template <class Condition>
bool within(double seconds, Condition condition) {
    auto deadline = railhead::Deadline::in(seconds);
    while (!condition()) {
        if (deadline.passed()) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

bool has_view(const Refresher& refresher) {
    return refresher.view()->inventory != nullptr;
}

} // namespace

TEST(Refresher, has_settings_at_once_and_an_inventory_soon) {
    Controller controller;
    controller.ready = false;
    Refresher refresher(controller.sources());
    EXPECT_EQ(refresher.view()->settings->text(Key::submit_placement), "any");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(controller.loads, 0) << "no RPC before the controller answers";
    controller.ready = true;
    EXPECT_TRUE(within(5, [&] { return has_view(refresher); }));
    EXPECT_THAT(controller.log(), IsEmpty());
    EXPECT_TRUE(refresher.stop(5));
}

TEST(Refresher, loads_again_when_asked_but_not_more_than_once_a_second) {
    Controller controller;
    auto begun = railhead::monotonic_s(); // before the first load, however late this thread hears of it
    Refresher refresher(controller.sources());
    ASSERT_TRUE(within(5, [&] { return has_view(refresher); }));
    for (int i = 0; i < 1000; ++i) refresher.wake();
    EXPECT_TRUE(within(5, [&] { return controller.loads >= 2; }));
    EXPECT_GE(railhead::monotonic_s() - begun, 1);
    EXPECT_EQ(controller.loads, 2);
    EXPECT_TRUE(refresher.stop(5));
}

TEST(Refresher, loads_again_when_the_controller_has_changed) {
    Controller controller;
    Refresher refresher(controller.sources());
    ASSERT_TRUE(within(5, [&] { return has_view(refresher); }));
    controller.change = std::time(nullptr);
    EXPECT_TRUE(within(5, [&] { return refresher.view()->changes.partitions == controller.change; }));
    EXPECT_GT(refresher.view()->inventory->taken_at, controller.change);
    EXPECT_TRUE(refresher.stop(5));
}

TEST(Refresher, settles_also_after_the_clock_was_set_back) {
    Controller controller;
    Refresher refresher(controller.sources());
    ASSERT_TRUE(within(5, [&] { return has_view(refresher); }));
    controller.change = std::time(nullptr) + 3600; // the last change was before that, and an hour later
    EXPECT_TRUE(within(5, [&] { return refresher.view()->changes.partitions == controller.change; }));
    auto loads = controller.loads.load();
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    EXPECT_EQ(controller.loads, loads) << "it does not go on asking";
    EXPECT_TRUE(refresher.stop(5));
}

TEST(Refresher, keeps_the_users_whom_policy_names_while_the_directory_is_silent) {
    auto path = testing::TempDir() + "railhead-named-users.toml";
    std::ofstream(path) << "[submit]\nexempt_users = \"alice, nobody-there\"\n";
    Controller controller;
    auto sources = controller.sources();
    sources.policy_file = path;
    std::atomic<bool> silent{false};
    sources.uid_of = [&](const std::string& name) {
        bool known = name == "alice" && !silent.load();
        return known ? std::optional<std::uint32_t>(1001) : std::nullopt;
    };
    Refresher refresher(std::move(sources));
    const std::map<std::uint32_t, std::string> alice{{1001, "alice"}};
    // The names come with the policy, before the first load: that one would take the wake below for its own.
    ASSERT_TRUE(within(5, [&] { return has_view(refresher) && refresher.view()->users == alice; }));
    silent = true;
    refresher.wake();
    EXPECT_TRUE(within(5, [&] { return controller.loads >= 2; }));
    EXPECT_TRUE(refresher.stop(5));
    EXPECT_EQ(refresher.view()->users, alice);
    std::remove(path.c_str());
}

TEST(Refresher, says_once_that_the_controller_does_not_answer_and_when_it_does_again) {
    Controller controller;
    controller.broken = true;
    Refresher refresher(controller.sources());
    ASSERT_TRUE(within(10, [&] { return controller.loads >= 2; }));
    EXPECT_THAT(controller.log(),
                ElementsAre("asking slurmctld failed; until it works every job is accepted"));
    controller.broken = false;
    EXPECT_TRUE(within(10, [&] { return has_view(refresher); }));
    EXPECT_TRUE(within(5, [&] { return controller.log().size() == 2; }));
    EXPECT_EQ(controller.log().back(), "has a view of the cluster again");
    EXPECT_TRUE(refresher.stop(5));
}

TEST(Refresher, survives_an_exception_in_its_thread) {
    Controller controller;
    controller.throws = true;
    Refresher refresher(controller.sources());
    EXPECT_TRUE(within(10, [&] { return has_view(refresher); }));
    EXPECT_EQ(controller.log().front(), "the background thread was disturbed: std::bad_alloc; "
                                        "until it works every job is accepted");
    EXPECT_TRUE(refresher.stop(5));
}

TEST(Refresher, ends_within_its_bound_while_an_rpc_hangs) {
    static Controller controller; // outlives the thread that is left behind
    controller.hangs = true;
    auto refresher = std::make_unique<Refresher>(controller.sources());
    ASSERT_TRUE(within(5, [&] { return controller.loads == 1; }));
    auto begun = railhead::monotonic_s();
    EXPECT_FALSE(refresher->stop(0.1));
    refresher.reset();
    EXPECT_LT(railhead::monotonic_s() - begun, 2);
    controller.hangs = false;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
}

TEST(Refresher, tells_of_a_view_once_it_can_be_read) {
    Controller controller;
    std::atomic<const Refresher*> refresher{nullptr};
    std::atomic<int> last_seen{0};
    auto sources = controller.sources();
    sources.ready = [&] { return refresher.load() != nullptr; };
    sources.published = [&] {
        const auto* asked = refresher.load();
        if (auto inventory = asked ? asked->view()->inventory : nullptr)
            last_seen = static_cast<int>(inventory->slurm_user); // the number of its load
    };
    Refresher real(sources);
    refresher = &real;
    EXPECT_TRUE(within(5, [&] { return last_seen == 1; }));
    real.wake();
    EXPECT_TRUE(within(5, [&] { return last_seen == 2; }));
    EXPECT_TRUE(real.stop(5));
}

TEST(Refresher, gives_every_reader_a_whole_view) {
    railhead::Published<std::pair<int, int>> published(std::make_shared<std::pair<int, int>>(0, 0));
    std::atomic<bool> stop{false};
    std::atomic<int> torn{0}, reads{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 4; ++i)
        readers.emplace_back([&] {
            int last = 0;
            do { // once also when it starts after the last is published
                auto value = published.read();
                if (value->first != value->second || value->first < last) ++torn;
                last = value->first;
                ++reads;
            } while (!stop);
        });
    for (int i = 1; i <= 20'000; ++i) published.publish(std::make_shared<std::pair<int, int>>(i, i));
    stop = true;
    for (auto& reader : readers) reader.join();
    EXPECT_EQ(torn, 0);
    EXPECT_GT(reads, 0);
    EXPECT_EQ(published.read()->first, 20'000);
}
