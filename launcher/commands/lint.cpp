#include "launcher/commands/launch_options.hpp"

#include "base/child.hpp"
#include "launcher/commands/inventory.hpp"
#include "launcher/json.hpp"
#include "launcher/supervisor/ask_slurm.hpp"
#include "lint/checks.hpp"
#include "lint/options.hpp"
#include "lint/request.hpp"
#include "lint/sbatch_answer.hpp"
#include "rules/judge.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <unistd.h>

#include <filesystem>
#include <memory>

namespace railhead {
namespace {

constexpr double id_within_s = 10;
constexpr double sbatch_within_s = 60; // the time that sbatch itself gives slurmctld's answer, and more

struct Options {
    std::string script;
    std::vector<std::string> sbatch;
    std::string format = "text";
    std::string inventory; ///< file; empty: ask Slurm
    bool json = false, offline = false;
};

/// What the controller itself says of the job, its submit plugin included.
SbatchAnswer ask_slurm(const Options& options, const Context& context) {
    ChildSpec spec{.argv = {"sh", "-c", "exec sbatch --test-only \"$@\" 2>&1", "sbatch"},
                   .env = context.environment.all()};
    spec.argv.insert(spec.argv.end(), options.sbatch.begin(), options.sbatch.end());
    spec.argv.push_back(options.script);
    auto answer = capture(std::move(spec), sbatch_within_s);
    if (!answer) return {.not_asked = sentence(answer.error())};
    if (!answer->status)
        return {.not_asked = fmt::format("sbatch --test-only gave no answer within {} s", sbatch_within_s)};
    auto code = answer->status->kind == ChildStatus::Kind::exited ? answer->status->value
                                                                  : 128 + answer->status->value;
    return sbatch_answer_from(answer->out, code, options.script);
}

std::string without_place(Finding finding) {
    finding.where.clear();
    return sentence(finding);
}

/// The caller's name, from a program that may ask a directory service, as this one cannot: it is static.
/// Empty: nobody knows it.
std::string name_of_caller(const Context& context) {
    auto answer = capture({.argv = {"id", "-un"}, .env = context.environment.all()}, id_within_s);
    if (!answer || !answer->status || !answer->status->success()) return {};
    return answer->out.substr(0, answer->out.find('\n'));
}

/// What the rules say by a saved inventory and this machine's policy.
Result<std::vector<Finding>> judge_saved(const Options& options, const Context& context,
                                         const Script& script) {
    auto inventory = inventory_for(context.environment, options.inventory);
    if (!inventory) return tl::unexpected(inventory.error());
    auto settings = settings_for(context, {});
    if (!settings) return tl::unexpected(settings.error());
    std::vector<Finding> findings;
    auto requests = requests_of(script);
    std::string user;
    if (!settings->named_users().empty()) user = name_of_caller(context);
    for (std::size_t i = 0; i < requests.size(); ++i) {
        requests[i].user = user;
        for (auto& finding : judge(requests[i], *inventory, *settings).findings) {
            finding.where = place(script, script.components[i]);
            findings.push_back(std::move(finding));
        }
    }
    return findings;
}

/// As GitHub's runner reads an annotation: a newline would end it, and in a property so would : and , too.
std::string escaped(std::string_view text, std::string_view also = "") {
    std::string result;
    for (char c : text) {
        bool special = c == '%' || c == '\n' || c == '\r' || also.find(c) != also.npos;
        result += special ? fmt::format("%{:02X}", static_cast<unsigned char>(c)) : std::string(1, c);
    }
    return result;
}

std::string annotation(const Finding& finding, const char* level) {
    auto colon = finding.where.rfind(':');
    auto line = colon == std::string::npos ? "" : ",line=" + finding.where.substr(colon + 1);
    return fmt::format("::{} file={}{},title={}::{}", level, escaped(finding.where.substr(0, colon), ":,"),
                       line, finding.id, escaped(without_place(finding)));
}

void print(const Options& options, const std::vector<Finding>& findings) {
    if (options.json) {
        fmt::print("{}\n", json_text({{"v", 1}, {"findings", json_of_findings(findings)}}, 2));
        return;
    }
    for (auto& finding : findings) {
        const char* level = finding.level == Level::fail ? "error" : "warning";
        if (options.format == "text")
            fmt::print("{}: {}: {} [{}]\n", finding.where, level, without_place(finding), finding.id);
        else
            fmt::print("{}\n", annotation(finding, level));
    }
}

int lint(const Context& context, Options options) {
    options.sbatch.insert(options.sbatch.end(), context.command.begin(), context.command.end());
    auto text = read_whole_file(options.script, "name a batch script");
    if (!text) return print_error(text.error());
    auto script =
        read_script(options.script, *text, options.sbatch, environment_options(context.environment.all()));
    bool asks = options.inventory.empty() && !options.offline;
    bool slurm = asks && find_program("sbatch", context.environment.get("PATH").value_or("")).has_value();
    auto exists = [](const std::string& path) {
        std::error_code ignored;
        return std::filesystem::exists(path, ignored);
    };
    std::string not_asked = asks && !slurm ? "there is no sbatch here" : "";
    auto version = slurm ? version_from(slurm_version(context.environment)) : 0;
    auto can_be_made = [](const std::string& folder) {
        std::error_code ignored;
        auto parent = std::filesystem::absolute(folder, ignored); // empty in a folder that is gone
        while (parent.has_relative_path() && !std::filesystem::exists(parent, ignored))
            parent = parent.parent_path();
        return parent.empty() || access(parent.c_str(), W_OK) == 0;
    };
    auto findings = check_script(script, {.exists = exists, .can_be_made = can_be_made, .slurm = version});
    if (!options.inventory.empty()) {
        auto judged = judge_saved(options, context, script);
        if (!judged) return print_error(judged.error());
        findings.insert(findings.end(), judged->begin(), judged->end());
    } else if (slurm) {
        auto said = ask_slurm(options, context);
        findings.insert(findings.end(), said.findings.begin(), said.findings.end());
        not_asked = said.not_asked;
    }
    print(options, findings);
    if (!not_asked.empty())
        fmt::print(stderr,
                   "railhead: only the script was judged and not its resources, because Slurm was not "
                   "asked: {}\n",
                   not_asked);
    return findings.empty() ? 0 : 1;
}

} // namespace

void add_lint(CLI::App& app, Context& context) {
    auto* command = app.add_subcommand(
        "lint",
        "Say what is wrong with a batch script before it is submitted: exit code 0 clean, 1 findings");
    auto options = std::make_shared<Options>();
    command->add_option("SCRIPT", options->script, "The script; options of sbatch may follow it")->required();
    command
        ->add_option("--format", options->format, "How findings are printed: text, or github for annotations")
        ->check(CLI::IsMember({"text", "github"}));
    command->add_option("--inventory", options->inventory,
                        "Judge resources by this file of 'railhead inventory save', not by asking Slurm");
    command->add_flag("--json", options->json, "Print one JSON document")->disable_flag_override();
    command
        ->add_flag("--offline", options->offline,
                   "Judge the script alone; do not ask Slurm about its resources")
        ->disable_flag_override();
    command->prefix_command();
    command->callback([&context, command, options] {
        options->sbatch = command->remaining();
        context.exit_code = lint(context, *options);
    });
}

} // namespace railhead
