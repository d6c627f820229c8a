#include "launcher/commands/launch_options.hpp"

#include "launcher/recipes/torch_probe.hpp"
#include "launcher/recipes/torchrun.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <cstdlib>
#include <memory>

namespace railhead {
namespace {

struct Asked {
    TorchrunOptions torchrun;
    std::string nproc = "auto", elastic;
    std::shared_ptr<std::string> ranks;
    bool module = false, no_python = false;
};

/// torchrun's own options, which it gets as they are: its name, and what stands for its value; empty: none.
struct PassedOn {
    const char *name, *value, *text;
};
constexpr PassedOn passed_on[] = {
    {"--max-restarts", "N", "How often torchrun starts the ranks anew after a failure"},
    {"--monitor-interval", "SECONDS", "How often torchrun looks at its ranks"},
    {"--role", "NAME", "Name of the ranks' role"},
    {"--redirects", "SPEC", "Which output of the ranks goes to files only"},
    {"--tee", "SPEC", "Which output of the ranks goes to files, too (default: 3, all)"},
    {"--local-ranks-filter", "RANKS", "Show the output of these local ranks only: 0,1"},
    {"--numa-binding", "KIND",
     "Bind each rank to its GPU's NUMA node: node, socket, exclusive, core-complex"},
    {"--signals-to-handle", "NAMES", "Signals that torchrun passes on to its ranks"},
    {"--shutdown-timeout", "SECONDS", "Time between SIGTERM and SIGKILL for the ranks"},
    {"--virtual-local-rank", "", "Let each rank see its own GPU only, as number 0"},
};

/// What Railhead says to torchrun itself.
constexpr const char* own[] = {"--nnodes",      "--node-rank", "--rdzv-backend", "--rdzv-endpoint",
                               "--rdzv-id",     "--rdzv-conf", "--standalone",   "--master-addr",
                               "--master-port", "--local-addr"};

/// With dashes and, as torchrun takes them too, with underscores.
std::string both_spellings(std::string name) {
    auto other = name;
    std::replace(other.begin() + 2, other.end(), '-', '_');
    return other == name ? name : name + "," + other;
}

void add_passed_on(CLI::App& command, TorchrunOptions& options) {
    for (const auto& each : passed_on) {
        auto give = [&options, name = std::string(each.name)](const std::string& value) {
            options.args.push_back(value.empty() ? name : name + "=" + value);
            options.own_logs = options.own_logs || name == "--redirects" || name == "--tee";
            options.restarts = options.restarts || (name == "--max-restarts" && value != "0");
        };
        if (*each.value)
            command.add_option_function<std::string>(both_spellings(each.name), give, each.text)
                ->type_name(each.value);
        else
            command.add_flag_callback(
                both_spellings(each.name), [give] { give(""); }, each.text);
    }
    command.add_option("--torchrun-arg", options.args, "Pass another argument to torchrun; may be repeated")
        ->type_name("ARG")
        ->allow_extra_args(false);
    for (const char* name : own)
        command
            .add_option_function<std::string>(
                both_spellings(name),
                [name](const std::string&) {
                    throw CLI::ValidationError(
                        fmt::format("{} is railhead's to say: it knows the nodes; leave it out", name));
                })
            ->expected(0, 1)
            ->group(""); // understood, to say this; left out of --help
}

Result<void> understand(Asked& asked, const Context& context) {
    if (auto given = check_command(context, "torchrun", "script"); !given) return given;
    if (asked.nproc != "auto" && asked.nproc != "gpu") asked.torchrun.nproc_per_node = std::stoi(asked.nproc);
    asked.torchrun.entry = asked.module ? Entry::module : asked.no_python ? Entry::program : Entry::script;
    asked.torchrun.own_threads = std::getenv("OMP_NUM_THREADS") != nullptr;
    auto shown = RankFilter::from(*asked.ranks);
    if (!shown) return tl::unexpected(shown.error());
    asked.torchrun.shown = *shown;
    if (asked.elastic.empty()) return {};
    auto range = elastic_from(asked.elastic);
    if (!range) return tl::unexpected(range.error());
    asked.torchrun.elastic = *range;
    return {};
}

/// "auto", "gpu" or a number.
std::string ranks_of_a_node(const std::string& text) {
    bool number =
        !text.empty() && text.size() <= 4 && text.find_first_not_of("0123456789") == text.npos && text != "0";
    return number || text == "auto" || text == "gpu"
               ? ""
               : "expected auto or a number from 1 to 9999, but this is \"" + text.substr(0, 60) + "\"";
}

} // namespace

void add_torchrun(CLI::App& app, Context& context) {
    auto* command = app.add_subcommand(
        "torchrun", "Run torchrun on every node of the job: railhead torchrun [options] -- SCRIPT ...");
    auto options = std::make_shared<LaunchOptions>();
    auto asked = std::make_shared<Asked>();
    add_launch_options(*command, *options, "torchrun");
    command
        ->add_option(both_spellings("--nproc-per-node"), asked->nproc,
                     "Ranks of each node; auto: as many as the job has GPUs there, or one")
        ->type_name("N")
        ->check(CLI::Validator(ranks_of_a_node, ""))
        ->capture_default_str();
    command
        ->add_option("--elastic", asked->elastic,
                     "Let torchrun's ranks meet anew with any number of nodes in this range")
        ->type_name("MIN:MAX");
    auto* module = command->add_flag("-m,--module", asked->module, "SCRIPT is a module: python -m");
    command->add_flag(both_spellings("--no-python"), asked->no_python, "SCRIPT is a program of its own")
        ->excludes(module);
    add_passed_on(*command, asked->torchrun);
    asked->ranks = add_ranks_option(*command);
    for (const char* name : {"--tee", "--redirects", "--local-ranks-filter"})
        command->get_option("--ranks")->excludes(command->get_option(name));
    command->callback([&context, options, asked] {
        auto understood = understand(*asked, context);
        auto spec = understood ? launch_spec(context, *options, "torchrun")
                               : Result<LaunchSpec>(tl::unexpected(understood.error()));
        if (spec) {
            spec->probes = {std::string(torch_probe_name)};
            if (auto& program = spec->settings.text(Key::torchrun_program); !program.empty())
                spec->probe_args[std::string(torch_probe_name)] = program;
            if (asked->torchrun.entry == Entry::script)
                spec->probe_args[std::string(script_probe_arg)] = context.command.front();
            spec->plan = [asked](const LaunchInput& input) { return plan_torchrun(input, asked->torchrun); };
            spec->explain = explain_torch;
        }
        context.exit_code = run_launch(std::move(spec), *options, "torchrun");
    });
}

} // namespace railhead
