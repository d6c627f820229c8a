// NVLink domains: nodes whose GPUs reach each other through NVSwitches. A line for each GPU, as
// `nvidia-smi --query-gpu=fabric.clusterUuid,fabric.cliqueId --format=csv,noheader` prints it, with the node
// in front: NODE, CLUSTER UUID, CLIQUE.
#include "topology/line_reader.hpp"
#include "topology/named_fabric.hpp"
#include "topology/readers.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

namespace railhead::topology {
namespace {

/// "N/A", "[N/A]", all zero: a GPU that is in no domain.
bool is_cluster(std::string_view uuid) {
    return uuid.size() == 36 &&
           std::any_of(uuid.begin(), uuid.end(), [](char c) { return c != '0' && c != '-'; });
}

class NvlinkReader {
  public:
    explicit NvlinkReader(Text text) : build_(std::move(text)) {}

    Result<Fabric> read() {
        LineReader lines(build_.text());
        std::string_view line;
        while (lines.next(line)) {
            if (trimmed(line).empty() || line.front() == '#') continue;
            Scanner scanner(line);
            auto node = scanner.until(','), cluster = scanner.until(',');
            if (!node || !cluster || trimmed(*node).empty())
                return bad_line(lines.number(), line, "a node, the UUID of its cluster and its clique");
            if (is_cluster(trimmed(*cluster)))
                add(trimmed(*node), trimmed(*cluster), trimmed(scanner.rest()), lines.number());
        }
        if (domain_of_.empty())
            return fail(ErrorKind::usage, {.id = "fabric-empty",
                                           .thing = "the text",
                                           .seen = "has no GPU in an NVLink domain",
                                           .expected = "lines NODE, CLUSTER UUID, CLIQUE"});
        for (auto node : torn_)
            build_.finding({.id = "nvlink-torn",
                            .level = Level::warn,
                            .where = std::string(node),
                            .thing = "its GPUs",
                            .seen = "are in several NVLink domains, of which the first counts",
                            .next = "look at nvidia-smi -q there, and at the fabric manager"});
        return std::move(build_).finish();
    }

  private:
    void add(std::string_view node, std::string_view cluster, std::string_view clique, std::uint32_t line) {
        auto domain = fmt::format("{}-{}", cluster, clique);
        auto [at, is_new] = domain_of_.try_emplace(node, domain);
        if (!is_new && at->second != domain) torn_.insert(node);
        if (!is_new) return;
        // The first eight digits tell clusters apart for people.
        auto name = fmt::format("nvl-{}-{}", cluster.substr(0, 8), clique);
        auto [named, is_free] = domain_named_.try_emplace(name, domain);
        if (!is_free && named->second != domain) name = "nvl-" + domain;
        build_.link(build_.network_switch(name, line), build_.adapter(node, "", line), line);
    }

    NamedFabric build_;
    std::map<std::string_view, std::string> domain_of_; ///< node -> cluster and clique
    std::map<std::string, std::string> domain_named_;   ///< name of a domain -> cluster and clique
    std::set<std::string_view> torn_;
};

} // namespace

Result<Fabric> read_nvlink_domains(Text text) {
    return NvlinkReader(std::move(text)).read();
}

} // namespace railhead::topology
