#pragma once
#include "base/error.hpp"
#include "topology/characters.hpp"

#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace railhead::topology {

/// The lines of a text, counted from 1, without "\n" and "\r", nor the mark that spreadsheets put in front.
class LineReader {
  public:
    explicit LineReader(std::string_view text) : rest_(text) {
        if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
    }

    bool next(std::string_view& line) {
        if (rest_.empty()) return false;
        ++number_;
        const void* end = std::memchr(rest_.data(), '\n', rest_.size());
        auto size =
            end ? static_cast<std::size_t>(static_cast<const char*>(end) - rest_.data()) : rest_.size();
        line = rest_.substr(0, size);
        rest_.remove_prefix(end ? size + 1 : size);
        is_cut_ = end == nullptr;
        if (line.ends_with('\r')) line.remove_suffix(1);
        return true;
    }
    std::uint32_t number() const { return number_; }
    /// The last line has no end: the text may have been cut off in it.
    bool is_cut() const { return is_cut_; }

  private:
    std::string_view rest_;
    std::uint32_t number_ = 0;
    bool is_cut_ = false;
};

/// Without blanks at its ends.
inline std::string_view trimmed(std::string_view text) {
    auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

/// What stands behind the last blank, but for blanks at the end.
inline std::string_view last_word(std::string_view text) {
    text = trimmed(text);
    auto begin = text.size();
    while (begin > 0 && text[begin - 1] != ' ' && text[begin - 1] != '\t') --begin;
    return text.substr(begin);
}

/// Goes through one line from left to right.
class Scanner {
  public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    std::string_view rest() const { return rest_; }
    void skip_blanks() {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
    }
    bool take(char c) {
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool take(std::string_view text) {
        if (!rest_.starts_with(text)) return false;
        rest_.remove_prefix(text.size());
        return true;
    }
    /// The text before `c`, which is taken too.
    std::optional<std::string_view> until(char c) {
        auto at = rest_.find(c);
        if (at == rest_.npos) return std::nullopt;
        auto found = rest_.substr(0, at);
        rest_.remove_prefix(at + 1);
        return found;
    }
    std::string_view word() {
        skip_blanks();
        std::size_t size = 0;
        while (size < rest_.size() && rest_[size] != ' ' && rest_[size] != '\t') ++size;
        auto found = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return found;
    }

  private:
    std::string_view rest_;
};

/// "0x0002c90300a1", "2c90300a1": at most 16 hex digits.
inline std::optional<std::uint64_t> guid_from(std::string_view text) {
    if (text.starts_with("0x")) text.remove_prefix(2);
    if (text.size() > 16) return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return problem == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// What a reader says of a line that it cannot take.
inline tl::unexpected<Error> bad_line(std::uint32_t number, std::string_view line, std::string expected) {
    auto shown = printable(line.substr(0, 100));
    return fail(ErrorKind::usage, {.id = "fabric-line",
                                   .where = "line " + std::to_string(number),
                                   .thing = "\"" + shown + "\"",
                                   .seen = "cannot be read",
                                   .expected = std::move(expected)});
}

} // namespace railhead::topology
