#include "launcher/commands/scratch_controller.hpp"

#include "base/child.hpp"
#include "base/clock.hpp"
#include "base/fd.hpp"
#include "slurm/hostlist.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace railhead {
namespace {

constexpr double answer_within_s = 30, end_within_s = 5;
constexpr int between_tries_ms = 100;
constexpr std::size_t most_log_lines = 5;

tl::unexpected<Error> refused(std::string seen, std::string next = "") {
    return fail(ErrorKind::usage, {.id = "scratch-slurmctld",
                                   .thing = "a slurmctld of this machine that was given the file",
                                   .seen = std::move(seen),
                                   .next = std::move(next)});
}

/// slurmctld is in a folder for administrators.
std::map<std::string, std::string> with_system_path(const Environment& environment) {
    auto variables = environment.all();
    variables["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin";
    return variables;
}

/// A port of the loopback interface that is free until `socket_fd` is closed, and likely for a while
/// thereafter.
unsigned free_port(UniqueFd& socket_fd) {
    socket_fd = UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (!socket_fd || bind(socket_fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        getsockname(socket_fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return 0;
    return ntohs(address.sin_port);
}

std::string own_host() {
    char name[256] = {};
    gethostname(name, sizeof(name) - 1);
    return std::string(name).substr(0, std::string(name).find('.'));
}

/// root's slurmctld becomes SlurmUser; anybody else's stays who starts it.
std::string user_of_scratch(const SlurmConf& real) {
    return geteuid() == 0 ? real.value("SlurmUser", "root") : std::to_string(geteuid());
}

/// A folder that goes with everything in it.
class Folder {
  public:
    static Result<Folder> make() {
        std::error_code none;
        auto above = std::filesystem::temp_directory_path(none);
        if (none) return refused("got no folder: TMPDIR is none", "set TMPDIR to a folder, or to nothing");
        auto path = (above / "railhead-slurmctld-XXXXXX").string();
        if (!mkdtemp(path.data()))
            return refused(fmt::format("got no folder: {}: {}", path, std::strerror(errno)));
        return Folder(path);
    }
    Folder(Folder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    Folder& operator=(Folder&&) = delete;
    ~Folder() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }
    const std::string& path() const { return path_; }
    std::string file(const std::string& name) const { return path_ + "/" + name; }
    void write(const std::string& name, const std::string& text) const { std::ofstream(file(name)) << text; }
    Result<void> give_to(const std::string& user,
                         const std::map<std::string, std::string>& environment) const {
        if (geteuid() != 0) return {};
        // A static program cannot look users up by itself.
        auto answer =
            capture({.argv = {"chown", "-hR", user + ":", path_}, .env = environment}, answer_within_s);
        if (answer && answer->status && answer->status->success()) return {};
        return refused(fmt::format("got no folder that is {}'s", user), "look at SlurmUser in slurm.conf");
    }

  private:
    explicit Folder(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

/// The last lines of its log that tell of an error, without their times.
std::string complaint_in(const std::string& log) {
    std::ifstream file(log);
    std::vector<std::string> told;
    for (std::string line; std::getline(file, line);)
        for (const char* word : {"fatal: ", "error: "})
            if (auto at = line.find(word); at != line.npos) {
                told.push_back(line.substr(at));
                break;
            }
    std::string text;
    for (std::size_t i = told.size() - std::min(told.size(), most_log_lines); i < told.size(); ++i)
        text += fmt::format("{}{}", text.empty() ? "" : "; ", told[i]);
    return text.empty() ? "without a word" : text;
}

bool answers(unsigned port) {
    UniqueFd socket_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return socket_fd && connect(socket_fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
}

/// While it lives, Ctrl-C and its like wait, so that nothing is left behind: slurmctld becomes another user
/// and outlives us otherwise.
class HeldSignals {
  public:
    HeldSignals() {
        sigemptyset(&held_);
        for (int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&held_, number);
        sigprocmask(SIG_BLOCK, &held_, &before_);
    }
    HeldSignals(const HeldSignals&) = delete;
    HeldSignals& operator=(const HeldSignals&) = delete;
    ~HeldSignals() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
    bool has_come() const {
        sigset_t pending;
        sigpending(&pending);
        for (int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT})
            if (sigismember(&pending, number) == 1) return true;
        return false;
    }

  private:
    sigset_t held_{}, before_{};
};

/// Ends the child, however this is left.
class GoneAtEnd {
  public:
    explicit GoneAtEnd(Child& child) : child_(child) {}
    GoneAtEnd(const GoneAtEnd&) = delete;
    GoneAtEnd& operator=(const GoneAtEnd&) = delete;
    ~GoneAtEnd() {
        child_.signal_group(SIGTERM);
        if (child_.wait(end_within_s)) return;
        child_.signal_group(SIGKILL);
        child_.wait(end_within_s);
    }

  private:
    Child& child_;
};

Result<std::string> ask_scratch(const Environment& environment, const Folder& folder, unsigned port,
                                Child& child, const HeldSignals& signals) {
    auto deadline = Deadline::in(answer_within_s);
    while (!answers(port)) {
        if (child.poll()) return refused("ended: " + complaint_in(folder.file("log")));
        if (signals.has_come()) return refused("was not waited for: a signal came");
        if (deadline.passed())
            return refused(fmt::format("did not answer within {} s: {}", answer_within_s,
                                       complaint_in(folder.file("log"))));
        ::poll(nullptr, 0, between_tries_ms);
    }
    auto variables = with_system_path(environment);
    variables["SLURM_CONF"] = folder.file("slurm.conf");
    auto answer = capture({.argv = {"scontrol", "show", "topology"}, .env = std::move(variables)},
                          answer_within_s, most_topology_bytes);
    if (child.poll()) return refused("ended: " + complaint_in(folder.file("log")));
    if (!answer) return tl::unexpected(std::move(answer.error()));
    if (!answer->status || !answer->status->success())
        return refused("gave no topology: " + complaint_in(folder.file("log")));
    return std::move(answer->out);
}

} // namespace

std::string scratch_conf(const SlurmConf& real, const ScratchConf& scratch) {
    auto line = [&](const char* key, const char* preset) {
        auto value = real.value(key, preset);
        return value.empty() ? std::string() : fmt::format("{}={}\n", key, value);
    };
    auto text = fmt::format("ClusterName=scratch\nSlurmctldHost={}(127.0.0.1)\nSlurmUser={}\n"
                            "SlurmctldPort={}\nSlurmdPort={}\nStateSaveLocation={}/state\n"
                            "SlurmctldPidFile={}/pid\nSlurmctldLogFile={}/log\nSlurmctldDebug=info\n",
                            scratch.host, scratch.user, scratch.port, scratch.slurmd_port, scratch.folder,
                            scratch.folder, scratch.folder);
    text += line("AuthType", "") + line("AuthInfo", "") + line("CredType", "") + line("PluginDir", "");
    text += line("TopologyPlugin", "topology/tree") + line("TopologyParam", "");
    // A node that is down is asked nothing.
    text += fmt::format("NodeName={} NodeAddr=127.0.0.1 State=DOWN\n", compress_hostlist(real.nodes));
    return text + "PartitionName=all Nodes=ALL Default=YES State=UP\n";
}

Result<std::string> topology_in_scratch_controller(const Environment& environment, const SlurmConf& real,
                                                   const std::string& conf_folder, const std::string& name,
                                                   const std::string& text) {
    HeldSignals signals; // the last to go
    auto folder = Folder::make();
    if (!folder) return tl::unexpected(std::move(folder.error()));
    UniqueFd held, held_too; // so that the two ports are two
    ScratchConf scratch{folder->path(), own_host(), user_of_scratch(real), free_port(held),
                        free_port(held_too)};
    held.reset();
    held_too.reset();
    if (scratch.port == 0 || scratch.slurmd_port == 0)
        return refused("got no port of the loopback interface");
    folder->write("slurm.conf", scratch_conf(real, scratch));
    folder->write(name, text);
    std::error_code none;
    std::filesystem::create_directory(folder->file("state"), none);                // else slurmctld says so
    if (auto key = conf_folder + "/slurm.key"; std::filesystem::exists(key, none)) // auth/slurm
        std::filesystem::create_symlink(key, folder->file("slurm.key"), none);
    if (auto given = folder->give_to(scratch.user, with_system_path(environment)); !given)
        return tl::unexpected(given.error());
    UniqueFd silence(open("/dev/null", O_WRONLY | O_CLOEXEC)); // it has a log
    auto child = Child::start({.argv = {"slurmctld", "-D", "-c", "-f", folder->file("slurm.conf")},
                               .env = with_system_path(environment),
                               .cwd = folder->path(),
                               .stdout_fd = silence.get(),
                               .stderr_fd = silence.get(),
                               .death_signal = SIGKILL});
    if (!child)
        return refused("cannot be started: " + sentence(child.error()),
                       "run it where slurmctld is installed");
    GoneAtEnd gone_at_end(*child);
    return ask_scratch(environment, *folder, scratch.port, *child, signals);
}

Result<std::string> slurmctld_version(const Environment& environment) {
    auto answer =
        capture({.argv = {"slurmctld", "-V"}, .env = with_system_path(environment)}, answer_within_s);
    if (!answer || !answer->status || !answer->status->success())
        return fail(ErrorKind::usage, {.id = "slurmctld",
                                       .thing = "slurmctld -V",
                                       .seen = answer ? "failed" : sentence(answer.error()),
                                       .next = "run this on the controller's machine"});
    auto text = answer->out.substr(0, answer->out.find_last_not_of(" \n") + 1);
    return text.substr(text.rfind(' ') + 1); // "slurm-wlm 24.11.5", "slurm 26.05.1"
}

} // namespace railhead
