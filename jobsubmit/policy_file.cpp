#include "jobsubmit/policy_file.hpp"

namespace railhead {

bool PolicyFile::Version::operator==(const Version& other) const {
    auto same = [](const timespec& a, const timespec& b) {
        return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
    };
    return inode == other.inode && size == other.size && same(modified, other.modified) &&
           same(changed, other.changed);
}

PolicyFile::News PolicyFile::look() {
    Version now;
    struct stat status {};
    if (stat(path_.c_str(), &status) == 0)
        now = {status.st_ino, status.st_size, status.st_mtim, status.st_ctim};
    if (seen_ == now) return {};
    bool first = !seen_;
    seen_ = now;

    News news;
    // Neither a user's file nor the environment of slurmctld has a say.
    auto loaded = load_settings(path_, "", Environment());
    if (!loaded) {
        auto until = first ? "; until then the defaults hold" : "; until then the old policy holds";
        news.lines.emplace_back(Level::warn, sentence(loaded.error()) + until);
        return news;
    }
    for (const auto& finding : loaded->findings) news.lines.emplace_back(finding.level, sentence(finding));
    news.settings = std::make_shared<const Settings>(std::move(loaded->settings));
    if (!first) news.lines.emplace_back(Level::info, "read the changed policy " + path_);
    return news;
}

} // namespace railhead
