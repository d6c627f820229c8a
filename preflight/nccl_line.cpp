#include "preflight/nccl_line.hpp"

#include <charconv>

namespace railhead::nccl {
namespace {

constexpr std::string_view marks[] = {" NCCL INFO ", " NCCL WARN "};
constexpr std::string_view version_marks[] = {"NCCL version ", "RCCL version "};

std::string_view without_blanks_at_end(std::string_view text) {
    while (!text.empty() && (text.back() == ' ' || text.back() == '\r' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

template <class Number>
bool is_number(std::string_view text, Number& number) {
    auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

/// What follows the last `mark` in `text`, which loses both; all of it where there is none.
std::string_view cut_after_last(std::string_view& text, char mark) {
    auto at = text.rfind(mark);
    auto last = at == std::string_view::npos ? text : text.substr(at + 1);
    text = at == std::string_view::npos ? std::string_view() : text.substr(0, at);
    return last;
}

/// "... host:pid:tid [device]", behind which a warning has its place in the source.
bool read_sender(std::string_view head, Line& line) {
    if (line.is_warning)
        if (auto end = head.rfind("] "); end != head.npos) head = head.substr(0, end + 1);
    head = without_blanks_at_end(head);
    if (head.ends_with(']')) {
        auto begin = head.rfind('[');
        if (begin == head.npos || !is_number(head.substr(begin + 1, head.size() - begin - 2), line.device))
            return false;
        head = without_blanks_at_end(head.substr(0, begin));
    }
    auto sender = cut_after_last(head, ' ');
    std::uint64_t thread = 0;
    if (!is_number(cut_after_last(sender, ':'), thread) || !is_number(cut_after_last(sender, ':'), line.pid))
        return false;
    line.host = cut_after_last(sender, ':'); // mpirun's "[1,1]<stdout>:" needs no blank behind it
    return !line.host.empty();
}

} // namespace

std::optional<Line> line_from(std::string_view text) {
    auto at = text.find("CCL "); // of few lines that are not NCCL's
    if (at == text.npos || at == 0) return std::nullopt;
    for (auto mark : marks) {
        auto found = text.find(mark, at < 2 ? 0 : at - 2);
        if (found == text.npos) continue;
        Line line{.is_warning = mark[6] == 'W',
                  .message = without_blanks_at_end(text.substr(found + mark.size()))};
        if (read_sender(text.substr(0, found), line)) return line;
    }
    for (auto version : version_marks)
        if (auto found = text.find(version); found != text.npos)
            return Line{.message = without_blanks_at_end(text.substr(found))};
    return std::nullopt;
}

} // namespace railhead::nccl
