#include "launcher/supervisor/input.hpp"

#include "base/fd.hpp"

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>

#include <map>
#include <poll.h>
#include <set>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace railhead {
namespace {
constexpr std::size_t chunk_bytes = 8 * 1024; // as JSON numbers at most 32 KiB: half a frame

bool may_read() {
    return !isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) == getpgrp();
}
} // namespace

struct InputRelay::State : std::enable_shared_from_this<State> {
    explicit State(asio::io_context& loop) : io(loop), ready(loop) {}

    asio::io_context& io;
    asio::posix::stream_descriptor ready; ///< readable when standard input is
    std::map<std::string, int> readers;   ///< process -> node
    std::set<std::string> awaited;        ///< of whom: the start, or that the last chunk was taken
    Send send;
    bool reading = false;

    void watch();
    void next();
    void read_chunk();
};

// Asio makes non-blocking what it watches, and standard input is shared with the shell that started us: it
// watches an epoll descriptor in its place. A file cannot be watched, and need not be.
void InputRelay::State::watch() {
    UniqueFd poll(epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{};
    event.events = EPOLLIN;
    if (!poll || epoll_ctl(poll.get(), EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0) return;
    asio::error_code ignored;
    ready.assign(poll.release(), ignored);
}

void InputRelay::State::next() {
    if (reading || readers.empty() || !awaited.empty()) return;
    reading = true;
    if (!ready.is_open()) return asio::post(io, [self = shared_from_this()] { self->read_chunk(); });
    ready.async_wait(asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](asio::error_code error) {
                         if (!error) self->read_chunk();
                     });
}

void InputRelay::State::read_chunk() {
    reading = false;
    if (readers.empty()) return; // what nobody takes is left where it is
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    if (poll(&input, 1, 0) == 0) return next(); // woken for nothing: a read would wait
    if (!may_read()) return;                    // in the background by now: a read would stop us
    Order order{.type = Order::Type::input, .bytes = std::vector<std::uint8_t>(chunk_bytes)};
    auto got = read(STDIN_FILENO, order.bytes.data(), order.bytes.size());
    order.bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0); // none: the end
    for (auto& [id, node] : readers) {
        order.id = id;
        send(node, order);
        awaited.insert(id);
    }
    if (order.bytes.empty()) readers.clear();
}

InputRelay::InputRelay(asio::io_context& io) : state_(std::make_shared<State>(io)) {}

InputRelay::~InputRelay() {
    asio::error_code ignored;
    state_->ready.close(ignored);
    state_->readers.clear();
}

bool InputRelay::wanted() {
    struct stat facts {};
    return fstat(STDIN_FILENO, &facts) == 0 && may_read() &&
           (S_ISFIFO(facts.st_mode) || S_ISSOCK(facts.st_mode) || S_ISREG(facts.st_mode) ||
            isatty(STDIN_FILENO));
}

void InputRelay::begin(const Plan& plan, Send send) {
    state_->send = std::move(send);
    for (auto& process : plan.processes)
        if (process.input) {
            state_->readers.emplace(process.id, process.node);
            state_->awaited.insert(process.id);
        }
    if (!state_->readers.empty()) state_->watch();
}

void InputRelay::on_event(const Event& event) {
    using Type = Event::Type;
    if (event.type == Type::exited) state_->readers.erase(event.id);
    if (event.type == Type::exited || event.type == Type::started || event.type == Type::taken) {
        state_->awaited.erase(event.id);
        state_->next();
    }
}

} // namespace railhead
