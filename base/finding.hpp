#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

enum class Level { ok, info, warn, fail, unknown };

/// The one shape of everything Railhead says: a rule's verdict, a check's, an error's.
/// Every field but `id` may be empty; an empty field is left out of the sentence.
struct Finding {
    std::string id; ///< stable, kebab-case: "gpu-type", "ray-missing"
    Level level = Level::fail;
    std::string where;    ///< node, file:line:column, partition
    std::string thing;    ///< what it is about, as subject of the sentence
    std::string seen;     ///< what was found
    std::string expected; ///< what should have been found
    std::string next;     ///< what the reader should do, as an imperative

    bool operator==(const Finding&) const = default;
};

std::string_view name_of(Level level);

/// One sentence: "node2: ray is not on PATH (expected ...); install Ray there or give --ray PATH".
std::string sentence(const Finding& finding);

/// fail, warn, unknown, info, ok; what is equal stays in its order.
void sort_worst_first(std::vector<Finding>& findings);

/// "1 node", "2 nodes".
std::string counted(std::size_t count, std::string_view thing);

} // namespace railhead
