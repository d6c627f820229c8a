#include "base/toml.hpp"

#include <algorithm>
#include <fmt/core.h>
#include <optional>

namespace railhead {

namespace {

/// Looks for the first byte outside of strings and comments that is not ASCII. Nothing that Railhead reads
/// needs one, and for some toml++ 3.2 to 3.4 has undefined behaviour (is_non_ascii_horizontal_whitespace). A
/// quote begins a string only where a key or a value may begin: toml++ takes that of 1"x" or 1["x" for a part
/// of the number.
class StrayByte {
  public:
    explicit StrayByte(std::string_view text) : text_(text) {}

    std::optional<std::size_t> find() {
        for (; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '\n')
                begin_line();
            else if (c == '#')
                at_ = std::min(text_.find('\n', at_), text_.size()) - 1;
            else if ((c == '"' || c == '\'') && may_begin_)
                skip_string(c);
            else if (static_cast<unsigned char>(c) > 0x7f)
                return at_;
            else if (c != ' ' && c != '\t')
                take(c);
        }
        return std::nullopt;
    }

  private:
    void begin_line() {
        may_begin_ = true;
        if (depth_ == 0) in_value_ = false;
    }

    void take(char c) {
        if (c == '=') {
            may_begin_ = !in_value_;
            in_value_ = true;
        } else if (c == '.') {
            may_begin_ = !in_value_; // between the parts of a key
        } else if (c == ',') {
            may_begin_ = true;
        } else if ((c == '[' || c == '{') && may_begin_) {
            if (in_value_) ++depth_;
        } else {
            if ((c == ']' || c == '}') && depth_ > 0) --depth_;
            may_begin_ = false;
        }
    }

    /// To its last byte, or to the one before the end of the line where that comes first.
    void skip_string(char quote) {
        const std::string three(3, quote);
        const bool is_long = text_.substr(at_).starts_with(three);
        at_ += is_long ? 3 : 1;
        for (; at_ < text_.size(); ++at_) {
            if (quote == '"' && text_[at_] == '\\')
                ++at_;
            else if (is_long ? text_.substr(at_).starts_with(three) : text_[at_] == quote)
                break;
            else if (!is_long && text_[at_] == '\n')
                return void(--at_);
        }
        if (is_long) at_ += 2;
        may_begin_ = false;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int depth_ = 0;         ///< brackets that are open in a value
    bool in_value_ = false; ///< behind the = of a line
    bool may_begin_ = true; ///< a key or a value, here
};

} // namespace

tl::expected<toml::table, TomlFault> parse_toml(std::string_view text) {
    if (const auto stray = StrayByte(text).find()) {
        const auto before = text.substr(0, *stray);
        const auto lines = std::count(before.begin(), before.end(), '\n');
        const auto begin = before.rfind('\n') + 1; // npos + 1 is 0
        return tl::unexpected(
            TomlFault{static_cast<std::uint32_t>(lines + 1), static_cast<std::uint32_t>(*stray - begin + 1),
                      "have a character that is not ASCII outside of strings and comments"});
    }
    auto parsed = toml::parse(text);
    if (parsed) return std::move(parsed).table();
    const auto& error = parsed.error();
    const auto at = error.source().begin;
    return tl::unexpected(
        TomlFault{at.line, at.column, fmt::format("are not TOML: {}", error.description())});
}

} // namespace railhead
