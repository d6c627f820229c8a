#include "launcher/agent/milestones.hpp"

#include "base/clock.hpp"
#include "launcher/agent/files.hpp"
#include "launcher/agent/logs.hpp"
#include "launcher/agent/port_watch.hpp"

#include <fmt/core.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <dirent.h>

#include <optional>
#include <regex>
#include <tuple>
#include <utility>

namespace railhead {
namespace {

constexpr double look_again_s = 0.05;
constexpr std::size_t longest_value = 32 * 1024;
constexpr double look_for_s = 0.2; ///< no event tells what another node does on a shared file system

std::int64_t nanoseconds_of(const timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

} // namespace

/// A file that was there before the process started, and has not changed since. Its time says nothing: a new
/// one may have an older time, by the clock of a file server.
class OldFile {
  public:
    OldFile() = default;
    explicit OldFile(const std::string& path) {
        struct stat status {};
        if (stat(path.c_str(), &status) == 0) old_ = facts_of(status);
    }
    bool is(const struct stat& status) const { return old_ == facts_of(status); }
    void is_gone() { old_.reset(); }
    explicit operator bool() const { return old_.has_value(); }

  private:
    using Facts = std::tuple<dev_t, ino_t, off_t, std::int64_t, std::int64_t>;
    static Facts facts_of(const struct stat& status) {
        return {status.st_dev, status.st_ino, status.st_size, nanoseconds_of(status.st_mtim),
                nanoseconds_of(status.st_ctim)};
    }
    std::optional<Facts> old_;
};

namespace {

std::vector<std::string> matching(const std::string& folder, const std::string& part) {
    std::vector<std::string> found;
    DIR* open = opendir(folder.empty() ? "/" : folder.c_str());
    if (!open) return found;
    while (auto* entry = readdir(open))
        if (fnmatch(part.c_str(), entry->d_name, FNM_PERIOD) == 0)
            found.push_back(folder + "/" + entry->d_name);
    closedir(open);
    return found;
}

} // namespace

Expanded expand_pattern(const std::string& pattern) {
    Expanded expanded;
    std::vector<std::string> level{""};
    for (std::size_t begin = 1; begin <= pattern.size();) {
        auto end = std::min(pattern.find('/', begin), pattern.size());
        auto part = pattern.substr(begin, end - begin);
        begin = end + 1;
        if (part.empty()) continue;
        std::vector<std::string> next;
        for (auto& folder : level) {
            if (!is_folder(folder.empty() ? "/" : folder)) continue;
            expanded.folders.push_back(folder);
            if (part.find_first_of("*?[") != std::string::npos) {
                for (auto& path : matching(folder, part)) next.push_back(path);
            } else if (struct stat status{}; stat((folder + "/" + part).c_str(), &status) == 0) {
                next.push_back(folder + "/" + part);
            }
        }
        level = std::move(next);
    }
    expanded.matches = std::move(level);
    return expanded;
}

std::string FirstLine::look(const std::string& path) {
    unsure_ = false;
    auto text = read_text(path, longest_value);
    if (!text || text->empty()) return {};
    auto newline = text->find('\n');
    if (newline != std::string::npos) return text->substr(0, newline);
    if (*text == seen_) return *text;
    seen_ = *text;
    unsure_ = true;
    return {};
}

/// One milestone.
struct Milestones::Watch {
    Watch(Loop& loop_, FileEvents& files_, const Milestone& what_, std::string process_,
          const std::string& dir, const std::string& log, const Handlers& handlers_)
        : loop(loop_), files(files_), what(what_), process(std::move(process_)), handlers(handlers_),
          lines(log), has_log(!log.empty()), log_path(log) {
        pattern = what.arg.substr(0, 1) == "/" ? what.arg : dir + "/" + what.arg;
        if (what.kind == "exists" && what.fresh) old = OldFile(pattern);
    }

    Loop& loop;
    FileEvents& files;
    const Milestone what;
    const std::string process;
    const Handlers handlers;
    GrowingFile lines;
    bool has_log;
    std::string log_path, pattern;
    std::regex expression;
    FirstLine first_line;
    std::unique_ptr<PortWatch> port;
    FileEvents::Subscription subscription;
    Loop::Handle bound, again;
    bool over = false;
    OldFile old;

    void begin();
    void finish();
    void reached(const std::string& value);
    void impossible(const std::string& seen, const std::string& expected);
    void begin_line();
    void begin_port();
    void begin_http();
    void look_for();
    void look_at_file();
    void look_at_log(bool ended);
    void ended(const ChildStatus& status);
    std::string words() const;
    std::string seen() const;
};

void Milestones::Watch::finish() {
    over = true;
    bound.cancel();
    again.cancel();
    subscription = {};
    port.reset();
}

void Milestones::Watch::reached(const std::string& value) {
    finish();
    handlers.reached(what, value);
}

std::string Milestones::Watch::words() const {
    if (what.kind == "port") return "port " + what.arg + " was not open";
    if (what.kind == "http") return "http://" + what.arg + " gave no 2xx or 3xx";
    if (what.kind == "exists")
        return what.arg + (old                  ? " was not written anew"
                           : is_folder(pattern) ? " is a folder"
                                                : " was not there");
    if (what.kind == "file") return "the file " + pattern + " was not there";
    if (what.kind == "line") return "its log had no line \"" + what.arg + "\"";
    return "it had not ended with 0";
}

/// In its place, where that tells something.
std::string Milestones::Watch::seen() const {
    if (port) return port->seen();
    if (what.kind != "exists") return {};
    if (is_folder(pattern)) return "it is a folder";
    if (old) return "the file was there before this start, and has not changed since";
    const auto folder = pattern.substr(0, pattern.rfind('/'));
    return folder.empty() || is_folder(folder) ? "" : fmt::format("its folder {} is not there", folder);
}

void Milestones::Watch::impossible(const std::string& seen, const std::string& expected) {
    finish();
    handlers.late(what, {.id = "milestone-impossible",
                         .thing = fmt::format("the milestone {} of {}", what.name, process),
                         .seen = seen,
                         .expected = expected});
}

void Milestones::Watch::begin() {
    if (what.within_s > 0)
        bound = loop.after(what.within_s, [this] {
            finish();
            handlers.late(what,
                          {.id = "milestone-late",
                           .thing = process,
                           .seen = fmt::format("did not come up: {} after {:g} s", words(), what.within_s),
                           .next = "look at the end of its log"});
        });
    if (what.kind == "started") return reached("");
    if (what.kind == "exit0") return;
    if (what.kind == "port") return begin_port();
    if (what.kind == "http") return begin_http();
    if (what.kind == "exists") return look_for();
    if (what.kind == "line") return begin_line();
    if (what.kind != "file")
        return impossible("has the kind " + what.kind, "started, port, http, exists, file, line or exit0");
    subscription = files.subscribe([this] { look_at_file(); });
    look_at_file();
}

void Milestones::Watch::begin_port() {
    auto made = PortWatch::make(loop, what.arg, [this](const std::string& value) { reached(value); });
    if (!made) return impossible(made.error().finding.seen, made.error().finding.expected);
    port = std::move(*made);
}

void Milestones::Watch::begin_http() {
    auto made = PortWatch::make_http(loop, what.arg, [this](const std::string& value) { reached(value); });
    if (!made) return impossible(made.error().finding.seen, made.error().finding.expected);
    port = std::move(*made);
}

void Milestones::Watch::look_for() {
    struct stat status {};
    const bool there = stat(pattern.c_str(), &status) == 0;
    if (there && !S_ISDIR(status.st_mode) && !old.is(status)) return reached(pattern);
    if (!there) old.is_gone();
    again = loop.after(look_for_s, [this] { look_for(); });
}

void Milestones::Watch::begin_line() {
    if (!has_log) return impossible("asks for a line of the log", "a process that has a log file");
    try {
        expression = std::regex(what.arg);
    } catch (const std::regex_error& error) {
        return impossible(fmt::format("is \"{}\": {}", what.arg, error.what()), "a regular expression");
    }
    subscription = files.subscribe([this] { look_at_log(false); });
    files.watch(log_path);
    look_at_log(false);
}

void Milestones::Watch::look_at_file() {
    // Folders that appear between the look and the watch would be missed: look again after watching.
    auto expanded = expand_pattern(pattern);
    for (auto& folder : expanded.folders) files.watch(folder.empty() ? "/" : folder);
    expanded = expand_pattern(pattern);
    for (auto& path : expanded.matches)
        if (auto line = first_line.look(path); !line.empty()) return reached(line);
    if (first_line.unsure()) again = loop.after(look_again_s, [this] { look_at_file(); });
}

void Milestones::Watch::look_at_log(bool ended) {
    for (bool more = true; more && !over;)
        for (auto& line : lines.new_lines(ended, more)) {
            std::smatch match;
            try {
                if (!std::regex_search(line, match, expression)) continue;
            } catch (const std::regex_error&) {
                continue; // too complex for this line
            }
            return reached(match.size() > 1 ? match[1].str() : line);
        }
}

void Milestones::Watch::ended(const ChildStatus& status) {
    if (over) return;
    if (what.kind == "exit0" && status.success()) return reached("");
    if (what.kind == "line") look_at_log(true);
    if (what.kind == "exists") look_for();
    if (what.kind == "file" && !over) {
        look_at_file();
        if (!over && first_line.unsure()) look_at_file(); // nobody writes any more
    }
    if (!over) finish(); // its end tells more than a bound that passes later
}

Result<void> gates_are_shut(const Process& process) {
    for (const auto& each : process.milestones) {
        if (each.fresh && each.kind == "exists" && is_folder(each.arg))
            return fail(ErrorKind::bringup_failed,
                        {.id = "gate-folder",
                         .thing = each.arg,
                         .seen = "is a folder",
                         .expected = "a file that is written when the process is ready",
                         .next = "name one in that folder"});
        if (!each.fresh || (each.kind != "port" && each.kind != "http")) continue;
        const auto place = each.arg.substr(0, each.arg.find('/'));
        const auto endpoint = endpoint_from(place);
        if (endpoint && is_open(*endpoint))
            return fail(ErrorKind::bringup_failed,
                        {.id = "port-open",
                         .thing = "port " + place.substr(place.rfind(':') + 1),
                         .seen = "is taken by another program, which would be ready in its place",
                         .next = "choose another port, or end what listens there (see 'ss -ltnp')"});
    }
    return {};
}

Milestones::Milestones(Loop& loop, FileEvents& files, const Process& process, const std::string& dir,
                       const std::string& log, Handlers handlers) {
    for (auto& milestone : process.milestones)
        watches_.push_back(
            std::make_unique<Watch>(loop, files, milestone, spoken(process.id), dir, log, handlers));
}

Milestones::~Milestones() = default;

void Milestones::begin() {
    for (auto& watch : watches_) watch->begin();
}

std::string Milestones::missing() const {
    std::string names;
    for (auto& watch : watches_) {
        if (watch->over) continue;
        names += (names.empty() ? "" : ", ") + watch->what.name;
        if (auto seen = watch->seen(); !seen.empty()) names += ": " + seen;
    }
    return names;
}

void Milestones::ended(const ChildStatus& status) {
    for (auto& watch : watches_) watch->ended(status);
}

} // namespace railhead
