#pragma once
#include "base/output_queue.hpp"
#include "launcher/plan.hpp"
#include "launcher/supervisor/report.hpp"

#include <string>
#include <string_view>

namespace railhead {

/// The only place from which a launch prints, always to standard error: standard output belongs to the user's
/// program. In a log: a line per phase with the seconds since the start. On a terminal: one live line that is
/// rewritten, and the lines that stay. With JSON: one object per line, the last one the report. Nothing here
/// waits for the reader but the end.
class Console {
  public:
    enum class Style { log, terminal, json };
    /// JSON if asked for; else what standard error is.
    static Style style_for(bool json);
    explicit Console(Style style);
    ~Console();
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;

    void line(double now_s, std::string_view text); ///< stays
    /// Replaced by the next. In a log: a line when nothing was said for 10 s, then for 20, 40, ...
    void live(double now_s, std::string_view text);
    void report(const Report& report);
    void raw(std::string_view bytes); ///< what the step printed, untouched
    bool is_full() const { return queue_.is_full(); }
    bool is_read_within(double seconds) const { return queue_.empty_within(seconds); }
    /// --dry-run: the plan on standard output, without its secrets.
    static void print_plan(Plan plan);

  private:
    void wipe();
    void write(std::string_view text) { queue_.write(text); }
    std::string_view line_end() const;
    Style style_;
    OutputQueue queue_;
    bool live_shown_ = false;
    double said_at_s_ = 0, patience_s_ = 10;
};

} // namespace railhead
