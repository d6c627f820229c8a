// What settings are called: in files, in the environment, and by those who mistype them.
#include "policy/table.hpp"

#include <algorithm>
#include <vector>

namespace railhead {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            std::size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
        }
    }
    return row[b.size()];
}

} // namespace

std::string_view section_of(const Row& row) {
    return row.name.substr(0, row.name.find('.'));
}

std::string_view short_name_of(const Row& row) {
    return row.name.substr(row.name.find('.') + 1);
}

std::string environment_name_of(const Row& row) {
    std::string name = "RAILHEAD_";
    for (char c : row.name)
        name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return name;
}

std::string_view section_title(std::string_view section) {
    if (section == "launch") return "railhead ray, torchrun, mpi, run";
    if (section == "ray") return "railhead ray";
    if (section == "torchrun") return "railhead torchrun";
    if (section == "mpi") return "railhead mpi";
    if (section == "submit")
        return "job_submit_railhead.so; a [submit.partition.NAME] or [submit.user.NAME] section goes before "
               "it";
    if (section == "node") return "what is known of the nodes";
    return "spank_railhead.so";
}

std::string_view nearest_setting(std::string_view name) {
    if (name.size() > 100) return {};
    auto dot = name.find('.');
    auto section = dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
    auto key = dot == std::string_view::npos ? name : name.substr(dot + 1);
    const Row* best = nullptr;
    // Two letters, or one in three; of a word of three letters, two would leave nothing of it.
    std::size_t least = std::max(std::min<std::size_t>(2, key.size() / 2), key.size() / 3) + 1;
    for (const Row& row : settings_table()) {
        // The section may be missing or another one: "loss_after" means "launch.loss_after".
        std::size_t distance =
            edit_distance(key, short_name_of(row)) + (section.empty() || section == section_of(row) ? 0 : 1);
        if (distance < least) {
            least = distance;
            best = &row;
        }
    }
    return best ? best->name : std::string_view{};
}

} // namespace railhead
