#include "topology/json_stream.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead::topology {
namespace {

constexpr std::size_t most_depth = 64; ///< of what is read here; the deepest answer known has ten
constexpr std::size_t most_bytes = std::size_t{128} << 20; ///< it takes ten times as many in memory

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

tl::unexpected<Error> no_json(std::uint32_t line, std::string thing, std::string seen) {
    return fail(ErrorKind::usage, {.id = "fabric-json",
                                   .where = fmt::format("line {}", line),
                                   .thing = std::move(thing),
                                   .seen = std::move(seen)});
}

/// How many bytes the parser takes before it stumbles; it says so in its exception only.
std::size_t sound_bytes(std::string_view piece) {
    try {
        const auto value = nlohmann::json::parse(piece.begin(), piece.end());
        return value.is_discarded() ? 0 : piece.size();
    } catch (const nlohmann::json::parse_error& error) {
        return error.byte == 0 ? 0 : error.byte - 1;
    } catch (const nlohmann::json::exception&) {
        return 0; // a number that is too large
    }
}

std::uint32_t lines_in(std::string_view text) {
    return static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n'));
}

tl::unexpected<Error> damaged(std::string_view piece, std::uint32_t first_line) {
    const auto sound = sound_bytes(piece);
    const bool is_cut = sound >= piece.size();
    const auto told =
        is_cut ? piece.substr(0, piece.find_last_not_of(" \t\r\n") + 1) : piece.substr(0, sound);
    return no_json(first_line + lines_in(told), fmt::format("the JSON that begins on line {}", first_line),
                   is_cut ? "is not there to its end" : "is damaged there");
}

} // namespace

/// Behind the object or list that begins at `at_`; the end of the text where it is not closed.
JsonStream::End JsonStream::end_of_value() const {
    std::size_t depth = 0;
    bool in_text = false;
    for (auto i = at_; i < text_.size(); ++i) {
        char c = text_[i];
        if (in_text) {
            if (c == '\\') ++i;
            in_text = c != '"';
        } else if (c == '"') {
            in_text = true;
        } else if (c == '{' || c == '[') {
            if (++depth > most_depth) return {i, true};
        } else if ((c == '}' || c == ']') && (depth == 0 || --depth == 0)) {
            return {i + 1};
        }
    }
    return {text_.size()};
}

Result<std::optional<nlohmann::json>> JsonStream::next() {
    while (at_ < text_.size() && is_blank(text_[at_])) next_line_ += text_[at_++] == '\n' ? 1 : 0;
    line_ = next_line_;
    if (at_ == text_.size()) return std::optional<nlohmann::json>();
    if (text_[at_] != '{' && text_[at_] != '[')
        return no_json(line_, "the JSON that begins there", "is neither an object nor a list");
    const auto end = end_of_value();
    auto piece = text_.substr(at_, end.at - at_);
    if (end.is_too_deep)
        return no_json(line_ + lines_in(piece), fmt::format("the JSON that begins on line {}", line_),
                       fmt::format("is nested more than {} deep there", most_depth));
    if (piece.size() > most_bytes)
        return no_json(line_, fmt::format("the JSON that begins on line {}", line_),
                       fmt::format("is larger than {} MiB; ask for fewer fields, or put smaller answers one "
                                   "behind the other",
                                   most_bytes >> 20));
    auto value = nlohmann::json::parse(piece.begin(), piece.end(), nullptr, false);
    if (value.is_discarded()) return damaged(piece, line_);
    next_line_ += lines_in(piece);
    at_ = end.at;
    return std::optional(std::move(value));
}

const nlohmann::json& below(const nlohmann::json& value, std::initializer_list<const char*> names) {
    static const nlohmann::json nothing;
    auto only = [](const nlohmann::json* at) {
        return at->is_array() && at->size() == 1 ? &at->front() : at;
    };
    const auto* at = only(&value);
    for (const auto* name : names) {
        auto found = at->is_object() ? at->find(name) : at->end();
        if (found == at->end()) return nothing;
        at = only(&*found);
    }
    return *at;
}

std::string_view text_of(const nlohmann::json& value) {
    return value.is_string() ? std::string_view(value.get_ref<const std::string&>()) : std::string_view();
}

} // namespace railhead::topology
