#include "launcher/supervisor/look.hpp"

#include "launcher/agent/reach.hpp"
#include "launcher/supervisor/muster.hpp"
#include "preflight/connects.hpp"

#include <sstream>
#include <utility>

namespace railhead {
namespace {

Unmet unmet_from(const std::string& from, const std::string& line) {
    Unmet unmet{.from = from, .to = {}, .address = {}, .why = {}};
    std::istringstream words(line);
    words >> unmet.to >> unmet.address >> std::ws;
    std::getline(words, unmet.why);
    return unmet;
}

} // namespace

Look::Look(const std::vector<Hello>& hellos, std::vector<std::string> peers) {
    looked_.findings = wrong_with_nodes(hellos);
    for (auto& finding : looked_.findings) // as railhead check node calls them
        finding.id.erase(0, node_probe_name.size() + 1);
    std::vector<std::string> leaves;
    for (std::size_t i = 0; i < hellos.size(); ++i) {
        const auto& address = hellos[i].topology_addr; // "spine.leaf.node"
        leaves.push_back(address.substr(0, std::min(address.rfind('.'), address.size())));
        looked_.nodes.push_back(hellos[i].node);
        node_of_[peers[i]] = hellos[i].node;
    }
    std::map<std::string, std::vector<Reach>> targets;
    for (auto [from, to] : connects_of(leaves)) {
        const auto& other = hellos[to];
        if (other.reach_port == 0 || other.addresses.empty() || other.node == hellos[from].node) continue;
        targets[peers[from]].push_back({other.node, other.addresses.front(), other.reach_port});
        tried_.emplace_back(hellos[from].node, other.node);
    }
    for (const auto& [peer, reaches] : targets) {
        orders_[peer] = Order{.type = Order::Type::reach, .text = text_of(reaches)};
        waiting_.insert(peer);
    }
    looked_.connects = tried_.size();
}

void Look::on_reached(const std::string& peer, const Event& event) {
    if (waiting_.erase(peer) == 0) return;
    for (const auto& line : event.lines) missed_.push_back({node_of_.at(peer), line});
}

Looked Look::take() {
    for (const auto& peer : waiting_)
        looked_.findings.push_back({.id = "node-silent",
                                    .level = Level::unknown,
                                    .where = node_of_.at(peer),
                                    .thing = "its agent",
                                    .seen = "did not tell whom it reaches",
                                    .next = "look at the load of the node"});
    std::vector<Unmet> unmet;
    for (const auto& each : missed_) unmet.push_back(unmet_from(each.from, each.line));
    for (auto& finding : connect_verdicts(tried_, unmet)) looked_.findings.push_back(std::move(finding));
    sort_worst_first(looked_.findings);
    return std::move(looked_);
}

} // namespace railhead
