// Nodes looked at, and nothing started: `railhead check nodes`.
#include "launcher/supervisor/supervisor_class.hpp"

#include <algorithm>

namespace railhead {
namespace {
constexpr double look_within_s = 8; // agents give themselves three
} // namespace

void Supervisor::look(const std::vector<Hello>& hellos) {
    std::vector<std::string> peers;
    for (const auto& [component, node] : spec_.allocation.in_order())
        peers.push_back(peer_name(static_cast<int>(component), node));
    begin_without_plan();
    look_.emplace(hellos, std::move(peers));
    look_until_s_ = now() + look_within_s;
    for (const auto& [peer, order] : look_->orders()) server_->send(peer, order);
    if (look_->is_over()) end_look();
}

void Supervisor::end_look() {
    auto looked = look_->take();
    look_.reset();
    auto is_wrong = [](const Finding& each) {
        return each.level == Level::fail || each.level == Level::warn;
    };
    Outcome outcome;
    outcome.exit_code = std::ranges::any_of(looked.findings, is_wrong) ? 1 : 0;
    outcome.cause.sentence = "the nodes were looked at, and nothing was started";
    spec_.looked(looked);
    launch_->end(std::move(outcome), now());
    after();
}

} // namespace railhead
