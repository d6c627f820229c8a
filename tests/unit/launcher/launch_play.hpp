#pragma once
#include "launcher/supervisor/launch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

namespace railhead {

/// A launch without anything real: what it orders and says is kept as text.
struct Play {
    std::vector<std::string> orders; // "0 start head"
    std::vector<Order> sent;
    std::vector<std::string> said;
    bool ready = false;
    bool at_limit = false;
    std::optional<double> again; ///< the answer to Sink::again
    std::vector<Outcome> asked;  ///< of it
    std::map<int, double> silent_s;
    Launch launch;

    explicit Play(Plan plan)
        : launch(
              std::move(plan),
              {.send =
                   [this](int node, const Order& order) {
                       static const char* names[] = {"reserve", "start", "release", "input",
                                                     "signal",  "warn",  "tail",    "window",
                                                     "publish", "reach", "clear",   "leave"};
                       orders.push_back(std::to_string(node) + " " + names[static_cast<int>(order.type)] +
                                        (order.id.empty() ? "" : " " + order.id) +
                                        (order.line.empty() ? "" : " " + order.line));
                       sent.push_back(order);
                   },
               .say = [this](auto& line) { said.push_back(line); },
               .ready = [this] { ready = true; },
               .log_back = {},
               .silent_s = [this](int node) { return silent_s[node]; },
               .sender = [this] { return at_limit ? Sender::time_limit : Sender::unknown; },
               .again =
                   [this](Outcome& outcome, int) {
                       asked.push_back(outcome);
                       return again;
                   }},
              [](auto&, auto& log) { return log.empty() ? std::string() : "the log says " + log.back(); }) {
        launch.begin(0);
    }
    bool ordered(const std::string& text) const { return std::ranges::find(orders, text) != orders.end(); }
    void milestone(int node, std::string id, std::string name, std::string value = "") {
        launch.on_event(node,
                        Event{.type = Event::Type::milestone,
                              .id = std::move(id),
                              .name = std::move(name),
                              .value = std::move(value)},
                        1);
    }
    void exited(int node, std::string id, Ended ended, std::vector<std::string> log = {}, double at_s = 0) {
        launch.on_event(node,
                        Event{.type = Event::Type::exited,
                              .id = std::move(id),
                              .at_s = at_s,
                              .ended = ended,
                              .lines = std::move(log)},
                        2);
    }
    void cleared(int node) { launch.on_event(node, Event{.type = Event::Type::cleared}, 3); }
    void bye(int node) { launch.on_event(node, Event{.type = Event::Type::bye}, 3); }
};

inline Plan ranks(int nodes) {
    Plan plan{.recipe = "run"};
    for (int i = 0; i < nodes; ++i) {
        plan.order.push_back(
            {.name = "node" + std::to_string(i + 1), .address = "10.0.0." + std::to_string(i + 1)});
        Process rank{.id = "rank." + std::to_string(i),
                     .node = i,
                     .role = Role::rank,
                     .argv = {"true", "${not.ours}"}};
        rank.milestones = {{.name = "started", .kind = "started"}};
        plan.processes.push_back(rank);
    }
    return plan;
}

/// A head with a port, a worker that waits for it in an interpreter already started, a driver that waits for
/// both.
inline Plan service() {
    Plan plan{.recipe = "ray"};
    plan.order = {{.name = "node1", .address = "10.0.0.1"}, {.name = "node2", .address = "10.0.0.2"}};
    plan.ports = {{"client", 0}};
    Process head{.id = "head", .node = 0, .argv = {"ray", "--client=${port.client}", "--tmp=${dir}"}};
    head.milestones = {{.name = "gcs", .kind = "file", .arg = "gcs_port"},
                       {.name = "up", .kind = "line", .arg = "started"}};
    Process worker{.id = "worker", .node = 1, .argv = {"ray", "wait"}};
    worker.release = Release{{"head.gcs"}, "${addr.0}:${head.gcs}"};
    worker.milestones = {{.name = "up", .kind = "line", .arg = "started"}};
    Process driver{.id = "driver",
                   .node = 0,
                   .role = Role::driver,
                   .argv = {"python", "a${b}.py"},
                   .env = {{"RAY_ADDRESS", "${addr.0}:${head.gcs}"}, {"MINE", "${HOME}"}}};
    driver.start_when = {"head.up", "worker.up"};
    plan.processes = {head, worker, driver};
    return plan;
}

} // namespace railhead
