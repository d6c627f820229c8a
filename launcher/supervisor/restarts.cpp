#include "launcher/supervisor/restarts.hpp"

#include "base/number.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace railhead {
namespace {

constexpr int most_ports = 3; // that other programs may take
constexpr double longest_pause_s = 30;
constexpr std::string_view port_taken = "port-taken";

// What another start may cure, and what it most likely does not.
constexpr std::array<std::string_view, 4> curable{"exit", "signal", "nccl-failed", "service-died"};
constexpr std::array<std::string_view, 2> stubborn{"out-of-memory", "bring-up-failed"};

template <std::size_t count>
bool is_one_of(const std::array<std::string_view, count>& kinds, std::string_view kind) {
    return std::ranges::find(kinds, kind) != kinds.end();
}

tl::unexpected<Error> bad_option(std::string_view option, const std::string& text, std::string expected,
                                 std::string seen = "cannot be understood") {
    return fail(ErrorKind::usage, {.id = "restarts-option",
                                   .thing = fmt::format("{} {}", option, text.empty() ? "\"\"" : text),
                                   .seen = std::move(seen),
                                   .expected = std::move(expected)});
}

void bound(Outcome& outcome, ErrorKind kind, const std::string& why) {
    outcome.exit_code = exit_code(kind);
    outcome.cause.kind = name_of(kind);
    outcome.cause.sentence += "; " + why;
}

} // namespace

Result<OnLoss> on_loss_from(const std::string& text) {
    using What = OnLoss::What;
    if (text == "fail") return OnLoss{What::fail, 0, text};
    if (text == "requeue") return OnLoss{What::requeue, 0, text};
    const auto colon = text.find(':');
    const auto word = text.substr(0, colon);
    const auto number =
        colon == text.npos ? std::nullopt : whole_number<int>(std::string_view(text).substr(colon + 1));
    if (number && *number >= 1 && word == "shrink") return OnLoss{What::shrink, *number, text};
    if (number && *number >= 1 && word == "spare") return OnLoss{What::spare, *number, text};
    return bad_option("--on-loss", text, "fail, shrink:MIN, spare:N or requeue");
}

Result<Budgets> budgets_from(const std::string& text) {
    constexpr auto expected =
        "a number of restarts such as 3, or causes with one each such as "
        "exit:2,out-of-memory:1 (exit, signal, nccl-failed, service-died, out-of-memory, "
        "bring-up-failed)";
    std::map<std::string_view, int> numbers; // of a kind; of none: for all that another start may cure
    for (std::size_t begin = 0; begin <= text.size();) {
        const auto end = std::min(text.find(',', begin), text.size());
        const auto part = std::string_view(text).substr(begin, end - begin);
        begin = end + 1;
        const auto colon = part.find(':');
        const auto kind = part.substr(0, colon == part.npos ? 0 : colon);
        const auto number = whole_number<int>(part.substr(colon + 1)); // npos + 1 is 0
        const bool known = colon == part.npos || is_one_of(curable, kind) || is_one_of(stubborn, kind);
        if (!number || *number < 0 || !known) return bad_option("--restarts", text, expected);
        if (!numbers.emplace(kind, *number).second)
            return bad_option("--restarts", text, "each cause once, with its number of restarts",
                              kind.empty() ? "has two numbers for all causes"
                                           : fmt::format("names {} twice", kind));
    }
    Budgets budgets;
    for (auto [kind, number] : numbers)
        if (!kind.empty()) budgets.emplace(kind, number);
    if (auto all = numbers.find(""); all != numbers.end())
        for (auto each : curable) budgets.emplace(each, all->second);
    return budgets;
}

Restarts::Restarts(OnLoss on_loss, Budgets budgets, int nodes)
    : on_loss_(std::move(on_loss)), budgets_(std::move(budgets)), least_(nodes) {
    if (on_loss_.what == OnLoss::What::shrink) least_ = on_loss_.nodes;
    if (on_loss_.what == OnLoss::What::spare) least_ = std::max(1, nodes - on_loss_.nodes);
}

int Restarts::nodes_to_use(int present) const {
    return on_loss_.what == OnLoss::What::spare ? std::min(present, least_) : present;
}

std::optional<Restarts::Again> Restarts::after_loss(Outcome& outcome, int present) {
    const bool survives = on_loss_.what == OnLoss::What::shrink || on_loss_.what == OnLoss::What::spare;
    if (!survives || outcome.cause.node.empty()) return std::nullopt;
    if (!enough(present)) {
        outcome.cause.sentence +=
            fmt::format("; {} left, and --on-loss {} needs {}",
                        counted(static_cast<std::size_t>(present), "node") + (present == 1 ? " is" : " are"),
                        on_loss_.text, least_);
        return std::nullopt;
    }
    causes_.push_back(outcome.cause);
    return Again{.text = fmt::format("starting again on {} (--on-loss {})",
                                     counted(static_cast<std::size_t>(nodes_to_use(present)), "node"),
                                     on_loss_.text)};
}

std::optional<Restarts::Again> Restarts::after_port(const Outcome& outcome) {
    if (auto& used = used_[std::string(port_taken)]; ++used > most_ports) return std::nullopt;
    causes_.push_back(outcome.cause);
    return Again{.text = fmt::format("starting again with another ({} of {})", used_.find(port_taken)->second,
                                     most_ports)};
}

std::optional<Restarts::Again> Restarts::after(Outcome& outcome, int present, const std::string& stuck) {
    const auto& kind = outcome.cause.kind;
    if (outcome.exit_code == 0 || present == 0) return std::nullopt;
    if (!outcome.port_taken.empty()) return after_port(outcome);
    if (kind == name_of(ErrorKind::node_lost)) return after_loss(outcome, present);
    const auto budget = budgets_.find(kind);
    if (budget == budgets_.end() || budget->second == 0) return std::nullopt;
    auto& used = used_[kind];
    if (used >= budget->second) {
        bound(outcome, ErrorKind::restart_budget,
              fmt::format("not started again: it was started {} again (--restarts)",
                          used == 1 ? "once" : fmt::format("{} times", used)));
        return std::nullopt;
    }
    if (!stuck.empty()) {
        bound(outcome, ErrorKind::no_progress, "not started again: " + stuck);
        return std::nullopt;
    }
    ++used;
    causes_.push_back(outcome.cause);
    const auto pause_s = std::min(std::exp2(used - 1), longest_pause_s);
    return Again{
        .after_s = pause_s,
        .text = fmt::format("starting again in {:.0f} s (restart {} of {})", pause_s, used, budget->second)};
}

} // namespace railhead
