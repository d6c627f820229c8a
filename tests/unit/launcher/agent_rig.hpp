#pragma once
#include "base/child.hpp"
#include "base/clock.hpp"
#include "launcher/agent/watcher.hpp"
#include "launcher/channel/server.hpp"
#include "launcher/channel/tls.hpp"
#include "launcher/wire.hpp"

#include <asio/io_context.hpp>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace railhead {

/// A real agent (both of its processes) against a supervisor's channel in this process.
class AgentRig : public testing::Test {
  protected:
    asio::io_context io;
    std::string key = *make_key_text();
    std::string base; ///< stands for /tmp
    std::unique_ptr<ChannelServer> server;
    std::optional<Hello> hello;
    std::vector<Event> events;
    std::string lost;
    pid_t watcher = -1;
    std::optional<int> agent_status; ///< wait(2)'s word
    double loss_after_s = 30;
    UniqueFd console; ///< the agent's standard output, instead of its file
    /// Tests of several checkouts run side by side, and agents look for processes by these.
    const std::string job = std::to_string(getpid());
    const std::string launch = "abc123";

    void SetUp() override {
        char name[] = "/tmp/rigXXXXXX";
        base = mkdtemp(name);
        prctl(PR_SET_CHILD_SUBREAPER, 1); // what an agent leaves falls to the test, and is seen
        open_server();
    }
    void open_server() {
        server = std::make_unique<ChannelServer>(
            io, key, ChannelServer::Bounds{},
            ChannelServer::Handlers{.on_hello = [this](auto&, auto& said) { hello = said; },
                                    .on_event = [this](auto&, auto& event) { events.push_back(event); },
                                    .on_away = [](auto&, auto) {},
                                    .on_back = [](auto&) {},
                                    .on_lost = [this](auto&, auto& why) { lost = why; },
                                    .on_terminal = on_terminal});
    }
    void TearDown() override {
        if (watcher > 0 && !agent_status) {
            kill(watcher, SIGTERM);
            until([this] { return ended(); }, 5);
        }
        reap();
        std::filesystem::remove_all(base);
    }
    std::function<TerminalOutput(TerminalSide)> on_terminal;

    Invitation invitation() {
        return {.addresses = {"127.0.0.1"},
                .port = *server->listen(),
                .key = key,
                .launch = launch,
                .tmp = base,
                .loss_after_s = loss_after_s,
                .grace_s = 0.3,
                .cwd = base};
    }
    std::map<std::string, std::string> environment() const {
        return {{"PATH", "/usr/bin:/bin"},
                {"SLURM_JOB_ID", job},
                {"SLURM_STEP_ID", "0"},
                {"SLURMD_NODENAME", "n1"}};
    }
    std::string mark() const { return job + ".0-" + launch; }
    std::string dir() const { return base + "/rh-" + mark(); }
    std::string agent_output() const { return text_of(base + "/agent.out"); }

    void start_agent() { start_agent(invitation()); }
    void start_agent(const Invitation& to) {
        int ends[2];
        ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
        watcher = fork();
        if (watcher == 0) {
            int out = open((base + "/agent.out").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
            dup2(ends[0], 0);
            dup2(console ? console.get() : out, 1);
            dup2(out, 2);
            for (int fd = 3; fd < 256; ++fd) close(fd);
            prctl(PR_SET_CHILD_SUBREAPER, 0);
            _exit(run_agent(Environment(environment())));
        }
        close(ends[0]);
        auto line = to_line(to);
        ASSERT_EQ(write(ends[1], line.data(), line.size()), static_cast<ssize_t>(line.size()));
        close(ends[1]);
    }
    void start_and_meet() {
        start_agent();
        ASSERT_TRUE(until([this] { return hello.has_value(); })) << agent_output();
    }

    bool until(const std::function<bool()>& holds, double seconds = 10) {
        for (auto deadline = Deadline::in(seconds); !deadline.passed();) {
            if (holds()) return true;
            io.run_one_for(std::chrono::milliseconds(10));
            io.restart();
        }
        return holds();
    }
    void send(const Order& order) { server->send("0:n1", order); }
    void run_process(Process process) {
        send({.type = Order::Type::start, .id = process.id, .process = process});
    }
    static Process shell(const std::string& id, const std::string& script) {
        return {.id = id, .argv = {"sh", "-c", script}, .log = id + ".log"};
    }
    const Event* event(Event::Type type, const std::string& id = "", const std::string& name = "") const {
        for (auto& event : events)
            if (event.type == type && (id.empty() || event.id == id) && (name.empty() || event.name == name))
                return &event;
        return nullptr;
    }
    const Event* await(Event::Type type, const std::string& id = "", const std::string& name = "") {
        until([&] { return event(type, id, name) != nullptr; });
        return event(type, id, name);
    }
    bool ended() {
        int word = 0;
        if (!agent_status && waitpid(watcher, &word, WNOHANG) == watcher) agent_status = word;
        return agent_status.has_value();
    }
    /// Seconds until both agent processes are gone after `leave`; the test fails when it takes 10.
    double leave(double grace_s, int log_bytes = 0) {
        auto before = monotonic_s();
        send({.type = Order::Type::leave, .number = log_bytes, .seconds = grace_s});
        EXPECT_TRUE(until([this] { return ended(); })) << agent_output();
        return monotonic_s() - before;
    }
    pid_t pid_of(const std::string& id) {
        auto* started = await(Event::Type::started, id);
        return started ? std::stoi(started->value) : -1;
    }
    static bool runs(pid_t pid) {
        std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
        std::string number, name, state;
        return stat >> number >> name >> state && state != "Z";
    }
    static void reap() {
        while (waitpid(-1, nullptr, WNOHANG) > 0) {
        }
    }
    static std::string text_of(const std::string& path) {
        std::ifstream file(path);
        std::stringstream text;
        text << file.rdbuf();
        return text.str();
    }
    /// The number that a script wrote to a file, once it is there.
    pid_t pid_in(const std::string& path) {
        EXPECT_TRUE(until([&] { return text_of(path).find('\n') != std::string::npos; })) << path;
        auto text = text_of(path);
        return text.empty() ? -1 : std::stoi(text);
    }
    /// Nothing of the launch is left: no file below the base but the agent's own output, no child of ours.
    void expect_nothing_left() {
        EXPECT_FALSE(std::filesystem::exists(dir()));
        // One that is being killed is a child for a moment more.
        auto childless = [] {
            reap();
            return waitpid(-1, nullptr, WNOHANG) == -1;
        };
        EXPECT_TRUE(until(childless)) << "a process of the agent fell to the test";
    }
};

} // namespace railhead
