#include "launcher/supervisor/invite.hpp"

#include "launcher/agent/addresses.hpp"
#include "launcher/agent/hello.hpp"
#include "launcher/supervisor/ask_slurm.hpp"
#include "launcher/supervisor/surroundings.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace railhead {

Result<std::vector<std::string>> addresses_for_agents(const LaunchSpec& spec) {
    AddressPolicy policy{spec.settings.text(Key::launch_interface), spec.settings.text(Key::launch_subnet),
                         spec.settings.text(Key::launch_ip_version)};
    auto have = addresses_of_node();
    auto addresses = choose_addresses(have, policy, std::nullopt);
    if (!addresses) return tl::unexpected(std::move(addresses.error()).within(node_name(spec.environment)));
    auto is_loopback = [&](const std::string& address) {
        return std::ranges::any_of(have,
                                   [&](auto& entry) { return entry.address == address && entry.loopback; });
    };
    if (spec.allocation.nodes().size() < 2 || !std::ranges::all_of(*addresses, is_loopback)) return addresses;
    return fail(ErrorKind::usage, {.id = "address-loopback",
                                   .where = node_name(spec.environment),
                                   .thing = "the address to announce",
                                   .seen = addresses->front() + " is reached from this node only",
                                   .expected = "one that the job's other nodes reach",
                                   .next = "choose another with --interface or --subnet"});
}

StepSpec step_for(const LaunchSpec& spec, const std::string& launch) {
    StepSpec step{
        .program = own_path(), .slurm = slurm_version(spec.environment), .srun_args = spec.srun_args};
    step.broadcast_to = fmt::format("{}/rh-{}-{}-railhead", spec.settings.text(Key::launch_tmp),
                                    spec.allocation.job_id, launch);
    return step;
}

Invitation invitation_for(const LaunchSpec& spec, const Meeting& meeting, std::size_t component) {
    const auto& settings = spec.settings;
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
                          .probe_args = spec.probe_args};
    // With a PATH of --env's the driver looks elsewhere than the agents do, and says itself what it lacks.
    if (!spec.command.empty() && !spec.env.contains("PATH"))
        invitation.probe_args[std::string(program_probe_name)] = spec.command.front();
    return invitation;
}

} // namespace railhead
