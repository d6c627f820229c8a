#include "launcher/agent/hello.hpp"

#include "base/child.hpp"
#include "base/number.hpp"
#include "launcher/agent/addresses.hpp"
#include "launcher/agent/files.hpp"
#include "launcher/agent/node_limits.hpp"
#include "launcher/recipes/mpi_probe.hpp"
#include "launcher/recipes/ray.hpp"
#include "launcher/recipes/ray_probe.hpp"
#include "launcher/recipes/torch_probe.hpp"
#include "preflight/node_checks.hpp"
#include "preflight/traits.hpp"
#include "slurm/fields.hpp"

#include <fmt/core.h>

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace railhead {
namespace {

constexpr std::size_t longest_first_line = 256; // of a script; the kernel reads no more

void note_unknown(Hello& hello, const std::string& thing, const std::string& why) {
    hello.findings.push_back(
        {.id = "fact-unknown", .level = Level::unknown, .where = hello.node, .thing = thing, .seen = why});
}

void add_limits(Hello& hello, const Invitation& invitation) {
    hello.cpus = cpus_by_affinity();
    hello.mem_bytes = memory_here();
    hello.shm_bytes = free_bytes("/dev/shm");
    hello.tmp_free_bytes = free_bytes(invitation.tmp);
    hello.tmp_free_files = free_files(invitation.tmp);
    hello.nofile = raise_open_files();
    hello.file_bytes = limit_of(RLIMIT_FSIZE);
    hello.address_space = limit_of(RLIMIT_AS);
    if (hello.cpus.empty()) note_unknown(hello, "the CPUs of this job", "cannot be read (sched_getaffinity)");
    if (!hello.mem_bytes) note_unknown(hello, "the memory here", "cannot be read (cgroup, /proc/meminfo)");
    if (!hello.shm_bytes) note_unknown(hello, "the size of /dev/shm", "cannot be read");
    if (!hello.tmp_free_bytes) note_unknown(hello, "the free space of " + invitation.tmp, "cannot be read");
}

void add_addresses(Hello& hello, const Invitation& invitation) {
    AddressPolicy policy{invitation.interface, invitation.subnet, invitation.ip_version};
    auto chosen = choose_addresses(addresses_of_node(), policy, route_source_to(invitation.addresses));
    if (chosen)
        hello.addresses = *chosen;
    else
        hello.findings.push_back(std::move(chosen.error()).within(hello.node).finding);
}

std::string in_folder(const std::string& folder, const std::string& path) {
    if (path.starts_with('/')) return path;
    return folder + "/" + (path.starts_with("./") ? path.substr(2) : path);
}

/// A script whose first line names a program that is not there, itself or by env; else nothing.
Result<void> check_interpreter(const std::string& script, const std::string& cwd, std::string_view path) {
    const auto text = read_text(script, longest_first_line).value_or("");
    if (!text.starts_with("#!")) return {};
    const auto line = text.substr(2, text.find('\n') - 2);
    const auto begin = std::min(line.find_first_not_of(" \t"), line.size());
    const auto end = std::min(line.find_first_of(" \t", begin), line.size());
    auto interpreter = line.substr(begin, end - begin);
    const auto argument = line.substr(std::min(line.find_first_not_of(" \t", end), line.size()));
    if (interpreter.empty()) return {}; // the shell runs it
    auto found = find_program(in_folder(cwd, interpreter), path);
    if (found && interpreter.ends_with("/env") && !argument.empty() && !argument.starts_with('-') &&
        argument.find_first_of("= \t/") == argument.npos) {
        interpreter = argument;
        found = find_program(argument, path);
    }
    if (found) return {};
    Finding finding{.id = "interpreter", .thing = script};
    if (interpreter.ends_with('\r')) {
        finding.seen = "has a first line that ends as on Windows, with a carriage return";
        finding.next = "take these out of the script (dos2unix)";
    } else {
        finding.seen = fmt::format("is a script whose first line names {}, which {}", interpreter,
                                   found.error().finding.seen);
        finding.next = "correct that line, or make that program available there";
    }
    return fail(ErrorKind::bringup_failed, finding);
}

/// The recipe decides on which nodes it matters.
void add_program(Hello& hello, const Invitation& invitation, const Environment& environment,
                 const std::string& probe, std::string path) {
    if (path.find('/') != std::string::npos) path = in_folder(invitation.cwd, path);
    const auto folders = environment.get("PATH").value_or("/usr/bin:/bin");
    auto usable = find_program(path, folders).and_then([&](const std::string& program) {
        return check_interpreter(program, invitation.cwd, folders);
    });
    if (usable) return;
    auto finding = std::move(usable.error()).within(hello.node).finding;
    finding.id = probe + "-missing";
    hello.findings.push_back(std::move(finding));
}

/// The same: services do without it.
void add_folder(Hello& hello, const Invitation& invitation) {
    if (invitation.cwd.empty() || access((invitation.cwd + "/.").c_str(), X_OK) == 0) return;
    hello.findings.push_back({.id = fmt::format("{}-missing", folder_probe_name),
                              .level = Level::fail,
                              .where = hello.node,
                              .thing = invitation.cwd,
                              .seen = fmt::format("cannot be entered: {}", std::strerror(errno)),
                              .expected = "the folder in which railhead was started, on every node",
                              .next = "start it in a folder that all nodes have"});
}

/// What an agent cannot read, as without the rights of root, is no finding of a launch.
void look_at_node(Hello& hello, const std::string& root, const Environment& environment) {
    constexpr double look_s = 1;
    const auto facts = node_facts(root, environment, look_s);
    hello.traits = traits_of(root, facts);
    constexpr std::size_t most_findings = 100; // a hello is one frame
    for (auto& finding : node_verdicts(facts)) {
        if (hello.findings.size() >= most_findings) return;
        if (finding.level != Level::fail && finding.level != Level::warn) continue;
        finding.id = fmt::format("{}-{}", node_probe_name, finding.id);
        hello.findings.push_back(std::move(finding));
    }
}

void add_probes(Hello& hello, const Invitation& invitation, const Environment& environment) {
    auto argument = [&](std::string_view name) {
        auto found = invitation.probe_args.find(std::string(name));
        return found == invitation.probe_args.end() ? std::string() : found->second;
    };
    for (const auto& name : invitation.probes) {
        Probe probe;
        if (name == ray_probe_name)
            probe = probe_ray(hello.node, argument(name), environment, invitation.probe_within_s);
        if (name == mpi_probe_name)
            probe = probe_mpi(argument(name), environment, invitation.probe_within_s / 2);
        if (name == torch_probe_name)
            probe = probe_torch(hello.node, argument(name), argument(script_probe_arg), invitation.cwd,
                                environment, invitation.probe_within_s);
        if (name == node_probe_name) look_at_node(hello, argument(name), environment);
        hello.versions.merge(probe.versions);
        hello.findings.insert(hello.findings.end(), probe.findings.begin(), probe.findings.end());
    }
}

} // namespace

std::string node_name(const Environment& environment) {
    if (auto name = environment.get("SLURMD_NODENAME"); name && !name->empty()) return *name;
    utsname names{};
    uname(&names);
    std::string host = names.nodename;
    return host.substr(0, host.find('.'));
}

std::vector<Gpu> gpus_of(const Environment& environment) {
    // A step without GPUs inherits the other two: from the shell, or from another component's batch script.
    auto on_node = environment.get("SLURM_STEP_GPUS").value_or("");
    if (on_node.empty()) return {};
    auto visible = environment.get("CUDA_VISIBLE_DEVICES");
    auto indices = numbers_in(on_node);
    std::vector<std::string> ids;
    if (visible)
        ids = names_in(*visible);
    else
        for (int index : indices) ids.push_back(std::to_string(index));
    std::vector<Gpu> gpus;
    for (std::size_t place = 0; place < ids.size(); ++place) {
        if (ids[place] == "NoDevFiles" || ids[place] == "-1") break; // Slurm's and CUDA's words for none
        auto index = indices.size() == ids.size()
                         ? indices[place]
                         : whole_number<int>(ids[place]).value_or(static_cast<int>(place));
        gpus.push_back({index, ids[place]});
    }
    return gpus;
}

Hello make_hello(const Invitation& invitation, const Environment& environment, const std::string& dir,
                 std::vector<Finding> findings) {
    Hello hello;
    hello.node = node_name(environment);
    hello.component = invitation.component;
    hello.dir = dir;
    hello.findings = std::move(findings);
    hello.topology_addr = environment.get("SLURM_TOPOLOGY_ADDR").value_or("");
    hello.step_id = whole_number<int>(environment.get("SLURM_STEP_ID").value_or("")).value_or(-1);
    hello.gpus = gpus_of(environment);
    hello.versions["railhead"] = RAILHEAD_VERSION;
    add_limits(hello, invitation);
    add_addresses(hello, invitation);
    for (const auto& [probe, program] : invitation.probe_args)
        if (probe.starts_with(program_probe_name))
            add_program(hello, invitation, environment, probe, program);
    add_folder(hello, invitation);
    add_probes(hello, invitation, environment);
    return hello;
}

} // namespace railhead
