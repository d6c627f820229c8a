#include "launcher/supervisor/console.hpp"

#include "launcher/json.hpp"

#include <fmt/core.h>

#include <cstdio>
#include <sys/ioctl.h>
#include <unistd.h>

namespace railhead {
namespace {

constexpr std::size_t live_columns = 79; ///< of a terminal that does not tell

} // namespace

Console::Style Console::style_for(bool json) {
    if (json) return Style::json;
    return isatty(STDERR_FILENO) ? Style::terminal : Style::log;
}

void Console::print_plan(Plan plan) {
    for (auto& process : plan.processes)
        for (auto& [name, content] : process.secret_files) content = "(secret)";
    fmt::print("{}\n", json_text(plan, 2));
    std::fflush(stdout);
}

Console::Console(Style style) : style_(style), queue_(STDERR_FILENO) {}

Console::~Console() {
    wipe();
}

std::string_view Console::line_end() const {
    return style_ == Style::terminal ? "\r\n" : "\n"; // the driver's terminal is relayed: ours is raw then
}

void Console::wipe() {
    if (live_shown_) write("\r\x1b[K");
    live_shown_ = false;
}

void Console::line(double now_s, std::string_view text) {
    wipe();
    said_at_s_ = now_s;
    if (style_ == Style::json)
        return write(json_text({{"type", "progress"}, {"t_s", now_s}, {"text", text}}) + "\n");
    write(fmt::format("railhead: {:6.1f} s  {}{}", now_s, text, line_end()));
}

void Console::live(double now_s, std::string_view text) {
    if (style_ != Style::terminal) {
        if (now_s - said_at_s_ < patience_s_) return;
        patience_s_ *= 2;
        return line(now_s, text);
    }
    wipe();
    auto line = fmt::format("railhead: {:6.1f} s  {}", now_s, text);
    winsize size{}; // a line that wraps could not be wiped
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    write(line.substr(0, known ? size.ws_col - 1U : live_columns));
    live_shown_ = true;
}

void Console::report(const Report& report) {
    wipe();
    if (style_ == Style::json) {
        auto document = to_json(report);
        document["type"] = "report";
        return write(json_text(document) + "\n");
    }
    for (auto& text : summary_of(report)) write(fmt::format("railhead: {}{}", text, line_end()));
}

void Console::raw(std::string_view bytes) {
    wipe();
    write(bytes);
}

} // namespace railhead
