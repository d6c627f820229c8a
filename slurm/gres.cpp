#include "slurm/gres.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace railhead {
namespace {

/// A stretch of the whole text, so that errors can point into it.
struct Span {
    std::size_t begin = 0, end = 0;
    bool empty() const { return begin >= end; }
};

class GresText {
  public:
    explicit GresText(std::string_view text) : text_(text) {}

    std::string_view of(Span span) const { return text_.substr(span.begin, span.end - span.begin); }

    tl::unexpected<Error> wrong(std::size_t at, std::string seen) const {
        return fail(ErrorKind::usage, {.id = "gres",
                                       .where = fmt::format("character {}", at + 1),
                                       .thing = fmt::format("GRES \"{}\"", text_.substr(0, 200)),
                                       .seen = std::move(seen),
                                       .expected = "NAME[:TYPE][:COUNT]"});
    }

    /// Commas outside parentheses separate; a parenthesis that never closes is an error.
    Result<std::vector<Span>> items() const {
        std::vector<Span> found;
        std::size_t begin = 0, opened = 0;
        bool inside = false;
        for (std::size_t i = 0; i <= text_.size(); ++i) {
            if (i == text_.size() || (text_[i] == ',' && !inside)) {
                if (inside) return wrong(opened, "has no closing )");
                if (i > begin) found.push_back({begin, i});
                begin = i + 1;
            } else if (text_[i] == '(') {
                inside = true;
                opened = i;
            } else if (text_[i] == ')') {
                inside = false;
            }
        }
        return found;
    }

  private:
    std::string_view text_;
};

std::optional<std::uint64_t> multiplier_of(std::string_view suffix) {
    if (suffix.empty()) return 1;
    constexpr std::string_view letters = "kmgtp";
    auto power = letters.find(static_cast<char>(std::tolower(static_cast<unsigned char>(suffix[0]))));
    if (power == std::string_view::npos) return std::nullopt;
    std::string rest;
    for (char c : suffix.substr(1)) rest += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (!rest.empty() && rest != "b" && rest != "ib") return std::nullopt;
    std::uint64_t result = 1;
    for (std::size_t i = 0; i <= power; ++i) result *= rest == "b" ? 1000 : 1024;
    return result;
}

/// A count with its suffix; nullopt when the text is not wholly one, or too large.
std::optional<std::uint64_t> count_of(std::string_view text) {
    std::uint64_t value = 0;
    auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc{}) return std::nullopt;
    auto multiplier = multiplier_of(text.substr(static_cast<std::size_t>(end - text.data())));
    std::uint64_t product = 0;
    if (!multiplier || __builtin_mul_overflow(value, *multiplier, &product)) return std::nullopt;
    return product;
}

/// NAME[:TYPE][:COUNT] or NAME[:TYPE]=COUNT in `span`. A last field that is no number is the type:
/// "gpu:2080ti".
Result<NodeGres> name_type_count(const GresText& text, Span span) {
    auto all = text.of(span);
    NodeGres gres{.count = 1};
    auto name_end = std::min(all.find_first_of(":="), all.size());
    gres.gres = all.substr(0, name_end);
    if (gres.gres.empty()) return text.wrong(span.begin, "has no name");
    if (name_end == all.size()) return gres;

    auto separator = all.find_last_of(":=");
    auto last = all.substr(separator + 1);
    if (last.empty())
        return text.wrong(span.begin + separator, fmt::format("ends with '{}'", all[separator]));
    auto count = count_of(last);
    bool is_number = last.find_first_not_of("0123456789", last[0] == '-' ? 1 : 0) == std::string_view::npos;
    if (!count && (all[separator] == '=' || is_number)) // "-1", or more than 64 bits hold: no type's name
        return text.wrong(span.begin + separator + 1, fmt::format("has the count \"{}\"", last));
    auto type_end = count ? separator : all.size();
    gres.count = count.value_or(1);
    if (type_end > name_end) gres.type = all.substr(name_end + 1, type_end - name_end - 1);
    if (type_end > name_end && gres.type.empty())
        return text.wrong(span.begin + name_end + 1, "has an empty type");
    constexpr std::string_view flag = "no_consume"; // slurm.conf(5), Gres
    if (gres.type.ends_with(flag)) gres.type.resize(gres.type.size() - flag.size());
    if (gres.type.ends_with(':')) gres.type.pop_back();
    if (auto extra = gres.type.find_first_of(":="); extra != std::string::npos)
        return text.wrong(span.begin + name_end + 1 + extra, "has too many fields");
    return gres;
}

} // namespace

std::string_view name_of(Per per) {
    switch (per) {
    case Per::job:
        return "job";
    case Per::node:
        return "node";
    case Per::socket:
        return "socket";
    case Per::task:
        break;
    }
    return "task";
}

Result<std::vector<GresItem>> parse_tres(std::string_view whole, Per per) {
    GresText text(whole);
    auto spans = text.items();
    if (!spans) return tl::unexpected(spans.error());
    std::vector<GresItem> items;
    for (auto span : *spans) {
        auto spelling = text.of(span);
        if (!spelling.starts_with("gres:") && !spelling.starts_with("gres/")) continue;
        auto gres = name_type_count(text, {span.begin + 5, span.end});
        if (!gres) return tl::unexpected(gres.error());
        if (gres->count == 0 || gres->gres == "none") continue;
        GresItem item{gres->gres, gres->type, per, gres->count, std::string(spelling)};
        std::erase_if(items, [&](const GresItem& earlier) {
            bool same = earlier.gres == item.gres && earlier.type == item.type;
            if (same) item.replaced = earlier.count;
            return same;
        });
        items.push_back(std::move(item));
    }
    return items;
}

Result<std::vector<NodeGres>> parse_node_gres(std::string_view whole) {
    std::vector<NodeGres> found;
    if (whole == "(null)") return found;
    GresText text(whole);
    auto spans = text.items();
    if (!spans) return tl::unexpected(spans.error());
    for (auto span : *spans) {
        if (auto bracket = text.of(span).find('('); bracket != std::string_view::npos)
            span.end = span.begin + bracket; // sockets and indices: "(S:0-1)"
        auto gres = name_type_count(text, span);
        if (!gres) return tl::unexpected(gres.error());
        auto same = std::find_if(found.begin(), found.end(), [&](const NodeGres& other) {
            return other.gres == gres->gres && other.type == gres->type;
        });
        if (same == found.end())
            found.push_back(std::move(*gres));
        else if (__builtin_add_overflow(same->count, gres->count, &same->count))
            return text.wrong(span.begin, "counts more than 64 bits hold");
    }
    return found;
}

} // namespace railhead
