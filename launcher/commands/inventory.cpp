#include "launcher/commands/inventory.hpp"

#include "base/child.hpp"
#include "base/fd.hpp"
#include "launcher/commands/launch_options.hpp"
#include "slurm/inventory_text.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

namespace railhead {
namespace {

constexpr double answer_within_s = 60; // of each command; ten thousand nodes are 8 MB of text
constexpr std::size_t most_bytes = 64 * 1024 * 1024;

tl::unexpected<Error> no_answer(const std::string& what, const std::string& why) {
    return fail(ErrorKind::usage, {.id = "inventory",
                                   .thing = what,
                                   .seen = why,
                                   .next = "run it on a machine of the cluster, and look at what it says"});
}

int save(const Context& context, const std::string& path) {
    auto text = ask_for_inventory(context.environment);
    if (!text) return print_error(text.error());
    if (auto usable = inventory_from_text(*text); !usable) return print_error(usable.error());
    auto unfinished = path + ".new"; // a reader never meets half of it
    errno = 0;
    std::ofstream file(unfinished, std::ios::binary | std::ios::trunc);
    file << *text;
    file.close();
    if (!file || std::rename(unfinished.c_str(), path.c_str()) != 0) {
        auto why = std::strerror(errno);
        std::remove(unfinished.c_str());
        return print_error({ErrorKind::usage,
                            {.id = "inventory",
                             .thing = path,
                             .seen = fmt::format("cannot be written: {}", why),
                             .next = "name a file in a folder of yours"}});
    }
    return 0;
}

} // namespace

Result<std::string> answer_of(const Environment& environment, std::vector<std::string> command,
                              int stderr_fd) {
    auto what = fmt::format("{}", fmt::join(command, " "));
    ChildSpec spec{.argv = std::move(command), .env = environment.all(), .stderr_fd = stderr_fd};
    auto answer = capture(std::move(spec), answer_within_s, most_bytes);
    if (!answer) {
        auto finding = answer.error().finding; // that it is not there, mostly
        finding.id = "inventory";
        finding.next = "run this on a machine of the cluster, with Slurm's programs on PATH";
        return fail(ErrorKind::usage, std::move(finding));
    }
    if (!answer->status) return no_answer(what, fmt::format("gave no answer within {} s", answer_within_s));
    if (!answer->status->success()) return no_answer(what, "failed");
    return std::move(answer->out);
}

Result<std::string> read_whole_file(const std::string& path, const std::string& next) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::string text;
    std::string block(65536, '\0');
    while (text.size() <= most_bytes &&
           (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0))
        text.append(block, 0, static_cast<std::size_t>(file.gcount()));
    std::string why;
    if (errno != 0 || file.bad()) // a folder opens, and fails when it is read
        why = std::strerror(errno != 0 ? errno : EIO);
    else if (text.size() > most_bytes)
        why = "it is larger than 64 MiB";
    if (why.empty()) return text;
    return fail(ErrorKind::usage,
                {.id = "file", .thing = path, .seen = "cannot be read: " + why, .next = next});
}

Result<std::string> ask_for_inventory(const Environment& environment) {
    std::string text;
    for (const auto& what : {std::vector<std::string>{"scontrol", "show", "config"},
                             {"scontrol", "show", "nodes", "--oneliner", "--all"},
                             {"scontrol", "show", "partitions", "--oneliner", "--all"},
                             {"scontrol", "show", "reservations", "--oneliner"}}) {
        auto part = answer_of(environment, what);
        if (!part) return part;
        text += *part + "\n";
    }
    // These fail where the topology is flat and where there is no accounting: nothing that anybody must read.
    UniqueFd nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));
    for (const auto& what : {std::vector<std::string>{"scontrol", "show", "topology"},
                             {"sacctmgr", "--parsable2", "show", "qos", "format=Name,Flags"}})
        if (auto part = answer_of(environment, what, nowhere.get())) text += *part + "\n";
    return text;
}

Result<Inventory> inventory_for(const Environment& environment, const std::string& path) {
    auto text = path.empty() ? ask_for_inventory(environment)
                             : read_whole_file(path, "name a file that 'railhead inventory save' wrote");
    if (!text) return tl::unexpected(text.error());
    auto inventory = inventory_from_text(*text);
    if (!inventory && !path.empty()) return tl::unexpected(std::move(inventory.error()).within(path));
    return inventory;
}

void add_inventory(CLI::App& app, Context& context) {
    auto* command = app.add_subcommand("inventory", "Keep what the cluster has, for judging jobs elsewhere");
    command->require_subcommand(1);
    auto* save_command =
        command->add_subcommand("save", "Write nodes, partitions, reservations, topology and QOS to a file");
    auto path = std::make_shared<std::string>();
    save_command->add_option("FILE", *path, "The file; an old one is replaced")->required();
    save_command->callback([&context, path] { context.exit_code = save(context, *path); });
}

} // namespace railhead
