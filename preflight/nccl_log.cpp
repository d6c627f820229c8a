#include "preflight/nccl_log.hpp"

#include "preflight/nccl_process.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <unordered_map>

namespace railhead::nccl {

// What State has members of: named, as it is.
struct Sender {
    std::string_view host;
    std::uint32_t pid;
};

struct SenderHash {
    using is_transparent = void;
    std::size_t operator()(const Sender& sender) const {
        return std::hash<std::string_view>()(sender.host) * 31 + sender.pid;
    }
    std::size_t operator()(const std::pair<std::string, std::uint32_t>& key) const {
        return (*this)(Sender{key.first, key.second});
    }
};

struct SenderEqual {
    using is_transparent = void;
    using Key = std::pair<std::string, std::uint32_t>;
    bool operator()(const Key& a, const Key& b) const { return a == b; }
    bool operator()(const Sender& a, const Key& b) const { return a.pid == b.second && a.host == b.first; }
    bool operator()(const Key& a, const Sender& b) const { return (*this)(b, a); }
};

/// A kind of connection between two ranks, packed: from, to, side, NIC, transport.
struct LinkKey {
    std::uint64_t ends, way;
    bool operator==(const LinkKey&) const = default;
};
struct LinkHash {
    std::size_t operator()(const LinkKey& key) const {
        return (key.ends ^ key.way * 0x9E3779B97F4A7C15) * 0xC2B2AE3D27D4EB4F >> 7;
    }
};
using Links = std::unordered_map<LinkKey, std::uint32_t, LinkHash>;

/// Of one GPU of one process: communicators are made one after another there.
struct GpuContext {
    std::size_t process = 0;
    std::optional<std::size_t> communicator; ///< the last one that was begun or completed
    bool says_start = false;                 ///< "Init START", since 2.18
    Links pending;                           ///< of a communicator that its end will name
};

namespace {

constexpr std::size_t longest_line = 1 << 16; ///< what is longer is not NCCL's

/// The number behind "word ", that begins the message or follows a blank.
std::optional<std::uint32_t> number_after(std::string_view message, std::string_view word) {
    auto at = message.find(word);
    if (at == message.npos) return std::nullopt;
    std::uint32_t number = 0;
    auto text = message.substr(at + word.size());
    if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc())
        return std::nullopt;
    return number;
}

std::string word_after(std::string_view message, std::string_view before) {
    auto at = message.find(before);
    if (at == message.npos) return {};
    auto text = message.substr(at + before.size());
    return std::string(text.substr(0, std::min(text.find(' '), longest_text)));
}

} // namespace

struct LogReader::State {
    Log log;
    std::string rest; ///< of a line whose end has not come
    bool skips = false;
    std::unordered_map<std::pair<std::string, std::uint32_t>, std::size_t, SenderHash, SenderEqual> processes;
    std::unordered_map<std::uint64_t, GpuContext> contexts; ///< by process and device
    std::map<std::pair<std::string, std::uint32_t>, std::vector<std::size_t>>
        communicators;        ///< by id and size
    std::vector<Links> links; ///< of each communicator
    std::vector<std::string> transports;
    std::size_t all_links = 0, told_bytes = 0;
    // Most lines have the sender of the line before.
    std::size_t last_process = most_processes;
    std::pair<std::uint64_t, GpuContext*> last_context{0, nullptr};

    GpuContext& context_of(std::size_t process, std::int32_t device);
    void line(std::string_view text);
    std::optional<std::size_t> process_of(const Line& line);
    std::optional<std::size_t> communicator(const std::string& id, std::uint32_t ranks, std::uint32_t rank,
                                            std::size_t process);
    std::optional<std::uint64_t> transport(std::string_view name);
    void channel(const Channel& channel, GpuContext& context);
    void begin_or_complete(std::string_view message, GpuContext& context);
    void read_size(std::string_view message, const GpuContext& context);
    void add_pending(GpuContext& context, std::size_t communicator);
    void add_peers(const Links& from, std::size_t process, Communicator& to);
};

std::optional<std::size_t> LogReader::State::process_of(const Line& line) {
    if (last_process < log.processes.size()) {
        const auto& last = log.processes[last_process];
        if (last.pid == line.pid && last.host == line.host) return last_process;
    }
    if (auto known = processes.find(Sender{line.host, line.pid}); known != processes.end())
        return last_process = known->second;
    if (log.processes.size() >= most_processes) {
        log.is_partial = true;
        return std::nullopt;
    }
    auto host = short_text(line.host);
    processes.emplace(std::pair(host, line.pid), log.processes.size());
    log.processes.push_back({.host = std::move(host), .pid = line.pid});
    return log.processes.size() - 1;
}

/// Of those that share their name, as all of one size do before 2.18, the first that has no other such rank.
std::optional<std::size_t> LogReader::State::communicator(const std::string& id, std::uint32_t ranks,
                                                          std::uint32_t rank, std::size_t process) {
    auto& alike = communicators[{id, ranks}];
    for (auto each : alike) {
        const auto& peers = log.communicators[each].peers;
        auto peer = peers.find(rank);
        if (peer == peers.end() || peer->second.process == process) return each;
    }
    if (log.communicators.size() >= most_communicators) {
        log.is_partial = true;
        return std::nullopt;
    }
    alike.push_back(log.communicators.size());
    log.communicators.push_back({.id = id, .ranks = ranks});
    links.emplace_back();
    return alike.back();
}

std::optional<std::uint64_t> LogReader::State::transport(std::string_view name) {
    for (std::size_t i = 0; i < transports.size(); ++i)
        if (transports[i] == name) return i;
    if (transports.size() >= most_words) {
        log.is_partial = true;
        return std::nullopt;
    }
    transports.push_back(short_text(name));
    return transports.size() - 1;
}

void LogReader::State::channel(const Channel& channel, GpuContext& context) {
    const auto name = transport(channel.transport);
    if (!name) return;
    auto way = *name << 40 | std::uint64_t{channel.nic ? *channel.nic + 1 : 0} << 4 |
               std::uint64_t{channel.is_direct} << 2 | static_cast<std::uint64_t>(channel.side);
    auto& into = context.communicator ? links[*context.communicator] : context.pending;
    LinkKey key{std::uint64_t{channel.from} << 32 | channel.to, way};
    auto known = into.find(key);
    if (known != into.end()) {
        ++known->second;
        return;
    }
    if (++all_links > most_links) {
        log.is_partial = true;
        return;
    }
    into.emplace(key, 1);
    if (context.communicator) {
        auto rank = channel.side == Side::receive ? channel.to : channel.from;
        log.communicators[*context.communicator].peers.try_emplace(rank, Peer{.process = context.process});
    }
}

void LogReader::State::add_pending(GpuContext& context, std::size_t communicator) {
    add_peers(context.pending, context.process, log.communicators[communicator]);
    for (const auto& [key, count] : context.pending) links[communicator][key] += count;
    context.pending.clear();
}

void LogReader::State::add_peers(const Links& from, std::size_t process, Communicator& to) {
    for (const auto& [key, count] : from) {
        auto is_received = (key.way & 3) == static_cast<std::uint64_t>(Side::receive);
        auto rank = static_cast<std::uint32_t>(is_received ? key.ends : key.ends >> 32);
        to.peers.try_emplace(rank, Peer{.process = process});
    }
}

/// "comm 0x1 rank 0 nranks 16 cudaDev 0 busId 1a000 commId 0x2 - Init START": from 2.5 on, in all its words.
void LogReader::State::begin_or_complete(std::string_view message, GpuContext& context) {
    auto rank = number_after(message, " rank "), ranks = number_after(message, " nranks ");
    if (!rank || !ranks || *rank >= *ranks || *ranks > most_ranks) return;
    bool completes = message.ends_with("COMPLETE");
    auto found = communicator(word_after(message, " commId "), *ranks, *rank, context.process);
    if (!found) return;
    auto& peer =
        log.communicators[*found].peers.try_emplace(*rank, Peer{.process = context.process}).first->second;
    peer.is_complete = peer.is_complete || completes;
    add_pending(context, *found);
    if (!completes) context.says_start = true;
    // Without "Init START" what follows may belong to the next one; that will be told by its end.
    if (context.says_start) context.communicator = found;
}

/// "comm 0x1 rank 0 nRanks 16 nNodes 2 localRanks 8 localRank 0 MNNVL 0"
void LogReader::State::read_size(std::string_view message, const GpuContext& context) {
    auto nodes = number_after(message, " nNodes ");
    if (nodes && context.communicator) log.communicators[*context.communicator].nodes = *nodes;
}

GpuContext& LogReader::State::context_of(std::size_t process, std::int32_t device) {
    auto key = process << 10 | static_cast<std::uint64_t>((device + 1) & 1023);
    if (!last_context.second || last_context.first != key) last_context = {key, &contexts[key]};
    last_context.second->process = process;
    return *last_context.second;
}

void LogReader::State::line(std::string_view text) {
    auto line = line_from(text);
    if (!line) return;
    ++log.lines;
    for (std::string_view word : {"NCCL version ", "RCCL version "})
        if (line->message.starts_with(word)) {
            auto version = line->message.substr(word.size());
            if (version.starts_with(": ")) version.remove_prefix(2); // RCCL's
            if (log.versions.size() < most_words)
                log.versions.insert(short_text(version.substr(0, version.find(' '))));
        }
    if (line->host.empty()) return;
    auto process = process_of(*line);
    if (!process) return;
    if (line->is_warning) {
        if (log.all_warnings++ < most_warnings)
            log.warnings.push_back({log.processes[*process].host, line->pid, short_text(line->message)});
        return;
    }
    auto& context = context_of(*process, line->device);
    if (auto found = channel_from(line->message))
        channel(*found, context);
    else if (line->message.ends_with("Init START") || line->message.ends_with("Init COMPLETE"))
        begin_or_complete(line->message, context);
    else if (line->message.starts_with("comm "))
        read_size(line->message, context);
    else if (told_bytes > most_told_bytes)
        log.is_partial = true;
    else if (read_process(line->message, log.processes[*process]))
        told_bytes += line->message.size();
}

LogReader::LogReader() : state_(std::make_unique<State>()) {}
LogReader::~LogReader() = default;

void LogReader::read(std::string_view piece) {
    auto& state = *state_;
    while (!piece.empty()) {
        auto end = piece.find('\n');
        auto part = piece.substr(0, end);
        bool is_whole = end != piece.npos;
        if (is_whole && state.rest.empty() && !state.skips) {
            state.line(part);
        } else {
            if (state.rest.size() + part.size() > longest_line) state.skips = true;
            if (!state.skips) state.rest += part;
            if (is_whole) end_of_file();
        }
        if (!is_whole) return;
        piece.remove_prefix(end + 1);
    }
}

void LogReader::end_of_file() {
    if (!state_->skips && !state_->rest.empty()) state_->line(state_->rest);
    state_->rest.clear();
    state_->skips = false;
}

Log LogReader::take() {
    end_of_file();
    auto& state = *state_;
    for (auto& entry : state.contexts) { // what no line has named
        auto& context = entry.second;
        if (context.pending.empty()) continue;
        auto& unnamed = state.communicators[{"", 0}];
        if (unnamed.empty()) {
            unnamed.push_back(state.log.communicators.size());
            state.log.communicators.emplace_back();
            state.links.emplace_back();
        }
        state.add_pending(context, unnamed.front());
    }
    for (std::size_t i = 0; i < state.links.size(); ++i) {
        auto& list = state.log.communicators[i].links;
        for (const auto& [key, count] : state.links[i]) {
            auto nic = key.way >> 4 & 0xFFFFFFFFF;
            list.push_back(
                {.from = static_cast<std::uint32_t>(key.ends >> 32),
                 .to = static_cast<std::uint32_t>(key.ends),
                 .side = static_cast<Side>(key.way & 3),
                 .transport = state.transports[key.way >> 40],
                 .nic = nic == 0 ? std::nullopt : std::optional(static_cast<std::uint32_t>(nic - 1)),
                 .is_direct = (key.way >> 2 & 1) == 1,
                 .channels = count});
        }
        std::sort(list.begin(), list.end(), [](const Link& a, const Link& b) {
            return std::tie(a.from, a.to, a.side, a.transport, a.nic, a.is_direct) <
                   std::tie(b.from, b.to, b.side, b.transport, b.nic, b.is_direct);
        });
    }
    return std::move(state.log);
}

} // namespace railhead::nccl
