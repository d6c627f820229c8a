#include "launcher/commands/launch_options.hpp"

#include "launcher/recipes/mpi.hpp"
#include "launcher/recipes/mpi_probe.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace railhead {
namespace {

constexpr const char* network_choices[] = {"OMPI_MCA_btl_tcp_if_include", "OMPI_MCA_btl_tcp_if_exclude",
                                           "OMPI_MCA_oob_tcp_if_include", "OMPI_MCA_oob_tcp_if_exclude",
                                           "PRTE_MCA_prte_if_include",    "PRTE_MCA_prte_if_exclude"};

Result<LaunchSpec> spec_of(const Context& context, const LaunchOptions& options, MpiOptions& asked,
                           const std::string& ranks) {
    if (auto given = check_command(context, "mpi", "program"); !given)
        return tl::unexpected(std::move(given.error()));
    auto shown = RankFilter::from(ranks);
    if (!shown) return tl::unexpected(std::move(shown.error()));
    asked.shown = *shown;
    return launch_spec(context, options, "mpi");
}

} // namespace

void add_mpi(CLI::App& app, Context& context) {
    auto* command = app.add_subcommand(
        "mpi", "Run an MPI program, by srun with PMIx or by mpirun: railhead mpi [options] -- PROGRAM ...");
    auto options = std::make_shared<LaunchOptions>();
    auto asked = std::make_shared<MpiOptions>();
    add_launch_options(*command, *options, "mpi");
    command
        ->add_option("--per-node", asked->per_node,
                     "Ranks of each node (default: as many as the job has GPUs there, or one)")
        ->type_name("N")
        ->check(CLI::Range(1, 4096));
    command
        ->add_option("--mpi-arg", asked->args,
                     "Pass an argument to the srun or mpirun that starts the ranks; may be repeated")
        ->type_name("ARG")
        ->allow_extra_args(false);
    auto ranks = add_ranks_option(*command);
    command->callback([&context, options, asked, ranks] {
        auto spec = spec_of(context, *options, *asked, *ranks);
        if (spec) {
            spec->probes = {std::string(mpi_probe_name)};
            if (auto& program = spec->settings.text(Key::mpi_mpirun); !program.empty())
                spec->probe_args[std::string(mpi_probe_name)] = program;
            for (const char* name : network_choices)
                asked->own_network = asked->own_network || spec->env.contains(name) ||
                                     context.environment.get(name).has_value();
            spec->plan = [asked](const LaunchInput& input) { return plan_mpi(input, *asked); };
            spec->explain = explain_mpi;
        }
        context.exit_code = run_launch(std::move(spec), *options, "mpi");
    });
}

} // namespace railhead
