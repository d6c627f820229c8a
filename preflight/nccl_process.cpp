#include "preflight/nccl_process.hpp"

#include <algorithm>
#include <utility>

namespace railhead::nccl {
namespace {

/// "[0]mlx5_0:1/IB [1]mlx5_1:1/IB [RO]; OOB ib0:10.0.0.1<0>" or "[0]eth0:10.0.0.1<0>": what is numbered.
std::vector<std::string> numbered_words(std::string_view text) {
    std::vector<std::string> words;
    text = text.substr(0, text.find(';'));
    while (words.size() < most_words) {
        auto open = text.find('[');
        auto close = open == text.npos ? open : text.find(']', open);
        if (close == text.npos) break;
        auto digits = text.substr(open + 1, close - open - 1);
        text.remove_prefix(close + 1);
        bool is_number = !digits.empty() && digits.find_first_not_of("0123456789") == digits.npos;
        auto word = text.substr(0, std::min(text.find(' '), text.find('[')));
        if (is_number && !word.empty()) words.push_back(short_text(word));
    }
    return words;
}

template <class Value>
bool keep(Value& kept, Value value) {
    if (kept == value) return false;
    kept = std::move(value);
    return true;
}

/// "NCCL_IB_HCA set to mlx5_1", "NCCL_IB_DISABLE set by environment to 1.".
bool read_variable(std::string_view message, Process& process) {
    auto name = message.substr(0, message.find(' '));
    auto rest = message.substr(name.size());
    auto at = rest.find(" to ");
    if (!rest.starts_with(" set ") || at == rest.npos || process.variables.size() >= most_variables)
        return false;
    auto value = rest.substr(at + 4);
    bool is_number =
        value.size() > 1 && value.ends_with('.') && value.find_first_not_of("-0123456789.") == value.npos;
    if (is_number) value.remove_suffix(1);
    return keep(process.variables[short_text(name)], short_text(value));
}

constexpr std::string_view obstacles[] = {
    "No device found",
    "Failed to open libibverbs",
    "Failed to initialize NET plugin",
    "libnccl-net.so: cannot open",
    "Could not find: lib",
    "GPU Direct RDMA Disabled",
    "is not supported by",
};

bool read_obstacle(std::string_view message, Process& process) {
    if (process.obstacles.size() >= most_words) return false;
    for (auto each : obstacles)
        if (message.find(each) != message.npos) {
            auto text = short_text(message);
            const auto& all = process.obstacles;
            if (std::find(all.begin(), all.end(), text) != all.end()) return false;
            process.obstacles.push_back(std::move(text));
            return true;
        }
    return false;
}

constexpr std::string_view chosen[] = {"Using network ", "Assigned NET plugin "};

} // namespace

bool read_process(std::string_view message, Process& process) {
    auto behind = [&](std::string_view word) {
        auto at = message.find(word);
        return at == message.npos ? std::string_view() : message.substr(at + word.size());
    };
    if (message.starts_with("NCCL_")) return read_variable(message, process);
    if (message.starts_with("Bootstrap")) {
        auto used = behind("Using ");
        if (used.starts_with('[')) used = used.substr(std::min(used.find(']') + 1, used.size())); // up to 2.5
        return !used.empty() && keep(process.bootstrap, short_text(used));
    }
    for (auto word : chosen)
        if (message.starts_with(word)) {
            auto name = message.substr(word.size());
            return keep(process.network, short_text(name.substr(0, name.find(" to comm"))));
        }
    bool is_new = false;
    if (message.starts_with("NET/")) {
        for (std::string_view words : {"Selected Provider is ", "Selected provider is "}) // NET/OFI
            if (auto name = behind(words); !name.empty())
                is_new = keep(process.provider, short_text(name.substr(0, name.find_first_of(" ,"))));
        auto used = behind(" Using ");
        if (used.starts_with('['))
            is_new = keep(message.starts_with("NET/Socket") ? process.interfaces : process.adapters,
                          numbered_words(used)) ||
                     is_new;
    }
    return read_obstacle(message, process) || is_new;
}

} // namespace railhead::nccl
