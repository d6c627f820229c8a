#include "launcher/agent/loop.hpp"

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <poll.h>

namespace railhead {

struct Loop::State {
    asio::io_context io{1};
};

namespace {

struct Watch {
    Watch(asio::io_context& io, int fd) : descriptor(io, fd) {}
    asio::posix::stream_descriptor descriptor;
    asio::posix::descriptor_base::wait_type kind = asio::posix::descriptor_base::wait_read;
    std::function<void()> handler;
    bool again = true;
    bool over = false;
};

/// What a handle owns. The descriptor is let go at once, for its owner may close it next and its number may
/// come back; the watch itself lives until its handler has returned.
struct WatchOwner {
    std::shared_ptr<Watch> watch;
    ~WatchOwner() {
        watch->over = true;
        watch->descriptor.release();
    }
};

struct TimerOwner {
    explicit TimerOwner(asio::io_context& io) : timer(io) {}
    asio::steady_timer timer;
};

// Asio may wake for an event of a descriptor that was closed just now and whose number came back.
bool is_ready(Watch& watch) {
    pollfd state{.fd = watch.descriptor.native_handle(), .events = POLLIN, .revents = 0};
    if (watch.kind == asio::posix::descriptor_base::wait_write) state.events = POLLOUT;
    return poll(&state, 1, 0) != 0;
}

void wait_on(const std::shared_ptr<Watch>& watch) {
    watch->descriptor.async_wait(watch->kind, [watch](asio::error_code error) {
        if (error || watch->over) return;
        if (!is_ready(*watch)) return wait_on(watch);
        watch->handler();
        if (!watch->over && watch->again) wait_on(watch);
    });
}

Loop::Handle own(const std::shared_ptr<Watch>& watch) {
    wait_on(watch);
    return Loop::Handle(std::shared_ptr<WatchOwner>(new WatchOwner{watch}));
}

} // namespace

Loop::Loop() : state_(std::make_unique<State>()) {}
Loop::~Loop() = default;

asio::io_context& Loop::context() {
    return state_->io;
}

Loop::Handle Loop::after(double seconds, std::function<void()> handler) {
    auto timer = std::make_shared<TimerOwner>(state_->io);
    timer->timer.expires_after(std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6)));
    timer->timer.async_wait(
        [weak = std::weak_ptr(timer), handler = std::move(handler)](asio::error_code error) {
            if (!error && weak.lock()) handler();
        });
    return Handle(std::move(timer));
}

Loop::Handle Loop::when_readable(int fd, std::function<void()> handler) {
    auto watch = std::make_shared<Watch>(state_->io, fd);
    watch->handler = std::move(handler);
    return own(watch);
}

Loop::Handle Loop::when_writable(int fd, std::function<void()> handler) {
    auto watch = std::make_shared<Watch>(state_->io, fd);
    watch->handler = std::move(handler);
    watch->kind = asio::posix::descriptor_base::wait_write;
    watch->again = false;
    return own(watch);
}

void Loop::post(std::function<void()> handler) {
    asio::post(state_->io, std::move(handler));
}

void Loop::run() {
    state_->io.run();
}

void Loop::stop() {
    state_->io.stop();
}

} // namespace railhead
