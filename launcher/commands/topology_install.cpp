#include "launcher/commands/fabric_input.hpp"
#include "launcher/commands/inventory.hpp"
#include "launcher/commands/launch_options.hpp"
#include "launcher/commands/scratch_controller.hpp"
#include "launcher/commands/topology_files.hpp"
#include "launcher/supervisor/surroundings.hpp"

#include "base/child.hpp"
#include "base/clock.hpp"
#include "launcher/json.hpp"
#include "slurm/inventory.hpp"
#include "topology/check.hpp"
#include "topology/diff.hpp"
#include "topology/topology_yaml.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <memory>
#include <poll.h>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace railhead {
namespace {

constexpr double reconfigure_within_s = 60, settled_within_s = 30;
constexpr int between_looks_ms = 250;
constexpr const char* default_conf = "/etc/slurm/slurm.conf";

struct InstallOptions {
    std::string file, to, slurm_conf;
    bool reconfigure = false, dry_run = false, json = false;
};

using Leaves = std::map<std::string, std::set<std::string>>;

/// Of the nodes that Slurm knows; releases differ in whether they show others.
class LeavesOf {
  public:
    explicit LeavesOf(const std::vector<std::string>& known) : known_(known.begin(), known.end()) {}

    Leaves in(const topology::TopologyConf& conf) const {
        Leaves leaves;
        for (const auto& one : conf.switches) add(leaves, one.name, one.nodes);
        for (const auto& one : conf.blocks) add(leaves, one.name, one.nodes);
        return leaves;
    }
    Leaves in(std::string_view shown) const {
        Leaves leaves;
        for (const auto& leaf : read_topology(shown).leaves) add(leaves, leaf.name, leaf.nodes);
        return leaves;
    }

  private:
    void add(Leaves& leaves, const std::string& name, const std::vector<std::string>& nodes) const {
        for (const auto& node : nodes)
            if (known_.contains(node)) leaves[name].insert(node);
    }

    std::set<std::string_view> known_;
};

/// Where the first of them is not as the file says.
std::string first_difference(const Leaves& wanted, const Leaves& seen) {
    for (const auto& [leaf, nodes] : wanted)
        if (auto at = seen.find(leaf); at == seen.end())
            return "has no " + leaf;
        else if (at->second != nodes)
            return fmt::format("has {} nodes in {} where the file has {}", at->second.size(), leaf,
                               nodes.size());
    return {};
}

Error not_written(const std::string& path, int error) {
    return {ErrorKind::usage,
            {.id = "file-write",
             .thing = path,
             .seen = fmt::format("cannot be written: {}", std::strerror(error))}};
}

/// A file with this text in the place of what was there, with its owner and mode; nobody sees half of it.
Result<void> replace(const std::string& path, const std::string& text) {
    auto beside = path + ".new";
    struct stat old {};
    const bool had = stat(path.c_str(), &old) == 0;
    UniqueFd file(open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!file) return tl::unexpected(not_written(beside, errno));
    if (had) (void)!fchown(file.get(), old.st_uid, old.st_gid);  // root's to do; else it is ours
    (void)!fchmod(file.get(), had ? old.st_mode & 07777 : 0644); // whatever the umask: SlurmUser reads it
    for (std::string_view rest = text; !rest.empty();) {
        auto count = write(file.get(), rest.data(), rest.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            auto why = errno;
            unlink(beside.c_str());
            return tl::unexpected(not_written(beside, why));
        }
        rest.remove_prefix(static_cast<std::size_t>(count));
    }
    if (fsync(file.get()) != 0 || rename(beside.c_str(), path.c_str()) != 0) {
        auto why = errno;
        unlink(beside.c_str());
        return tl::unexpected(not_written(path, why));
    }
    return {};
}

class Installer {
  public:
    Installer(const Context& context, const InstallOptions& options) : context_(context), options_(options) {}

    /// Of what was done until it ended or failed.
    Result<int> install() {
        told_["error"] = nullptr;
        auto code = steps();
        if (!code) told_["error"] = sentence(code.error());
        if (options_.json) fmt::print("{}\n", json_text(told_, 2));
        return code;
    }

  private:
    Result<int> steps() {
        told_["in_place"] = told_["controller_has_it"] = false;
        if (auto known = learn(); !known) return tl::unexpected(known.error());
        if (auto read = read_files(); !read) return tl::unexpected(read.error());
        if (!is_sound()) return 1;
        tell_changes();
        auto conf = conf_; // the file may come before its plugin
        if (auto plugin = topology::plugin_for(text_); !plugin.empty())
            conf.values["topologyplugin"] = plugin;
        auto shown = topology_in_scratch_controller(context_.environment, conf, folder(), name(), text_);
        if (!shown) return tl::unexpected(shown.error());
        if (auto differs = first_difference(wanted_, LeavesOf(conf_.nodes).in(*shown)); !differs.empty())
            return fail(ErrorKind::usage, {.id = "topology-other",
                                           .thing = "a slurmctld of this machine that was given the file",
                                           .seen = differs,
                                           .next = "see 'railhead topology check'"});
        told_["leaves"] = wanted_.size();
        tell(fmt::format("slurmctld {} has read it in a scratch folder: {} {}", version_, wanted_.size(),
                         wanted_.size() == 1 ? "leaf" : "leaves"));
        if (options_.dry_run) return 0;
        if (auto put = put_in_place(); !put) return tl::unexpected(put.error());
        return options_.reconfigure ? reconfigured() : 0;
    }

    void tell(const std::string& line) const {
        if (!options_.json) fmt::print("{}\n", line);
    }

    /// Absolute, for the topology file lies beside it.
    std::string conf_path() const {
        auto path = !options_.slurm_conf.empty()
                        ? options_.slurm_conf
                        : context_.environment.get("SLURM_CONF").value_or(default_conf);
        return path.starts_with('/') ? path : working_directory() + "/" + path;
    }
    std::string folder() const { return std::filesystem::path(conf_path()).parent_path(); }
    /// As slurmctld wants it, whatever the file that is replaced is called.
    std::string name() const { return topology::is_topology_yaml(text_) ? "topology.yaml" : "topology.conf"; }

    Result<void> learn() {
        auto conf = read_slurm_conf(conf_path(), [](const std::string& path) {
            return read_whole_file(path,
                                   "run this where the controller's slurm.conf is, or give --slurm-conf");
        });
        if (!conf) return tl::unexpected(conf.error());
        conf_ = std::move(*conf);
        auto version = slurmctld_version(context_.environment);
        if (!version) return tl::unexpected(version.error());
        version_ = *version;
        return {};
    }

    Result<void> read_files() {
        auto text = text_of_input(options_.file);
        if (!text) return tl::unexpected(text.error());
        text_ = text->view();
        auto conf = topology::read_any_topology(text_);
        if (!conf) return tl::unexpected(std::move(conf.error()).within(options_.file));
        if (auto chosen = choose_target(); !chosen) return chosen;
        new_ = std::move(*conf);
        wanted_ = LeavesOf(conf_.nodes).in(new_);
        other_plugin_ = topology::check_plugin(text_, conf_.value("TopologyPlugin"));
        if (std::error_code none; !std::filesystem::exists(target_, none)) return {};
        auto old = read_whole_file(target_, "");
        if (!old) return tl::unexpected(old.error());
        old_text_ = std::move(*old);
        return {};
    }

    Result<void> choose_target() {
        auto yaml = folder() + "/topology.yaml";
        bool is_yaml = topology::is_topology_yaml(text_);
        target_ = !options_.to.empty() ? options_.to : is_yaml ? yaml : folder() + "/topology.conf";
        std::error_code none;
        if (std::filesystem::is_symlink(target_, none)) {
            auto behind = std::filesystem::canonical(target_, none);
            if (none)
                return fail(ErrorKind::usage, {.id = "file-write",
                                               .thing = target_,
                                               .seen = "is a link to nothing",
                                               .next = "mend the link"});
            target_ = behind;
        }
        if (is_yaml || !std::filesystem::exists(yaml, none)) return {};
        return fail(ErrorKind::usage, {.id = "topology-yaml",
                                       .thing = yaml,
                                       .seen = "is there, and Slurm reads no topology.conf beside it",
                                       .next = "move it away first, or install a topology.yaml"});
    }

    bool is_sound() {
        auto release = release_from(version_);
        topology::CheckOptions wanted;
        if (release) wanted.slurm = *release;
        wanted.nodes = conf_.nodes;
        bool sound = true;
        if (wanted_.empty() && !topology::is_topology_yaml(text_)) { // that may be flat
            const Finding none{.id = "no-leaves",
                               .thing = "the file",
                               .seen = "has no leaf with a node that slurm.conf has",
                               .next = "look at the names of its nodes"};
            told_["error"] = sentence(none);
            tell_finding(none);
            sound = false;
        }
        auto findings = topology::check_text(text_, wanted); // it was read before
        for (const auto& finding : findings ? *findings : std::vector<Finding>()) {
            if (sound && finding.level == Level::fail) told_["error"] = sentence(finding);
            sound = sound && finding.level != Level::fail;
            tell_finding(finding);
        }
        if (other_plugin_) { // under --reconfigure the controller would not have it
            other_plugin_->level = options_.reconfigure ? Level::fail : Level::warn;
            if (sound && options_.reconfigure) told_["error"] = sentence(*other_plugin_);
            sound = sound && !options_.reconfigure;
            tell_finding(*other_plugin_);
        }
        return sound;
    }
    void tell_finding(const Finding& finding) const {
        fmt::print(stderr, "{}: {}: {} [{}]\n", options_.file,
                   finding.level == Level::fail ? "error" : "warning", sentence(finding), finding.id);
    }

    void tell_changes() {
        told_["file"] = target_;
        auto old = topology::read_any_topology(old_text_.value_or(""));
        if (!old_text_ || !old) {
            tell(fmt::format("{} is {}", target_,
                             old_text_ ? "no topology file that can be compared" : "new"));
            return;
        }
        auto changes = topology::diff(*old, new_);
        for (const auto& change : changes) {
            tell(sentence(change));
            told_["changes"].push_back(sentence(change));
        }
        if (changes.empty()) tell("no node moves");
    }

    Result<void> put_in_place() {
        if (old_text_ && *old_text_ == text_) { // and .old stays what was there before
            told_["in_place"] = true;
            tell(fmt::format("{} is this file already", target_));
            return {};
        }
        if (old_text_)
            if (auto kept = replace(target_ + ".old", *old_text_); !kept) return kept;
        if (auto put = replace(target_, text_); !put) return put;
        told_["in_place"] = true;
        tell(fmt::format("{} is written{}", target_,
                         old_text_ ? "; what was there is in " + target_ + ".old" : ""));
        if (other_plugin_)
            tell(fmt::format("it holds once slurm.conf has {} and slurmctld is started again",
                             other_plugin_->expected));
        else if (!options_.reconfigure)
            tell("it holds from the next 'scontrol reconfigure' on");
        return {};
    }

    std::optional<std::string> ask(std::vector<std::string> words) const {
        words.insert(words.begin(), "scontrol");
        auto answer = capture({.argv = std::move(words), .env = context_.environment.all()},
                              reconfigure_within_s, most_topology_bytes);
        if (!answer || !answer->status || !answer->status->success()) return std::nullopt;
        return std::move(answer->out);
    }

    /// Empty when the controller has the file; else what it has instead.
    std::string what_the_controller_has() const {
        std::string differs = "gives no answer";
        for (auto deadline = Deadline::in(settled_within_s); !deadline.passed();
             poll(nullptr, 0, between_looks_ms)) {
            auto shown = ask({"show", "topology"});
            differs = shown ? first_difference(wanted_, LeavesOf(conf_.nodes).in(*shown)) : "gives no answer";
            if (differs.empty()) break;
        }
        return differs;
    }

    Result<int> reconfigured() {
        bool taken = ask({"reconfigure"}).has_value();
        auto differs = what_the_controller_has();
        if (differs.empty()) {
            told_["controller_has_it"] = true;
            tell("slurmctld has it");
            return 0;
        }
        auto seen = fmt::format("{} after 'scontrol reconfigure'{}", differs, taken ? "" : ", which failed");
        auto restored = restore();
        told_["in_place"] = !restored;
        bool runs = ask({"reconfigure"}).has_value();
        return fail(
            ErrorKind::usage,
            {.id = "topology-install",
             .thing = "slurmctld",
             .seen =
                 fmt::format("{}; {}", seen, restored ? "the old file is back" : sentence(restored.error())),
             .next = runs ? "see slurmctld's log" : "start it (systemctl start slurmctld), and see its log"});
    }

    Result<void> restore() const {
        if (old_text_) return replace(target_, *old_text_);
        unlink(target_.c_str());
        return {};
    }

    const Context& context_;
    const InstallOptions& options_;
    SlurmConf conf_;
    std::string version_, target_, text_;
    std::optional<std::string> old_text_; ///< absent: there was none
    topology::TopologyConf new_;
    Leaves wanted_;
    std::optional<Finding> other_plugin_; ///< slurm.conf's, which does not read the file
    nlohmann::json told_{{"v", 1}, {"changes", nlohmann::json::array()}};
};

} // namespace

void add_topology_install(CLI::App& command, Context& context) {
    auto* install = command.add_subcommand(
        "install", "Check a topology file, try it in a slurmctld of its own, and put it in place");
    auto options = std::make_shared<InstallOptions>();
    install
        ->add_option("FILE", options->file,
                     "The topology.conf or topology.yaml that will be; -: standard input")
        ->required();
    install
        ->add_option("--to", options->to,
                     "The file that is replaced; default: topology.conf, or topology.yaml, beside slurm.conf")
        ->type_name("PATH");
    install
        ->add_option("--slurm-conf", options->slurm_conf,
                     "The controller's slurm.conf; default: SLURM_CONF, or /etc/slurm/slurm.conf")
        ->type_name("PATH");
    install
        ->add_flag("--reconfigure", options->reconfigure,
                   "Have slurmctld read it, see that it has, and put the old one back if not")
        ->disable_flag_override();
    install->add_flag("--json", options->json, "Print one JSON document")->disable_flag_override();
    install->add_flag("--dry-run", options->dry_run, "Change nothing")->disable_flag_override();
    install->callback([&context, options] {
        auto code = Installer(context, *options).install();
        context.exit_code = code ? *code : print_error(code.error());
    });
}

} // namespace railhead
