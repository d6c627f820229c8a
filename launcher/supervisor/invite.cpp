#include "launcher/supervisor/invite.hpp"

#include "launcher/agent/addresses.hpp"
#include "launcher/agent/hello.hpp"
#include "launcher/supervisor/ask_slurm.hpp"
#include "launcher/supervisor/requeue.hpp"
#include "launcher/supervisor/restarts.hpp"
#include "launcher/supervisor/surroundings.hpp"
#include "launcher/wire.hpp"
#include "policy/table.hpp"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace railhead {
namespace {
constexpr double longest_probe_s = 20;
constexpr double share_of_probes = 0.4; // of the bring-up's time-out; a probe may ask twice
constexpr std::size_t most_told_bytes = max_frame_bytes - 256 * 1024; // the rest of an order

/// The bytes of `text` in a message; absent when it is no UTF-8.
std::optional<std::size_t> told_bytes(const std::string& text) {
    try {
        return nlohmann::json(text).dump().size();
    } catch (const nlohmann::json::exception&) {
        return std::nullopt;
    }
}

/// A job that survives the loss of a node must not do so without its batch script, and us.
void add_batch_job(Invitation& invitation, const LaunchSpec& spec) {
    const auto on_loss = on_loss_from(spec.settings.text(Key::launch_on_loss));
    const auto nodes = spec.allocation.nodes();
    const auto host = node_name(spec.environment);
    if (!spec.batch || !on_loss || on_loss->nodes == 0 || nodes.empty() || host != nodes.front()) return;
    invitation.batch_job = spec.allocation.array.value_or(spec.allocation.job_id);
    invitation.batch_host = host;
    invitation.batch_requeue = spec.no_requeue.empty() &&
                               spec.allocation.restart_count < spec.settings.integer(Key::launch_requeues);
}
} // namespace

Result<void> ask_about(LaunchSpec& spec) {
    spec.slurm = slurm_version(spec.environment);
    auto job = ask_for_job(spec.environment, spec.allocation.job_id);
    if (!job) return tl::unexpected(std::move(job.error()));
    // 22.05 has no SLURM_JOB_END_TIME; and `scontrol update` may have moved the end since.
    auto own = std::ranges::find(*job, spec.allocation.job_id, &JobDetails::job_id); // of an array's tasks
    if (own != job->end()) {
        if (own->end_time) spec.allocation.end_time = own->end_time;
        spec.no_requeue = no_requeue(*own);
        spec.batch = own->batch;
    }
    auto above = is_22_05(spec.slurm) ? AboveShare::alone : AboveShare::together;
    spec.allocation = with_details(std::move(spec.allocation), *job, above);
    return {};
}

Result<void> can_be_told(const LaunchSpec& spec) {
    std::vector<std::pair<std::string, const std::string*>> texts;
    for (std::size_t i = 0; i < spec.command.size(); ++i)
        texts.emplace_back(fmt::format("word {} of the command", i + 1), &spec.command[i]);
    for (auto& [name, value] : spec.env) texts.emplace_back("--env " + name, &value);
    auto cwd = working_directory();
    texts.emplace_back("the name of the working directory", &cwd);
    std::size_t total = 0;
    for (auto& [what, text] : texts) {
        auto bytes = told_bytes(*text);
        if (!bytes)
            return fail(ErrorKind::usage,
                        {.id = "not-utf8",
                         .thing = what,
                         .seen = "is not UTF-8, and would reach the program changed",
                         .next = "rename the file, or let the program read the name from a file"});
        total += *bytes;
    }
    if (total <= most_told_bytes) return {};
    return fail(ErrorKind::usage, {.id = "command-length",
                                   .thing = "the command with its --env",
                                   .seen = fmt::format("has {} bytes", total),
                                   .expected = fmt::format("at most {}", most_told_bytes),
                                   .next = "pass the arguments in a file"});
}

Result<std::vector<std::string>> addresses_for_agents(const LaunchSpec& spec) {
    AddressPolicy policy{spec.settings.text(Key::launch_interface), spec.settings.text(Key::launch_subnet),
                         spec.settings.text(Key::launch_ip_version)};
    auto have = addresses_of_node();
    auto addresses = choose_addresses(have, policy, std::nullopt);
    // The policy is for the job's nodes: salloc may have started us on one that has no such network.
    const auto nodes = spec.allocation.nodes();
    if (!addresses && std::ranges::find(nodes, node_name(spec.environment)) == nodes.end())
        addresses = choose_addresses(have, {.ip_version = policy.ip_version}, std::nullopt);
    if (!addresses) return tl::unexpected(std::move(addresses.error()).within(node_name(spec.environment)));
    auto is_loopback = [&](const std::string& address) {
        return std::ranges::any_of(have,
                                   [&](auto& entry) { return entry.address == address && entry.loopback; });
    };
    if (nodes.size() < 2 || !std::ranges::all_of(*addresses, is_loopback)) return addresses;
    return fail(ErrorKind::bringup_failed, {.id = "address-loopback",
                                            .where = node_name(spec.environment),
                                            .thing = "the address to announce",
                                            .seen = addresses->front() + " is reached from this node only",
                                            .expected = "one that the job's other nodes reach",
                                            .next = "choose another with --interface or --subnet"});
}

StepSpec step_for(const LaunchSpec& spec, const std::string& launch) {
    StepSpec step{.program = own_path(), .slurm = spec.slurm, .srun_args = spec.srun_args};
    step.broadcast_to = fmt::format("{}/rh-{}-{}-railhead", spec.settings.text(Key::launch_tmp),
                                    spec.allocation.job_id, launch);
    if (auto end = spec.allocation.end_time) step.env.emplace("SLURM_JOB_END_TIME", std::to_string(*end));
    // The SPANK plugin knows the site's directory; another one it learns from the step's environment.
    auto kind = spec.settings.origin(Key::launch_tmp).kind;
    if (kind != Origin::Kind::preset && kind != Origin::Kind::site)
        step.env.emplace(environment_name_of(row_of(Key::launch_tmp)), spec.settings.text(Key::launch_tmp));
    return step;
}

Invitation invitation_for(const LaunchSpec& spec, const Meeting& meeting, std::size_t component) {
    const auto& settings = spec.settings;
    auto timeout_s = settings.seconds(Key::launch_bringup_timeout);
    Invitation invitation{.addresses = meeting.addresses,
                          .port = meeting.port,
                          .key = meeting.key,
                          .launch = meeting.launch,
                          .tmp = settings.text(Key::launch_tmp),
                          .loss_after_s = settings.seconds(Key::launch_loss_after),
                          .grace_s = settings.seconds(Key::launch_grace),
                          .interface = settings.text(Key::launch_interface),
                          .subnet = settings.text(Key::launch_subnet),
                          .ip_version = settings.text(Key::launch_ip_version),
                          .cwd = working_directory(),
                          .component = static_cast<int>(component),
                          .probes = spec.probes,
                          .probe_args = spec.probe_args,
                          .probe_within_s = std::min(longest_probe_s, share_of_probes * timeout_s)};
    if (!settings.text(Key::launch_after_node).empty()) invitation.after_s = after_node_within_s;
    // With a PATH of --env's the driver looks elsewhere than the agents do, and says itself what it lacks.
    if (!spec.command.empty() && !spec.env.contains("PATH"))
        invitation.probe_args[std::string(program_probe_name)] = spec.command.front();
    add_batch_job(invitation, spec);
    return invitation;
}

} // namespace railhead
