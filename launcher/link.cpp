#include "launcher/link.hpp"

namespace railhead {

std::string Link::send(Frame frame) {
    if (kept_.size() >= max_unacknowledged) return {};
    frame.seq = ++sent_;
    kept_.emplace_back(frame.seq, to_line(frame));
    return kept_.back().second;
}

Link::Kind Link::receive(const Frame& frame) {
    if (frame.seq <= received_) return Kind::seen;
    if (frame.seq != received_ + 1) return Kind::gap;
    received_ = frame.seq;
    return Kind::fresh;
}

void Link::acknowledged(std::uint64_t seq) {
    while (!kept_.empty() && kept_.front().first <= seq) kept_.pop_front();
}

std::vector<std::string> Link::resend_after(std::uint64_t seq) {
    acknowledged(seq);
    std::vector<std::string> lines;
    for (auto& [number, line] : kept_) lines.push_back(line);
    return lines;
}

} // namespace railhead
