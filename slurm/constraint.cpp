#include "slurm/constraint.hpp"

#include "slurm/fields.hpp"

#include <algorithm>

namespace railhead {
namespace {

using Sets = std::vector<Constraint::Features>;

constexpr std::size_t most_sets = 64;
constexpr int deepest = 8; ///< parentheses in parentheses

/// Every set of `a` joined with every one of `b`.
Sets both(const Sets& a, const Sets& b) {
    Sets joined;
    for (const auto& left : a)
        for (const auto& right : b) {
            joined.push_back(left);
            joined.back().insert(joined.back().end(), right.begin(), right.end());
        }
    return joined;
}

class ConstraintReader {
  public:
    explicit ConstraintReader(std::string_view text) : rest_(text) {}

    bool at_end() const { return rest_.empty(); }
    bool take(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }

    /// Terms joined by one operator.
    std::optional<Sets> terms(int depth) {
        auto sets = term(depth);
        char joined_by = 0;
        while (sets && (rest_.starts_with('&') || rest_.starts_with('|'))) {
            char op = rest_.front();
            rest_.remove_prefix(1);
            auto next = term(depth);
            if (!next || (joined_by && op != joined_by) || sets->size() * next->size() > most_sets)
                return std::nullopt;
            joined_by = op;
            if (op == '&')
                sets = both(*sets, *next);
            else
                sets->insert(sets->end(), next->begin(), next->end());
        }
        return sets;
    }

  private:
    std::optional<Sets> term(int depth) {
        if (take('(')) {
            if (depth == deepest) return std::nullopt;
            auto sets = terms(depth + 1);
            return take(')') ? sets : std::nullopt;
        }
        auto name = rest_.substr(0, rest_.find_first_of("&|()[]*, \t"));
        if (name.empty()) return std::nullopt;
        rest_.remove_prefix(name.size());
        return Sets{{std::string(name)}};
    }

    std::string_view rest_;
};

} // namespace

std::optional<Constraint> parse_constraint(std::string_view text) {
    ConstraintReader reader(text);
    bool brackets = reader.take('[');
    auto sets = reader.terms(0);
    if (!sets || (brackets && !reader.take(']')) || !reader.at_end()) return std::nullopt;
    return Constraint{std::move(*sets), brackets};
}

std::vector<std::string> node_features(std::string_view list) {
    auto features = names_in(list);
    std::sort(features.begin(), features.end());
    return features;
}

bool has_all(const std::vector<std::string>& features, const Constraint::Features& set) {
    return std::all_of(set.begin(), set.end(), [&](const std::string& feature) {
        return std::binary_search(features.begin(), features.end(), feature);
    });
}

} // namespace railhead
