#include "launcher/agent/console_tail.hpp"

#include "base/clock.hpp"
#include "launcher/plan.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace railhead {
namespace {

constexpr std::size_t most_queued_bytes = 256 * 1024; ///< in memory; the rest waits in the file
constexpr std::size_t most_tailed_at_once = 64 * 1024;
constexpr std::uint64_t kept_of_log_bytes = 64 << 20; ///< of a log
constexpr double tail_every_s = 0.05;                 ///< at most so often for what is new
constexpr double tail_soon_s = 0.01;                  ///< while the console is behind
constexpr double output_travels_s = 0.1;              ///< from our output through slurmstepd and srun
constexpr double others_write_s = 1; ///< so long after an end more lines of it may come: not for ever

} // namespace

Finding lost_output(const std::string& node, const std::string& id, std::uint64_t bytes) {
    return {.id = "output-lost",
            .level = Level::warn,
            .where = node,
            .thing = spoken(id),
            .seen = fmt::format("has ended, and nobody took the last {} bytes of its output", bytes),
            .next = "see its log"};
}

ConsoleTail::~ConsoleTail() {
    // Its thread may stand in a write that never ends; it dies with this process, which is at its end.
    for (auto& output : outputs_)
        if (output.queue && !output.queue->empty_within(0)) (void)output.queue.release();
}

ConsoleTail::Output& ConsoleTail::output(Stream stream) {
    auto& output = outputs_[stream == Stream::output ? 0 : 1];
    if (!output.queue)
        output.queue =
            std::make_unique<OutputQueue>(stream == Stream::output ? STDOUT_FILENO : STDERR_FILENO);
    return output;
}

void ConsoleTail::follow(const std::string& id, const std::string& path, std::string prefix, Stream stream) {
    if (followed_.empty()) subscription_ = files_.subscribe([this] { look_soon(); });
    files_.watch(path);
    followed_[id].sources.push_back({GrowingFile(path), std::move(prefix), stream});
    give_up_s_.reset(); // the end of an earlier start is over
    look_soon();        // it may have been written to before it was watched
}

void ConsoleTail::ended(const std::string& id, double patience_s, std::function<void(std::uint64_t)> then,
                        Then after) {
    auto found = followed_.find(id);
    if (found == followed_.end()) return then(0);
    found->second.end = End{monotonic_s(), patience_s, std::move(then), after};
    timer_.cancel(); // at once: all that there will be is there
    look_soon();
}

void ConsoleTail::last(std::function<void(const std::string&, std::uint64_t)> then) {
    for (auto& entry : followed_)
        if (!entry.second.end)
            ended(entry.first, std::numeric_limits<double>::infinity(),
                  [then, id = entry.first](std::uint64_t lost) { then(id, lost); });
}

void ConsoleTail::hurry(double seconds) {
    give_up_s_ = monotonic_s() + seconds;
}

bool ConsoleTail::is_done() const {
    return std::ranges::none_of(followed_, [](auto& entry) { return entry.second.end.has_value(); });
}

void ConsoleTail::look_soon() {
    changed_ = true;
    if (!timer_) timer_ = loop_.after(0, [this] { look(); });
}

void ConsoleTail::look() {
    if (!std::exchange(changed_, false) && !behind_ && is_done()) return timer_.cancel();
    const auto now_s = monotonic_s();
    for (auto& output : outputs_) {
        if (!output.queue) continue;
        auto waiting = output.queue->waiting();
        if (waiting < output.waiting || waiting == 0) output.moved_s = now_s;
    }
    behind_ = false;
    for (auto& [id, followed] : followed_)
        for (auto& source : followed.sources) show(source, followed.end.has_value());
    for (auto& output : outputs_) output.waiting = output.queue ? output.queue->waiting() : 0;
    tell_ends(now_s);
    timer_ = loop_.after(behind_ || !is_done() ? tail_soon_s : tail_every_s, [this] { look(); });
}

void ConsoleTail::show(Source& source, bool ended) {
    if (source.prefix.empty()) source.file.skip();
    source.file.drop_given(kept_of_log_bytes);
    if (source.prefix.empty()) return; // what came since is not shown either
    for (bool more = true; more;) {
        if (auto* queue = output(source.stream).queue.get(); queue->waiting() >= most_queued_bytes) {
            behind_ = true;
            return;
        }
        std::string text;
        for (auto& line : source.file.new_lines(ended, more, most_tailed_at_once))
            text += source.prefix + line + "\n";
        if (text.empty()) continue;
        auto& to = output(source.stream);
        to.queue->write(text);
        source.mark = to.queued += text.size();
        source.written_s = monotonic_s();
    }
}

bool ConsoleTail::is_taken(const Source& source) {
    auto& to = output(source.stream);
    return source.file.unread() == 0 && to.queued - to.queue->waiting() >= source.mark;
}

bool ConsoleTail::all_taken(const Followed& followed, double now_s) {
    return std::ranges::all_of(followed.sources, [&](const Source& source) {
        auto last_s = std::min(source.written_s, followed.end->since_s + others_write_s);
        return is_taken(source) && now_s > last_s + output_travels_s;
    });
}

bool ConsoleTail::out_of_patience(const Followed& followed, double now_s) {
    if (give_up_s_ && now_s > *give_up_s_) return true;
    return std::ranges::any_of(followed.sources, [&](const Source& source) {
        return !is_taken(source) && now_s > std::max(output(source.stream).moved_s, followed.end->since_s) +
                                                followed.end->patience_s;
    });
}

/// Of what is queued for the console nobody knows whose it is: that counts for all.
std::uint64_t ConsoleTail::untaken(const Followed& followed) {
    std::uint64_t bytes = 0;
    for (auto& source : followed.sources)
        bytes += source.file.unread() + output(source.stream).queue->waiting();
    return bytes;
}

void ConsoleTail::tell_ends(double now_s) {
    std::vector<std::pair<std::function<void(std::uint64_t)>, std::uint64_t>> calls;
    for (auto entry = followed_.begin(); entry != followed_.end();) {
        auto& followed = entry->second;
        bool taken = followed.end && all_taken(followed, now_s);
        bool over = taken || (followed.end && out_of_patience(followed, now_s));
        if (over) calls.emplace_back(std::move(followed.end->then), taken ? 0 : untaken(followed));
        bool forget = over && followed.end->after == Then::forget;
        if (over) followed.end.reset();
        entry = forget ? followed_.erase(entry) : std::next(entry);
    }
    if (followed_.empty()) subscription_ = {};
    for (auto& [then, lost] : calls) then(lost);
}

} // namespace railhead
