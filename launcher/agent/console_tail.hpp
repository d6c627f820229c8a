#pragma once
#include "base/error.hpp"
#include "base/output_queue.hpp"
#include "launcher/agent/file_events.hpp"
#include "launcher/agent/logs.hpp"
#include "launcher/agent/loop.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace railhead {

/// Of a process on `node` whose last `bytes` the console has not taken.
Finding lost_output(const std::string& node, const std::string& id, std::uint64_t bytes);

/// Shows what processes write to their logs on the agent's own output and errors, line by line behind a
/// prefix. The files hold what the console has not taken: a console that takes nothing stops no process.
class ConsoleTail {
  public:
    enum class Stream { output, error };
    ConsoleTail(Loop& loop, FileEvents& files) : loop_(loop), files_(files) {}
    ~ConsoleTail();

    /// Begins to show a file that is there, for the process `id`; without a prefix it is not shown. In either
    /// case only its end stays on the disk: a chatty program runs for weeks.
    void follow(const std::string& id, const std::string& path, std::string prefix, Stream stream);
    enum class Then { forget, go_on };
    /// The process has ended. Calls `then` once the console has taken its last line, or has taken nothing for
    /// `patience_s`; with the bytes that it has not taken. `after` go_on: others still write to its files,
    /// which are shown until last().
    void ended(const std::string& id, double patience_s, std::function<void(std::uint64_t lost)> then,
               Then after = Then::forget);
    /// Nobody writes any more: what is still followed has ended, too. Bounded by hurry().
    void last(std::function<void(const std::string& id, std::uint64_t lost)> then);
    /// From now on the console is waited for so long at most, in all.
    void hurry(double seconds);
    /// Whether nothing is awaited any more.
    bool is_done() const;

  private:
    struct Source {
        GrowingFile file;
        std::string prefix;
        Stream stream;
        std::uint64_t mark = 0; ///< Output::queued after its last line
        double written_s = 0;   ///< when that was
    };
    struct End {
        double since_s, patience_s;
        std::function<void(std::uint64_t)> then;
        Then after;
    };
    struct Followed {
        std::vector<Source> sources;
        std::optional<End> end;
    };
    struct Output {
        std::unique_ptr<OutputQueue> queue; ///< made when it is needed: an agent has else no thread
        std::size_t waiting = 0;            ///< at the last look
        std::uint64_t queued = 0;           ///< bytes, ever
        double moved_s = 0;
    };

    Output& output(Stream stream);
    void look_soon();
    void look();
    void show(Source& source, bool ended);
    /// Whether the console has taken its lines, whatever others have written since.
    bool is_taken(const Source& source);
    bool all_taken(const Followed& followed, double now_s);
    bool out_of_patience(const Followed& followed, double now_s);
    std::uint64_t untaken(const Followed& followed);
    void tell_ends(double now_s);

    Loop& loop_;
    FileEvents& files_;
    FileEvents::Subscription subscription_;
    std::map<std::string, Followed> followed_;
    Output outputs_[2];
    Loop::Handle timer_;
    bool changed_ = false, behind_ = false;
    std::optional<double> give_up_s_;
};

} // namespace railhead
