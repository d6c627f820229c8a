#include "launcher/channel/connection.hpp"

#include "launcher/wire.hpp"

#include <asio/buffers_iterator.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <utility>

namespace railhead {
void Connection::handshake(Role role, double within_s, std::function<void(const std::string&)> done) {
    auto self = shared_from_this();
    auto timer = std::make_shared<asio::steady_timer>(stream_.get_executor());
    timer->expires_after(milliseconds(within_s));
    timer->async_wait([self](asio::error_code error) {
        if (!error) self->close();
    });
    asio::error_code ignored;
    stream_.next_layer().set_option(asio::ip::tcp::no_delay(true), ignored);
    stream_.async_handshake(role, [self, timer, done = std::move(done)](asio::error_code error) {
        timer->cancel();
        self->heard_ = Clock::now();
        done(error ? "TLS: " + error.message() : std::string());
    });
}

void Connection::send(std::string text) {
    if (closed_ || text.empty()) return;
    queued_bytes_ += text.size();
    queue_.push_back(std::move(text));
    if (queued_bytes_ > max_queued_bytes) return broken("the peer does not read");
    if (!writing_) write_more();
}

void Connection::write_more() {
    if (queue_.empty() || closed_) return;
    writing_ = true;
    asio::async_write(stream_, asio::buffer(queue_.front()),
                      [self = shared_from_this()](asio::error_code error, std::size_t) {
                          self->writing_ = false;
                          if (error) return self->broken(error.message());
                          self->queued_bytes_ -= self->queue_.front().size();
                          self->queue_.pop_front();
                          if (self->queue_.empty() && self->on_written_) self->close();
                          self->write_more();
                      });
}

void Connection::close_when_written(std::function<void()> done) {
    on_written_ = std::move(done);
    if (closed_)
        std::exchange(on_written_, nullptr)();
    else if (queue_.empty())
        close();
}

void Connection::read_more() {
    if (closed_) return;
    if (is_full && is_full()) {
        room_.expires_after(std::chrono::milliseconds(50));
        return room_.async_wait([self = shared_from_this()](asio::error_code error) {
            if (!error) self->read_more();
        });
    }
    stream_.async_read_some(input_.prepare(16 * 1024),
                            [self = shared_from_this()](asio::error_code error, std::size_t bytes) {
                                if (error) return self->broken(error.message());
                                self->input_.commit(bytes);
                                self->heard_ = Clock::now();
                                self->deliver();
                                self->read_more();
                            });
}

void Connection::deliver() {
    while (!closed_ && input_.size() > 0) {
        std::string_view pending(static_cast<const char*>(input_.data().data()), input_.size());
        if (raw_) {
            std::string bytes(pending);
            input_.consume(bytes.size());
            if (auto handler = on_bytes) handler(bytes);
            continue;
        }
        auto end = pending.find('\n');
        if (end == std::string_view::npos) {
            if (pending.size() > max_frame_bytes) broken("a line is longer than a frame");
            return;
        }
        std::string line(pending.substr(0, end));
        input_.consume(end + 1);
        if (auto handler = on_line) handler(line); // a copy: it may replace or drop itself
    }
}

void Connection::broken(const std::string& why) {
    if (closed_) return;
    auto told = std::move(on_closed);
    close();
    if (told) told(why);
}

void Connection::close() {
    if (std::exchange(closed_, true)) return;
    asio::error_code ignored;
    stream_.next_layer().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    stream_.next_layer().close(ignored);
    on_line = nullptr;
    on_bytes = nullptr;
    is_full = nullptr;
    room_.cancel();
    on_closed = nullptr;
    if (auto done = std::exchange(on_written_, nullptr)) done();
}

} // namespace railhead
