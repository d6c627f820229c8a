#include "slurm/conf_file.hpp"

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

    SlurmConf conf;

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
        if (key != "nodename") {
            conf.values[key] = value;
            return {};
        }
        if (in_lower_case(value) == "default") return {};
        auto listed = expand_hostlist(value, most_nodes);
        if (!listed) return tl::unexpected(std::move(listed.error()).within(where));
        conf.nodes.insert(conf.nodes.end(), listed->begin(), listed->end());
        return {};
    }

    std::string included(std::string file, const std::string& path) const {
        if (auto at = file.find("%c"); at != std::string::npos)
            file.replace(at, 2, conf.value("ClusterName"));
        return file.starts_with('/') ? file : path.substr(0, path.rfind('/') + 1) + file;
    }

    const ConfOpener& open_;
};

} // namespace

std::string SlurmConf::value(std::string_view key, const std::string& preset) const {
    auto found = values.find(in_lower_case(key));
    return found == values.end() ? preset : found->second;
}

Result<SlurmConf> read_slurm_conf(const std::string& path, const ConfOpener& open) {
    Reader reader(open);
    if (auto read = reader.read(path, "", 0); !read) return tl::unexpected(std::move(read.error()));
    return std::move(reader.conf);
}

} // namespace railhead
