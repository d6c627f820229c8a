#include "lint/options.hpp"

#include "base/number.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

namespace railhead {
namespace {

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        auto part = text.substr(0, text.find_first_of(separators));
        text.remove_prefix(std::min(part.size() + 1, text.size()));
        if (!part.empty()) parts.push_back(part);
    }
    return parts;
}

long bounded_number(std::string_view text) {
    return std::clamp(leading_number<long>(text).value_or(0), 0L, 1000000L);
}

/// The number of "ppn=8"; absent: it is another part.
std::optional<long> number_after(std::string_view part, std::string_view name) {
    if (!part.starts_with(name)) return std::nullopt;
    return bounded_number(part.substr(name.size()));
}

class PbsOptions {
  public:
    PbsOptions(std::vector<ScriptOption>& options, int line) : options_(options), line_(line) {}

    void add(std::string name, std::string value) {
        options_.push_back({std::move(name), std::move(value), line_, every_component});
    }

    /// "nodes=2:ppn=8,walltime=1:00:00,mem=4gb"
    void add_resources(std::string_view list) {
        for (auto item : split(list, ",")) {
            auto equals = std::min(item.find('='), item.size() - 1);
            auto name = item.substr(0, equals), value = item.substr(equals + 1);
            if (name == "walltime" || name == "cput" || name == "pcput") add("--time", std::string(value));
            if (name == "mem") add("--mem", std::string(value));
            if (name == "naccelerators") add("--gres", "gpu:" + std::string(value));
            if (name == "nodes") add_nodes(value);
            if (name == "select") add_select(value);
        }
    }

  private:
    /// "2:ppn=8:gpus=4", "node1:ppn=2+node2:ppn=2"
    void add_nodes(std::string_view value) {
        long nodes = 0, per_node = 0;
        std::string names;
        for (auto part : split(value, ":+"))
            if (auto tasks = number_after(part, "ppn="))
                per_node += *tasks;
            else if (auto gpus = number_after(part, "gpus="))
                add("--gres", "gpu:" + std::to_string(*gpus));
            else if (std::isdigit(static_cast<unsigned char>(part[0])))
                nodes += bounded_number(part);
            else
                names += (names.empty() ? "" : ",") + std::string(part);
        if (nodes > 0) add("--nodes", std::to_string(nodes));
        if (per_node > 0) add("--ntasks", std::to_string(per_node * std::max(nodes, 1L)));
        if (!names.empty()) add("--nodelist", names);
    }

    /// "2:ncpus=8:mpiprocs=4"
    void add_select(std::string_view value) {
        long cpus = 0, tasks = 0;
        for (auto part : split(value, ":")) {
            cpus = number_after(part, "ncpus=").value_or(cpus);
            tasks = number_after(part, "mpiprocs=").value_or(tasks);
        }
        if (bounded_number(value) > 0) add("--nodes", std::to_string(bounded_number(value)));
        if (tasks > 0) add("--ntasks-per-node", std::to_string(tasks));
        if (tasks > 0 && cpus > tasks) add("--cpus-per-task", std::to_string(cpus / tasks));
    }

    std::vector<ScriptOption>& options_;
    int line_;
};

} // namespace

void add_pbs_options(std::vector<ScriptOption>& options, const std::vector<std::string>& words, int line) {
    PbsOptions pbs(options, line);
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto& word = words[i];
        if (word.size() < 2 || word[0] != '-') continue;
        auto value = word.substr(2);
        if (value.empty() && i + 1 < words.size()) value = words[i + 1];
        if (word[1] == 'A') pbs.add("--account", value);
        if (word[1] == 'q') pbs.add("--partition", value);
        if (word[1] == 't' || word[1] == 'J') pbs.add("--array", value);
        if (word[1] == 'l') pbs.add_resources(value);
    }
}

} // namespace railhead
