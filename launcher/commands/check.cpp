#include "base/fd.hpp"
#include "launcher/agent/hello.hpp"
#include "launcher/commands/launch_options.hpp"
#include "launcher/json.hpp"
#include "preflight/nccl_env.hpp"
#include "preflight/nccl_verdict.hpp"
#include "preflight/node_checks.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

namespace railhead {
namespace {

constexpr std::size_t piece_bytes = 1 << 18;

struct NcclLogOptions {
    std::vector<std::string> files;
    bool json = false, pairs = false;
};

Result<void> read_log(const std::string& path, nccl::LogReader& reader) {
    auto failed = [&](int error) {
        return fail(ErrorKind::usage, {.id = "nccl-log-file",
                                       .thing = path == "-" ? "standard input" : path,
                                       .seen = fmt::format("cannot be read: {}", std::strerror(error)),
                                       .next = "name what NCCL_DEBUG=INFO has written"});
    };
    UniqueFd file(path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return failed(errno);
    std::string piece(piece_bytes, '\0');
    while (true) {
        auto size = ::read(file.get(), piece.data(), piece.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return failed(errno);
        if (size == 0) break;
        reader.read({piece.data(), static_cast<std::size_t>(size)});
    }
    reader.end_of_file();
    return {};
}

nlohmann::json json_of(const nccl::Log& log, const nccl::Summary& summary,
                       const std::vector<Finding>& findings) {
    auto ways = [](const std::map<std::string, std::uint64_t>& channels) {
        auto object = nlohmann::json::object();
        for (const auto& [way, count] : channels) object[way] = count;
        return object;
    };
    return {{"v", 1},
            {"nccl_versions", log.versions},
            {"ranks", summary.ranks},
            {"nodes", summary.nodes},
            {"communicators", log.communicators.size()},
            {"channels_between_nodes", ways(summary.between_nodes)},
            {"channels_inside_nodes", ways(summary.inside_nodes)},
            {"warnings", log.all_warnings},
            {"lines", log.lines},
            {"is_partial", log.is_partial},
            {"findings", json_of_findings(findings)}};
}

void print_findings(const std::vector<Finding>& findings) {
    for (const auto& finding : findings) {
        auto level = finding.level == Level::fail   ? std::string_view("error")
                     : finding.level == Level::warn ? "warning"
                                                    : name_of(finding.level);
        fmt::print("{}: {} [{}]\n", level, sentence(finding), finding.id);
    }
}

void print_ways(const char* where, const std::map<std::string, std::uint64_t>& channels) {
    for (const auto& [way, count] : channels)
        fmt::print("{}: {} by {}\n", where, counted(count, "channel"), way);
}

void print_text(const nccl::Log& log, const nccl::Summary& summary, const std::vector<Finding>& findings) {
    std::string versions;
    for (const auto& version : log.versions) versions += (versions.empty() ? " " : ", ") + version;
    if (log.lines > 0)
        fmt::print("NCCL{}: {} on {}, {}\n", versions, counted(summary.ranks, "rank"),
                   counted(summary.nodes, "node"), counted(log.communicators.size(), "communicator"));
    print_ways("between nodes", summary.between_nodes);
    print_ways("inside nodes", summary.inside_nodes);
    if (log.is_partial)
        fmt::print("The log holds more than is kept of it; what is said here is true of a part.\n");
    print_findings(findings);
}

int check_nccl_log(const NcclLogOptions& options) {
    nccl::LogReader reader;
    for (const auto& file : options.files)
        if (auto read = read_log(file, reader); !read) return print_error(read.error());
    const auto log = reader.take();
    const auto findings = nccl::verdicts(log);
    const auto summary = nccl::summary_of(log);
    if (options.json) {
        auto document = json_of(log, summary, findings);
        if (options.pairs) document["pairs"] = nccl::pairs_of(log);
        fmt::print("{}\n", json_text(document, 2));
    } else {
        print_text(log, summary, findings);
        if (options.pairs)
            for (const auto& line : nccl::pairs_of(log)) fmt::print("{}\n", line);
    }
    return findings.empty() ? 0 : 1;
}

/// Of this node: it has no business with a file that another process names.
int check_nccl_env(const Context& context, bool json) {
    auto settings = settings_for(context, {});
    if (!settings) return print_error(settings.error());
    nccl::EnvFacts facts{.variables = context.environment.all(),
                         .devices = devices_below(settings->text(Key::node_root))};
    facts.exists = [](const std::string& path) {
        std::error_code error;
        return std::filesystem::exists(path, error);
    };
    facts.several_nodes = context.environment.get("SLURM_JOB_NUM_NODES").value_or("2") != "1";
    const auto findings = nccl::env_verdicts(facts);
    if (json)
        fmt::print("{}\n", json_text({{"v", 1}, {"findings", json_of_findings(findings)}}, 2));
    else
        print_findings(findings);
    return findings.empty() ? 0 : 1;
}

int check_node(const Context& context, bool json) {
    auto settings = settings_for(context, {});
    if (!settings) return print_error(settings.error());
    constexpr double look_s = 1;
    const auto facts = node_facts(settings->text(Key::node_root), context.environment, look_s);
    auto findings = node_verdicts(facts);
    const auto node = node_name(context.environment);
    for (auto& finding : findings) finding.where = node + (finding.where.empty() ? "" : ": " + finding.where);
    if (json) {
        fmt::print("{}\n", json_text({{"v", 1},
                                      {"node", node},
                                      {"looked_at", looked_at(facts)},
                                      {"nearest", nearest_adapters(facts)},
                                      {"findings", json_of_findings(findings)}},
                                     2));
    } else {
        fmt::print("{}: {}\n", node, looked_at(facts));
        print_findings(findings);
    }
    auto is_wrong = [](const Finding& each) {
        return each.level == Level::fail || each.level == Level::warn;
    };
    return std::any_of(findings.begin(), findings.end(), is_wrong) ? 1 : 0;
}

int print_looked(const Looked& looked, double seconds, bool json) {
    if (json)
        fmt::print("{}\n", json_text({{"v", 1},
                                      {"nodes", looked.nodes},
                                      {"connects", looked.connects},
                                      {"seconds", seconds},
                                      {"findings", json_of_findings(looked.findings)}},
                                     2));
    else
        print_findings(looked.findings);
    if (!json)
        fmt::print("{} looked at in {:.1f} s, {} between them: {}\n", counted(looked.nodes.size(), "node"),
                   seconds, counted(looked.connects, "connection"),
                   looked.findings.empty() ? "nothing found" : counted(looked.findings.size(), "finding"));
    return std::fflush(stdout);
}

/// By agents on all nodes of the job, as a launch has them.
void add_nodes(CLI::App& check, Context& context) {
    auto* command = check.add_subcommand(
        "nodes", "Look at all nodes of this job, at how they differ, and whether they reach each other: exit "
                 "code 0 clean, 1 findings");
    auto options = std::make_shared<LaunchOptions>();
    command->add_flag("--json", options->json, "Print one JSON document")->disable_flag_override();
    command->callback([&context, options] {
        auto spec = launch_spec(context, *options, "check nodes");
        if (spec) {
            spec->output = Output::lines;
            spec->looked = [begun_s = spec->begun_s, json = options->json](const Looked& looked) {
                print_looked(looked, monotonic_s() - begun_s, json);
            };
        }
        context.exit_code = run_launch(std::move(spec), {}, "check nodes");
    });
}

void add_node(CLI::App& check, Context& context) {
    auto* command =
        check.add_subcommand("node", "Look at this node in about a second: exit code 0 clean, 1 findings");
    auto json = std::make_shared<bool>(false);
    command->add_flag("--json", *json, "Print one JSON document")->disable_flag_override();
    command->callback([&context, json] { context.exit_code = check_node(context, *json); });
}

void add_nccl_log(CLI::App& check, Context& context) {
    auto* command = check.add_subcommand(
        "nccl-log", "Say which way NCCL took between ranks, by its logs: exit code 0 clean, 1 findings");
    auto options = std::make_shared<NcclLogOptions>();
    command
        ->add_option("FILE", options->files, "What NCCL has written with NCCL_DEBUG=INFO; -: standard input")
        ->required();
    command->add_flag("--pairs", options->pairs, "Also print how each pair of ranks is connected")
        ->disable_flag_override();
    command->add_flag("--json", options->json, "Print one JSON document")->disable_flag_override();
    command->callback([&context, options] { context.exit_code = check_nccl_log(*options); });
}

void add_nccl_env(CLI::App& check, Context& context) {
    auto* command = check.add_subcommand(
        "nccl-env",
        "Judge NCCL_*, UCX_* and GLOO_* by the devices of this node: exit code 0 clean, 1 findings");
    auto json = std::make_shared<bool>(false);
    command->add_flag("--json", *json, "Print one JSON document")->disable_flag_override();
    command->callback([&context, json] { context.exit_code = check_nccl_env(context, *json); });
}

} // namespace

void add_check(CLI::App& app, Context& context) {
    auto* check = app.add_subcommand("check", "Check what a job runs on, and what NCCL made of it");
    check->require_subcommand(1);
    add_node(*check, context);
    add_nodes(*check, context);
    add_nccl_env(*check, context);
    add_nccl_log(*check, context);
}

} // namespace railhead
