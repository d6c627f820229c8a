// NVLink domains: nodes whose GPUs reach each other through NVSwitches. A line for each GPU, as
// `nvidia-smi --query-gpu=fabric.clusterUuid,fabric.cliqueId --format=csv,noheader` prints it, with the node
// in front: NODE, CLUSTER UUID, CLIQUE.
#include "slurm/hostlist.hpp"
#include "topology/host_names.hpp"
#include "topology/line_reader.hpp"
#include "topology/named_fabric.hpp"
#include "topology/natural.hpp"
#include "topology/readers.hpp"
#include "topology/switch_names.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

namespace railhead::topology {
namespace {

/// "N/A", "[N/A]", "[Not Supported]", all zero: a GPU that is in no domain.
bool is_cluster(std::string_view uuid) {
    return uuid.size() == 36 &&
           std::any_of(uuid.begin(), uuid.end(), [](char c) { return c != '0' && c != '-'; });
}

bool is_no_cluster(std::string_view uuid) {
    return !is_cluster(uuid) &&
           (uuid.size() == 36 || uuid.find("N/A") != uuid.npos || uuid.starts_with("[Not"));
}
/// Of a line with the names of the columns.
bool is_heading(std::string_view column) {
    const auto lower = in_lower_case(column);
    return lower.find("uuid") != lower.npos || lower.find("cluster") != lower.npos;
}

/// Takes the first column, which a comma ends; where a line has but one, a blank does, or a colon: pdsh puts
/// "node1: " in front, a shell "node1 ".
std::string_view column_from(std::string_view& line, bool is_csv) {
    const auto* ends = is_csv ? "," : ",: \t";
    const auto end = std::min(line.find_first_of(ends), line.size());
    const auto column = trimmed(line.substr(0, end));
    line.remove_prefix(std::min(line.find_first_not_of(",: \t", end), line.size()));
    return column;
}

class NvlinkReader {
  public:
    explicit NvlinkReader(Text text) : build_(std::move(text)) {}

    Result<Fabric> read() {
        LineReader lines(build_.text());
        std::string_view line;
        while (lines.next(line)) {
            if (trimmed(line).empty() || line.front() == '#') continue;
            auto rest = trimmed(line);
            const bool is_csv = std::count(rest.begin(), rest.end(), ',') > 1;
            const auto node = column_from(rest, is_csv), cluster = column_from(rest, is_csv);
            if (!node.empty() && is_no_cluster(cluster))
                outside_.insert(node);
            else if (!node.empty() && is_cluster(cluster) && !rest.empty())
                add(node, cluster, rest, lines.number());
            else if (!is_heading(cluster))
                return bad_line(lines.number(), line, "a node, the UUID of its cluster and its clique");
        }
        if (domains_of_.empty())
            return fail(ErrorKind::usage, {.id = "fabric-empty",
                                           .thing = "the text",
                                           .seen = "has no GPU in an NVLink domain",
                                           .expected = "lines NODE, CLUSTER UUID, CLIQUE"});
        for (const auto& [node, domains] : domains_of_) {
            auto fewer = [](const auto& one, const auto& other) {
                return one.second.gpus < other.second.gpus;
            };
            const auto& [domain, its] = *std::max_element(domains.begin(), domains.end(), fewer);
            build_.link(build_.network_switch(name_of(domain), its.line), build_.adapter(node, "", its.line),
                        its.line);
            if (domains.size() == 1) continue;
            build_.finding(
                {.id = "nvlink-torn",
                 .level = Level::warn,
                 .where = std::string(node),
                 .thing = "its GPUs",
                 .seen = fmt::format("are in several NVLink domains, of which {} counts, with {} of them",
                                     name_of(domain), its.gpus),
                 .next = "look at nvidia-smi -q there, and at the fabric manager"});
        }
        std::vector<std::string> outside;
        for (auto node : outside_)
            if (!domains_of_.contains(node)) outside.emplace_back(node);
        if (!outside.empty())
            build_.finding(
                {.id = "nvlink-outside",
                 .level = Level::warn,
                 .thing = fmt::format("{} node{} ({})", outside.size(), outside.size() == 1 ? "" : "s",
                                      compress_hostlist(outside, most_named_nodes)),
                 .seen = fmt::format("{} no GPU in an NVLink domain, and so no block",
                                     outside.size() == 1 ? "has" : "have"),
                 .next = "if there should be one, look at the fabric manager there"});
        return std::move(build_).finish();
    }

  private:
    struct Part { ///< of a node, in one domain
        std::uint32_t gpus, line;
    };
    using Domain = std::pair<std::string_view, std::string_view>; ///< cluster and clique

    void add(std::string_view node, std::string_view cluster, std::string_view clique, std::uint32_t line) {
        auto [at, is_new] = domains_of_[node].try_emplace({cluster, clique}, Part{0, line});
        ++at->second.gpus;
        clusters_[cluster.substr(0, 8)].insert(cluster);
    }

    /// The first eight digits tell clusters apart for people, where they do.
    std::string name_of(const Domain& domain) const {
        auto [cluster, clique] = domain;
        auto digits = cluster.substr(0, 8);
        return fmt::format("nvl-{}-{}", clusters_.at(digits).size() == 1 ? digits : cluster, clique);
    }

    NamedFabric build_;
    std::set<std::string_view, Natural> outside_;                     ///< nodes with a GPU in no domain
    std::map<std::string_view, std::map<Domain, Part>> domains_of_;   ///< by node
    std::map<std::string_view, std::set<std::string_view>> clusters_; ///< by their first eight digits
};

} // namespace

Result<Fabric> read_nvlink_domains(Text text) {
    return NvlinkReader(std::move(text)).read();
}

} // namespace railhead::topology
