#include "launcher/agent/rank_logs.hpp"

#include "base/number.hpp"
#include "launcher/agent/logs.hpp"
#include "launcher/rank_words.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <regex>

namespace railhead {
namespace {

constexpr int abort_lines = 40;           ///< from the end of a log
constexpr std::ptrdiff_t code_within = 4; ///< lines after Open MPI's first one

std::optional<int> code_in(const std::string& line, const std::regex& pattern) {
    std::smatch match;
    if (!std::regex_search(line, match, pattern)) return std::nullopt;
    return whole_number<int>(match[1].str());
}

} // namespace

std::string rank_error_log(const std::string& dir, int rank) {
    auto path = log_path(dir, rank_log_name(rank) + ".err");
    return is_empty(path) ? "" : path;
}

std::optional<int> mpi_abort_code(const std::vector<std::string>& log) {
    static const std::regex mpich(R"(application called MPI_Abort\([^)]*, (-?\d+)\))"),
        open_mpi(R"([Ee]rrorcode:? +(-?\d+))");
    for (auto line = log.begin(); line != log.end(); ++line) {
        if (auto code = code_in(*line, mpich)) return code;
        if (line->find("MPI_ABORT was invoked on rank ") == std::string::npos) continue;
        const auto last = line + std::min(code_within, log.end() - line);
        for (auto next = line; next != last; ++next)
            if (auto code = code_in(*next, open_mpi)) return code;
    }
    return std::nullopt;
}

std::optional<FailedTask> aborted_task(const std::string& dir, int rank) {
    const auto path = rank_error_log(dir, rank);
    const auto code = mpi_abort_code(tail_of(path, abort_lines)).value_or(0) & 0xff;
    struct stat status {};
    if (code == 0 || stat(path.c_str(), &status) != 0) return std::nullopt;
    const auto at_s =
        static_cast<double>(status.st_mtim.tv_sec) + static_cast<double>(status.st_mtim.tv_nsec) / 1e9;
    return FailedTask{.ended = {.code = code, .rank = rank}, .at_s = at_s, .log = path};
}

} // namespace railhead
