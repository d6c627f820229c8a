#include "launcher/agent/milestones.hpp"

#include "launcher/agent/files.hpp"
#include "launcher/agent/logs.hpp"
#include "launcher/agent/port_watch.hpp"

#include <fmt/core.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <dirent.h>

#include <optional>
#include <regex>

namespace railhead {
namespace {

constexpr double look_again_s = 0.05;
constexpr std::size_t longest_value = 32 * 1024;
constexpr double look_for_s = 0.2; ///< no event tells what another node does on a shared file system

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
    if (what.kind == "exists") return what.arg + " was not there";
    if (what.kind == "file") return "the file " + pattern + " was not there";
    if (what.kind == "line") return "its log had no line \"" + what.arg + "\"";
    return "it had not ended with 0";
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
    if (struct stat status{}; stat(pattern.c_str(), &status) == 0) return reached(pattern);
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

Milestones::Milestones(Loop& loop, FileEvents& files, const Process& process, const std::string& dir,
                       const std::string& log, Handlers handlers) {
    for (auto& milestone : process.milestones)
        watches_.push_back(std::make_unique<Watch>(loop, files, milestone, process.id, dir, log, handlers));
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
        if (watch->port && !watch->port->seen().empty()) names += ": " + watch->port->seen();
    }
    return names;
}

void Milestones::ended(const ChildStatus& status) {
    for (auto& watch : watches_) watch->ended(status);
}

} // namespace railhead
