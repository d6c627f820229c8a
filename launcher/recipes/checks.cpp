// What the launch looks at before anything runs, for every recipe.
#include "launcher/recipes/recipe.hpp"

#include "slurm/hostlist.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>

namespace railhead {
namespace {

/// The first node with a finding of that kind says it for all: "node2 (also node[3-4])".
Result<void> check_findings(const LaunchInput& input, const NodeOrder& order, Where where,
                            std::string_view kind) {
    std::optional<Finding> first;
    std::vector<std::string> others;
    for (std::size_t place = 0; place < (where == Where::head ? 1 : order.from.size()); ++place) {
        const auto& findings = input.hellos[order.from[place]].findings;
        auto found = std::ranges::find_if(findings, [&](auto& each) { return each.id.starts_with(kind); });
        if (found == findings.end()) continue;
        if (first)
            others.push_back(order.nodes[place].name);
        else
            first = *found;
    }
    if (!first) return {};
    if (!others.empty()) first->where += fmt::format(" (also {})", compress_hostlist(others));
    return fail(ErrorKind::bringup_failed, *first);
}

/// A line for all nodes of which the same is to be said.
std::vector<std::string> by_text(const NodeOrder& order, const std::vector<std::string>& texts) {
    std::map<std::string, std::vector<std::string>> nodes;
    for (std::size_t place = 0; place < texts.size(); ++place)
        if (!texts[place].empty()) nodes[texts[place]].push_back(order.nodes[place].name);
    std::vector<std::string> lines;
    for (const auto& [text, names] : nodes)
        lines.push_back(fmt::format("{}: {}", compress_hostlist(names), text));
    return lines;
}

/// GPUs that the job has on the node, and programs do not see. Bindings of a step around us and of the job
/// hide none from our agents: each is its step's only task there.
std::string hidden_gpus(const LaunchInput& input, const Hello& hello) {
    const auto component = static_cast<std::size_t>(hello.component);
    if (component >= input.allocation.components.size()) return {};
    const auto given = input.allocation.components[component].gpus.value_or(0);
    const auto seen = static_cast<int>(hello.gpus.size());
    if (seen >= given) return {};
    return fmt::format("programs see {} of the {} that the job has there; leave --gres, --gpus and their "
                       "like out of --srun-arg",
                       seen, counted(static_cast<std::size_t>(given), "GPU"));
}

} // namespace

Result<void> check_program(const LaunchInput& input, const NodeOrder& order, Where where,
                           std::string_view probe) {
    return check_findings(input, order, where, fmt::format("{}-missing", probe));
}

Result<void> check_folder(const LaunchInput& input, const NodeOrder& order, Where where) {
    return check_findings(input, order, where, folder_probe_name);
}

Result<void> check_ranks(const LaunchInput& input, const NodeOrder& order, std::string_view probe) {
    return check_folder(input, order, Where::every_node).and_then([&] {
        return check_program(input, order, Where::every_node, probe);
    });
}

std::vector<std::string> notes_of_hidden_gpus(const LaunchInput& input, const NodeOrder& order) {
    std::vector<std::string> texts;
    for (auto index : order.from) texts.push_back(hidden_gpus(input, input.hellos[index]));
    return by_text(order, texts);
}

std::vector<std::string> notes_of_gpus(const LaunchInput& input, const NodeOrder& order,
                                       const std::vector<int>& ranks) {
    std::vector<std::string> texts;
    for (std::size_t place = 0; place < ranks.size(); ++place) {
        const auto gpus = static_cast<int>(input.hellos[order.from[place]].gpus.size());
        texts.emplace_back();
        if (gpus > 0 && gpus != ranks[place])
            texts.back() =
                fmt::format("{} for {}{}", counted(static_cast<std::size_t>(gpus), "GPU"),
                            counted(static_cast<std::size_t>(ranks[place]), "rank"),
                            ranks[place] > gpus ? ", and NCCL does not run two ranks on one GPU" : "");
    }
    return by_text(order, texts);
}

} // namespace railhead
