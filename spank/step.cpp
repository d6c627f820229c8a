#include "spank/step.hpp"

#include "policy/table.hpp"

#include <array>

namespace railhead::spank {

std::optional<StepItems> items_of(spank_t handle) {
    StepItems items;
    uid_t uid = 0;
    gid_t gid = 0;
    if (spank_get_item(handle, S_JOB_ID, &items.job) != ESPANK_SUCCESS ||
        spank_get_item(handle, S_JOB_STEPID, &items.step) != ESPANK_SUCCESS ||
        spank_get_item(handle, S_JOB_UID, &uid) != ESPANK_SUCCESS ||
        spank_get_item(handle, S_JOB_GID, &gid) != ESPANK_SUCCESS)
        return std::nullopt;
    gid_t* groups = nullptr;
    int count = 0;
    if (spank_get_item(handle, S_JOB_SUPPLEMENTARY_GIDS, &groups, &count) == ESPANK_SUCCESS && groups)
        items.owner.groups.assign(groups, groups + count);
    items.owner.uid = uid;
    items.owner.gid = gid;
    return items;
}

std::string variable(spank_t handle, const char* name) {
    std::array<char, 4096> text{};
    if (spank_getenv(handle, name, text.data(), static_cast<int>(text.size())) != ESPANK_SUCCESS) return {};
    return text.data();
}

Settings site_settings() {
    auto loaded = load_settings(site_settings_file, "", Environment());
    return loaded ? loaded->settings : Settings();
}

} // namespace railhead::spank
