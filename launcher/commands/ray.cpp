#include "launcher/commands/launch_options.hpp"

#include "launcher/recipes/ray.hpp"
#include "launcher/recipes/ray_causes.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace railhead {
namespace {

// CLI11's own check says this with a range of 300 digits.
std::string whole_number(const std::string& text) {
    constexpr std::size_t most_digits = 9;
    bool good = !text.empty() && text.size() <= most_digits &&
                text.find_first_not_of("0123456789") == std::string::npos;
    return good ? "" : "expected a whole number from 0, but this is \"" + text.substr(0, 60) + "\"";
}

void add_ray_options(CLI::App& command, RayOptions& options) {
    command
        .add_option("--head-gpus", options.head_gpus,
                    "GPUs that the head offers to Ray; 0 keeps work off its GPUs (default: all)")
        ->type_name("N")
        ->check(CLI::Validator(whole_number, ""));
    command
        .add_option("--head-cpus", options.head_cpus,
                    "CPUs that the head offers to Ray; 0 keeps work off the head (default: all)")
        ->type_name("N")
        ->check(CLI::Validator(whole_number, ""));
    auto pass_on = [&command](const char* name, std::vector<std::string>& words, const char* text) {
        command.add_option(name, words, text)->type_name("ARG")->allow_extra_args(false);
    };
    pass_on("--ray-arg", options.ray_args,
            "Pass an argument to every 'ray start'; may be repeated: --ray-arg=--verbose");
    pass_on("--head-ray-arg", options.head_ray_args,
            "Pass an argument to the head's 'ray start'; may be repeated");
    pass_on("--worker-ray-arg", options.worker_ray_args,
            "Pass an argument to the workers' 'ray start'; may be repeated");
}

} // namespace

void add_ray(CLI::App& app, Context& context) {
    auto* command = app.add_subcommand(
        "ray",
        "Bring up a Ray cluster over the nodes of the job, run a command on its head, and take it down: "
        "railhead ray [options] -- COMMAND. Without a command the cluster stays up");
    auto options = std::make_shared<LaunchOptions>();
    auto ray = std::make_shared<RayOptions>();
    add_launch_options(*command, *options, "ray");
    add_ray_options(*command, *ray);
    command->callback([&context, options, ray] {
        auto spec = launch_spec(context, *options, "ray");
        if (spec) {
            spec->probes = {std::string(ray_probe_name)};
            if (auto& program = spec->settings.text(Key::ray_program); !program.empty())
                spec->probe_args[std::string(ray_probe_name)] = program;
            spec->plan = [ray](const LaunchInput& input) { return plan_ray(input, *ray); };
            spec->explain = explain_ray;
        }
        context.exit_code = run_launch(std::move(spec), *options, "ray");
    });
}

} // namespace railhead
