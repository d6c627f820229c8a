#include "launcher/agent/task.hpp"

#include "base/child.hpp"
#include "base/clock.hpp"
#include "base/number.hpp"
#include "launcher/agent/files.hpp"
#include "launcher/agent/logs.hpp"
#include "launcher/agent/ranks.hpp"
#include "launcher/agent/reaper.hpp"
#include "launcher/json.hpp"

#include <fmt/core.h>

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

namespace railhead {
namespace {

constexpr std::size_t most_record_bytes = 4096;
constexpr int reason_lines = 60;
constexpr std::size_t most_reason_bytes = 256 * 1024;
constexpr auto folder = "tasks";

std::string prefix_of(const std::string& process) {
    return file_name_of(process) + ".";
}

/// By the local rank: torchrun may give the others anew at a restart. Absent: not below torchrun.
std::optional<std::string> record_path_of(const Environment& environment) {
    auto dir = environment.get("RAILHEAD_JOB_DIR");
    auto process = environment.get(process_mark);
    auto place = environment.get("LOCAL_RANK");
    if (!dir || !process || !place) return std::nullopt;
    return record_path(*dir, *process, *place);
}

FailedTask task_of_torchrun(const Environment& environment, const ChildStatus& status) {
    FailedTask task{.ended = {}, .at_s = wall_s(), .log = {}};
    (status.kind == ChildStatus::Kind::exited ? task.ended.code : task.ended.signal) = status.value;
    task.ended.rank = whole_number<int>(environment.get("RANK").value_or("")).value_or(-1);
    auto error_file = environment.get("TORCHELASTIC_ERROR_FILE").value_or("");
    if (!error_file.empty())
        task.log = (std::filesystem::path(error_file).parent_path() / "stderr.log").string();
    return task;
}

} // namespace

int code_of_no_start(const Error& error) {
    constexpr int as_shells_have_it = 127;
    return error.finding.id.starts_with("exec-") ? as_shells_have_it : exit_code(error.kind);
}

std::string text_of(const FailedTask& task) {
    nlohmann::json record = task.ended;
    record["at_s"] = task.at_s;
    record["log"] = task.log;
    return json_text(record);
}

std::optional<FailedTask> failed_task_from(const std::string& text) {
    try {
        auto json = nlohmann::json::parse(text);
        return FailedTask{json.get<Ended>(), json.value("at_s", 0.0), json.value("log", "")};
    } catch (const nlohmann::json::exception&) {
        return std::nullopt;
    }
}

std::string record_path(const std::string& dir, const std::string& process, const std::string& place) {
    return fmt::format("{}/{}/{}{}", dir, folder, prefix_of(process), file_name_of(place));
}

void write_record(const std::string& path, const FailedTask& task) {
    if (auto made = make_folders(std::filesystem::path(path).parent_path().string()); !made) return;
    (void)write_private(path, text_of(task)); // a full disk takes the cause with it, not the end
}

int end_as(const ChildStatus& status) {
    if (status.kind == ChildStatus::Kind::exited) return status.value;
    rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none); // the core is the command's
    std::signal(status.value, SIG_DFL);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_UNBLOCK, &all, nullptr);
    raise(status.value);
    return 128 + status.value;
}

int run_task(const Environment& environment, const std::vector<std::string>& command) {
    if (environment.get(ranks_mark)) return run_rank(environment, command);
    for (int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT})
        std::signal(number, SIG_IGN); // the command gets its own
    const auto record = record_path_of(environment);
    if (record) unlink(record->c_str()); // of the rank before a restart
    ChildSpec spec{.argv = command, .env = environment.all()};
    spec.input = ChildSpec::Input::fd;
    spec.stdin_fd = STDIN_FILENO;
    spec.group = ChildSpec::Group::same;
    spec.death_signal = SIGKILL;
    auto child = Child::start(spec);
    if (!child) {
        fmt::print(stderr, "railhead: {}\n", sentence(child.error()));
        return code_of_no_start(child.error());
    }
    std::optional<ChildStatus> status;
    while (!status) status = child->wait(3600);
    if (record && !status->success()) write_record(*record, task_of_torchrun(environment, *status));
    return end_as(*status);
}

std::optional<FailedTask> first_failed_task(const std::string& dir, const std::string& process) {
    std::optional<FailedTask> first;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(dir + "/" + folder, error)) {
        if (!entry.path().filename().string().starts_with(prefix_of(process))) continue;
        auto record = failed_task_from(read_text(entry.path(), most_record_bytes).value_or(""));
        if (record && !(first && first->at_s <= record->at_s)) first = std::move(record);
    }
    return first;
}

std::vector<std::string> own_reason(const std::string& path) {
    if (path.empty()) return {};
    try {
        auto said = nlohmann::json::parse(read_text(path, most_reason_bytes).value_or("")).at("message");
        // The stack holds the exceptions that led to this one: "address already in use".
        auto stack = said.value("extraInfo", nlohmann::json::object()).value("py_callstack", "");
        return tail_lines(stack + "\n" + said.at("message").get<std::string>(), reason_lines,
                          4 * most_record_bytes);
    } catch (const nlohmann::json::exception&) {
        return {};
    }
}

} // namespace railhead
