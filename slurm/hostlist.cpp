#include "slurm/hostlist.hpp"

#include <fmt/core.h>

#include <charconv>
#include <cstdint>
#include <optional>

namespace railhead {
namespace {

/// Longer than any host name (HOST_NAME_MAX is 64, DNS allows 255): bounds what a short text can expand to.
constexpr std::size_t max_host_bytes = 255;
/// Numbers in a range must stay exact in 64 bits.
constexpr std::size_t max_digits = 18;

struct Range {
    std::uint64_t low = 0, high = 0;
    std::size_t width = 0; ///< of the lower bound as written, for leading zeros
};

/// A name is a row of pieces: fixed text, or a bracket with its ranges.
struct Piece {
    std::string text;
    std::vector<Range> ranges; ///< empty: fixed text
};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

class HostlistParser {
  public:
    HostlistParser(std::string_view text, std::size_t limit) : text_(text), limit_(limit) {}

    Result<std::vector<std::string>> parse() {
        while (at_ < text_.size()) {
            auto pieces = name();
            if (!pieces) return tl::unexpected(pieces.error());
            if (auto grown = expand(*pieces); !grown) return tl::unexpected(grown.error());
            if (at_ < text_.size() && ++at_ == text_.size()) return wrong("ends with a comma", "a host name");
        }
        return std::move(hosts_);
    }

  private:
    tl::unexpected<Error> wrong(std::string seen, std::string expected) const {
        return fail(ErrorKind::usage, {.id = "hostlist",
                                       .where = fmt::format("character {}", at_ + 1),
                                       .thing = fmt::format("host list \"{}\"", text_.substr(0, 200)),
                                       .seen = std::move(seen),
                                       .expected = std::move(expected)});
    }

    Result<std::vector<Piece>> name() {
        std::vector<Piece> pieces;
        while (at_ < text_.size() && text_[at_] != ',') {
            if (text_[at_] == '[') {
                auto bracket = ranges();
                if (!bracket) return tl::unexpected(bracket.error());
                pieces.push_back({"", std::move(*bracket)});
                continue;
            }
            auto end = text_.find_first_of("[],", at_);
            if (end == std::string_view::npos) end = text_.size();
            for (auto i = at_; i < end; ++i)
                if (static_cast<unsigned char>(text_[i]) <= ' ') return at_ = i, wrong("has a blank", "");
            if (end == at_) return wrong("has a ] without [", "");
            pieces.push_back({std::string(text_.substr(at_, end - at_)), {}});
            at_ = end;
        }
        if (pieces.empty()) return wrong("has an empty name", "a host name");
        return pieces;
    }

    Result<std::vector<Range>> ranges() {
        std::vector<Range> found;
        do {
            ++at_; // the bracket or the comma before this range
            auto low = number();
            if (!low) return tl::unexpected(low.error());
            Range range{low->first, low->first, low->second};
            if (at_ < text_.size() && text_[at_] == '-') {
                ++at_;
                auto high = number();
                if (!high) return tl::unexpected(high.error());
                range.high = high->first;
                if (range.high < range.low) return wrong("has a range that runs backwards", "");
            }
            found.push_back(range);
        } while (at_ < text_.size() && text_[at_] == ',');
        if (at_ == text_.size()) return wrong("has no closing ]", "");
        if (text_[at_] != ']') return wrong(fmt::format("has '{}' inside a bracket", text_[at_]), "1-3,7");
        ++at_;
        return found;
    }

    Result<std::pair<std::uint64_t, std::size_t>> number() {
        auto begin = at_;
        while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
        auto digits = text_.substr(begin, at_ - begin);
        if (digits.empty()) return wrong("has no number inside a bracket", "1-3,7");
        if (digits.size() > max_digits) return at_ = begin, wrong("has a number too large", "");
        std::uint64_t value = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
        return std::pair{value, digits.size()};
    }

    /// Appends every name that `pieces` describe, the last bracket running fastest.
    Result<void> expand(const std::vector<Piece>& pieces) {
        std::vector<std::string> names{""};
        for (const auto& piece : pieces) {
            std::vector<std::string> longer;
            for (const auto& begun : names) {
                if (piece.ranges.empty()) longer.push_back(begun + piece.text);
                for (const auto& range : piece.ranges) {
                    if (range.high - range.low >= limit_ - std::min(limit_, longer.size()))
                        return wrong(fmt::format("names more than {} hosts", limit_), "");
                    for (auto number = range.low; number <= range.high; ++number)
                        longer.push_back(begun + fmt::format("{:0{}}", number, range.width));
                }
            }
            names = std::move(longer);
            if (names.front().size() > max_host_bytes)
                return wrong("has a name longer than 255 characters", "");
        }
        if (hosts_.size() + names.size() > limit_)
            return wrong(fmt::format("names more than {} hosts", limit_), "");
        hosts_.insert(hosts_.end(), std::make_move_iterator(names.begin()),
                      std::make_move_iterator(names.end()));
        return {};
    }

    std::string_view text_;
    std::size_t limit_;
    std::size_t at_ = 0;
    std::vector<std::string> hosts_;
};

/// A host name that ends in a number, split there.
struct Numbered {
    std::string prefix, digits;
    std::uint64_t number = 0;
};

std::optional<Numbered> split_number(const std::string& host) {
    auto begin = host.size();
    while (begin > 0 && is_digit(host[begin - 1])) --begin;
    auto digits = host.substr(begin);
    if (digits.empty() || digits.size() > max_digits || host.find('[') != std::string::npos)
        return std::nullopt;
    Numbered result{host.substr(0, begin), digits, 0};
    std::from_chars(digits.data(), digits.data() + digits.size(), result.number);
    return result;
}

/// Neighbours with one prefix, as "prefix[1-3,7]".
struct Group {
    std::string prefix;
    std::vector<std::pair<Numbered, Numbered>> runs; ///< first and last of each; empty: there is no group

    bool takes(const Numbered& next) {
        if (runs.empty() || next.prefix != prefix) return false;
        auto& [first, last] = runs.back();
        auto follows = fmt::format("{:0{}}", last.number + 1, first.digits.size());
        if (next.number == last.number + 1 && next.digits == follows)
            last = next;
        else
            runs.emplace_back(next, next);
        return true;
    }

    std::string text() const {
        std::string inside;
        for (const auto& [first, last] : runs) {
            if (!inside.empty()) inside += ',';
            inside += first.digits;
            if (last.number != first.number) inside += "-" + last.digits;
        }
        bool single = runs.size() == 1 && runs[0].first.number == runs[0].second.number;
        return single ? prefix + inside : prefix + "[" + inside + "]";
    }
};

tl::unexpected<Error> wrong_counts(std::string_view text, std::size_t at, std::string seen) {
    return fail(ErrorKind::usage, {.id = "counts",
                                   .where = fmt::format("character {}", at + 1),
                                   .thing = fmt::format("count list \"{}\"", text.substr(0, 200)),
                                   .seen = std::move(seen),
                                   .expected = "a list such as 16(x3),8"});
}

/// Reads a number at `at` and moves behind it; nullopt when there is none that fits an int.
std::optional<int> take_int(std::string_view text, std::size_t& at) {
    int value = 0;
    auto [end, problem] = std::from_chars(text.data() + at, text.data() + text.size(), value);
    if (problem != std::errc{} || value < 0) return std::nullopt;
    at = static_cast<std::size_t>(end - text.data());
    return value;
}

} // namespace

Result<std::vector<std::string>> expand_hostlist(std::string_view text, std::size_t limit) {
    return HostlistParser(text, limit).parse();
}

std::string compress_hostlist(const std::vector<std::string>& hosts) {
    std::string text;
    Group open;
    auto append = [&](const std::string& part) {
        if (!text.empty()) text += ',';
        text += part;
    };
    auto close = [&] {
        if (!open.runs.empty()) append(open.text());
        open = {};
    };
    for (const auto& host : hosts) {
        auto numbered = split_number(host);
        if (numbered && open.takes(*numbered)) continue;
        close();
        if (numbered)
            open = Group{numbered->prefix, {{*numbered, *numbered}}};
        else
            append(host);
    }
    close();
    return text;
}

Result<std::vector<int>> expand_counts(std::string_view text, std::size_t limit) {
    std::vector<int> counts;
    std::size_t at = 0;
    while (at < text.size()) {
        auto count = take_int(text, at);
        if (!count) return wrong_counts(text, at, "has no number");
        std::optional<int> times = 1;
        if (text.substr(at, 2) == "(x") {
            at += 2;
            times = take_int(text, at);
            if (!times) return wrong_counts(text, at, "has no repetition count");
            if (at == text.size() || text[at] != ')') return wrong_counts(text, at, "has no closing )");
            ++at;
        }
        if (static_cast<std::size_t>(*times) > limit - counts.size())
            return wrong_counts(text, at, fmt::format("has more than {} entries", limit));
        counts.insert(counts.end(), static_cast<std::size_t>(*times), *count);
        if (at == text.size()) break;
        if (text[at] != ',') return wrong_counts(text, at, fmt::format("has '{}'", text[at]));
        if (++at == text.size()) return wrong_counts(text, at, "ends with a comma");
    }
    return counts;
}

std::string compress_hostlist(std::vector<std::string> hosts, std::size_t most) {
    auto more = hosts.size() > most;
    if (more) hosts.resize(most);
    return compress_hostlist(hosts) + (more ? ",..." : "");
}

} // namespace railhead
