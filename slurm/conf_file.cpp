#include "slurm/conf_file.hpp"

#include "base/number.hpp"
#include "slurm/hostlist.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <utility>

namespace railhead {
namespace {

constexpr int most_nested = 10;
constexpr std::size_t most_nodes = 1'000'000;

std::string in_lower_case(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return lower;
}

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/// The words of a line; blanks around "=" and in a quoted value divide nothing.
std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words;
    bool quoted = false, begun = false;
    for (char c : line) {
        if (c == '"') quoted = !quoted;
        if (!quoted && is_blank(c)) {
            begun = begun && words.back().ends_with('=');
            continue;
        }
        if (c == '=' && !words.empty()) begun = true;
        if (!std::exchange(begun, true)) words.emplace_back();
        if (c != '"') words.back() += c;
    }
    return words;
}

class Reader {
  public:
    explicit Reader(const ConfOpener& open) : open_(open) {}

    /// `from` is the line that includes it; empty for the first.
    Result<void> read(const std::string& path, const std::string& from, int nested) {
        if (nested > most_nested)
            return fail(ErrorKind::usage,
                        {.id = "slurm-conf",
                         .where = from,
                         .thing = path,
                         .seen = fmt::format("is included more than {} deep", most_nested)});
        auto text = open_(path);
        if (!text) return tl::unexpected(from.empty() ? text.error() : std::move(text.error()).within(from));
        std::uint32_t number = 0, first = 0;
        std::string whole;
        for (std::string_view rest = *text; !rest.empty();) {
            auto line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(line.size() + 1, rest.size()));
            ++number;
            if (whole.empty()) first = number;
            whole += line.substr(0, line.find('#'));
            while (!whole.empty() && whole.back() == '\r') whole.pop_back();
            if (whole.ends_with('\\') && !rest.empty()) {
                whole.back() = ' ';
                continue;
            }
            if (auto taken = take(words_of(whole), path, fmt::format("{} line {}", path, first), nested);
                !taken)
                return taken;
            whole.clear();
        }
        return {};
    }

    /// When all is read, for a partition may name what stands below it.
    SlurmConf finish() {
        for (auto& partition : conf_.partitions) {
            std::vector<std::string> nodes;
            for (auto& name : partition.nodes) {
                auto set = node_sets_.find(name);
                if (in_lower_case(name) == "all" && partition.nodes.size() == 1)
                    nodes = conf_.nodes;
                else if (set != node_sets_.end())
                    nodes.insert(nodes.end(), set->second.begin(), set->second.end());
                else
                    nodes.push_back(std::move(name));
            }
            partition.nodes = std::move(nodes);
        }
        return std::move(conf_);
    }

  private:
    Result<void> take(const std::vector<std::string>& words, const std::string& path,
                      const std::string& where, int nested) {
        if (words.empty()) return {};
        if (in_lower_case(words[0]) == "include" && words.size() == 2)
            return read(included(words[1], path), where, nested + 1);
        auto equals = words[0].find('=');
        if (equals == std::string::npos) return {};
        auto key = in_lower_case(words[0].substr(0, equals));
        auto value = words[0].substr(equals + 1);
        if (key == "nodename") return take_nodes(value, words, where);
        if (key == "partitionname") return take_partition(value, words, where);
        if (key == "nodeset") {
            auto listed = hosts_in(value_in(words, "nodes").value_or(""), where);
            if (!listed) return tl::unexpected(listed.error());
            node_sets_[value] = std::move(*listed);
        }
        conf_.values[key] = value;
        return {};
    }

    Result<void> take_nodes(const std::string& value, const std::vector<std::string>& words,
                            const std::string& where) {
        std::optional<std::uint32_t> weight;
        if (auto text = value_in(words, "weight")) weight = leading_number<std::uint32_t>(*text);
        if (in_lower_case(value) == "default") {
            default_weight_ = weight.value_or(default_weight_);
            return {};
        }
        auto listed = hosts_in(value, where);
        if (!listed) return tl::unexpected(listed.error());
        conf_.nodes.insert(conf_.nodes.end(), listed->begin(), listed->end());
        conf_.weights.resize(conf_.nodes.size(), weight.value_or(default_weight_));
        return {};
    }

    Result<void> take_partition(const std::string& name, const std::vector<std::string>& words,
                                const std::string& where) {
        auto listed = hosts_in(value_in(words, "nodes").value_or(default_nodes_), where);
        if (!listed) return tl::unexpected(listed.error());
        if (in_lower_case(name) == "default")
            default_nodes_ = value_in(words, "nodes").value_or(default_nodes_);
        else
            conf_.partitions.push_back({name, std::move(*listed)});
        return {};
    }

    static std::optional<std::string> value_in(const std::vector<std::string>& words, std::string_view key) {
        for (const auto& word : words)
            if (auto equals = word.find('='); in_lower_case(word.substr(0, equals)) == key)
                return equals == word.npos ? "" : word.substr(equals + 1);
        return std::nullopt;
    }

    static Result<std::vector<std::string>> hosts_in(const std::string& list, const std::string& where) {
        auto listed = expand_hostlist(list, most_nodes);
        if (!listed) return tl::unexpected(std::move(listed.error()).within(where));
        return listed;
    }

    std::string included(std::string file, const std::string& path) const {
        if (auto at = file.find("%c"); at != std::string::npos)
            file.replace(at, 2, conf_.value("ClusterName"));
        return file.starts_with('/') ? file : path.substr(0, path.rfind('/') + 1) + file;
    }

    const ConfOpener& open_;
    SlurmConf conf_;
    std::map<std::string, std::vector<std::string>> node_sets_;
    std::uint32_t default_weight_ = 1; ///< slurm.conf (5)
    std::string default_nodes_;
};

} // namespace

std::string SlurmConf::value(std::string_view key, const std::string& preset) const {
    auto found = values.find(in_lower_case(key));
    return found == values.end() ? preset : found->second;
}

Result<SlurmConf> read_slurm_conf(const std::string& path, const ConfOpener& open) {
    Reader reader(open);
    if (auto read = reader.read(path, "", 0); !read) return tl::unexpected(std::move(read.error()));
    return reader.finish();
}

Inventory inventory_of(const SlurmConf& conf) {
    InventoryBuilder builder;
    for (std::size_t i = 0; i < conf.nodes.size(); ++i) {
        builder.add_node(conf.nodes[i], {});
        builder.inventory().nodes.back().weight = conf.weights[i];
    }
    for (const auto& partition : conf.partitions)
        builder.add_partition({.name = partition.name}, partition.nodes);
    return builder.take();
}

} // namespace railhead
