#include "topology/shared_leaves.hpp"

#include <algorithm>
#include <map>

namespace railhead::topology {
namespace {

/// A host in more parts than this tells nothing, and would cost the square of them.
constexpr std::size_t most_parts = 64;

class Parts {
  public:
    Parts(const Lists& hosts_on, const Lists& leaves_of)
        : leaves_of_(leaves_of), joined_(join_coinciding(hosts_on, leaves_of, Likeness::three_quarters)),
          root_(hosts_on.size()), leaves_in_(root_.size()), hosts_in_(root_.size()) {
        for (std::uint32_t leaf = 0; leaf < root_.size(); ++leaf) {
            root_[leaf] = joined_.root(leaf);
            if (hosts_on[leaf].size() > 0) ++leaves_in_[root_[leaf]];
        }
        for (std::uint32_t host = 0; host < leaves_of.size(); ++host) count(parts_of(host));
    }

    std::vector<bool> shared() const {
        std::map<std::uint32_t, std::vector<std::uint32_t>> larger; // part -> those of more leaves in it
        for (const auto& [parts, hosts] : common_)
            for (auto [one, other] : {parts, std::pair(parts.second, parts.first)})
                if (leaves_in_[one] <= leaves_in_[other] && hosts * 2 > hosts_in_[other])
                    larger[one].push_back(other);
        std::vector<bool> is_shared(root_.size());
        for (const auto& [part, others] : larger)
            is_shared[part] = std::any_of(others.begin(), others.end(),
                                          [first = others.front(), this](std::uint32_t other) {
                                              return other != first && are_apart(first, other);
                                          });
        std::vector<bool> found;
        for (auto root : root_) found.push_back(is_shared[root]);
        return found;
    }

  private:
    /// In which it is on more than half of the leaves.
    std::vector<std::uint32_t> parts_of(std::uint32_t host) const {
        std::vector<std::uint32_t> roots, found;
        for (auto leaf : leaves_of_[host]) roots.push_back(root_[leaf]);
        std::sort(roots.begin(), roots.end());
        for (std::size_t first = 0, end = 0; first < roots.size(); first = end) {
            while (end < roots.size() && roots[end] == roots[first]) ++end;
            if ((end - first) * 2 > leaves_in_[roots[first]]) found.push_back(roots[first]);
        }
        return found;
    }
    void count(const std::vector<std::uint32_t>& parts) {
        for (auto part : parts) ++hosts_in_[part];
        if (parts.size() > most_parts) return;
        for (auto one = parts.begin(); one != parts.end(); ++one)
            for (auto other = one + 1; other != parts.end(); ++other) ++common_[{*one, *other}];
    }
    bool are_apart(std::uint32_t one, std::uint32_t other) const {
        const auto hosts = common_.find(std::minmax(one, other));
        return hosts == common_.end() || hosts->second * 2 <= std::min(hosts_in_[one], hosts_in_[other]);
    }

    const Lists& leaves_of_;
    DisjointSets joined_;
    std::vector<std::uint32_t> root_, leaves_in_, hosts_in_;                  ///< by leaf; by root
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> common_; ///< parts -> hosts in both
};

} // namespace

std::vector<bool> shared_leaves(const Lists& hosts_on, const Lists& leaves_of) {
    return Parts(hosts_on, leaves_of).shared();
}

DisjointSets join_leaves(const Lists& hosts_on, const Lists& leaves_of) {
    const auto is_shared = shared_leaves(hosts_on, leaves_of);
    std::vector<std::uint32_t> guests(hosts_on.size());
    bool is_any = std::find(is_shared.begin(), is_shared.end(), true) != is_shared.end();
    for (std::uint32_t leaf = 0; leaf < hosts_on.size(); ++leaf) {
        for (auto host : hosts_on[leaf]) guests[leaf] += leaves_of[host].size() == 1 ? 1 : 0;
        if (guests[leaf] * 2 > hosts_on[leaf].size()) guests[leaf] = 0;
        is_any = is_any || guests[leaf] > 0;
    }
    if (!is_any) return join_coinciding(hosts_on, leaves_of);
    const auto hosts = static_cast<std::uint32_t>(leaves_of.size());
    auto each = [&](auto add) {
        for (std::uint32_t leaf = 0; leaf < hosts_on.size(); ++leaf)
            for (auto host : hosts_on[leaf])
                if (guests[leaf] == 0 || leaves_of[host].size() > 1)
                    add(leaf, is_shared[leaf] ? host + hosts : host); // such only join their like
    };
    const Lists members(hosts_on.size(), each);
    const Lists sets(2 * leaves_of.size(), [&](auto add) {
        each([&](std::uint32_t leaf, std::uint32_t host) { add(host, leaf); });
    });
    return join_coinciding(members, sets);
}

} // namespace railhead::topology
