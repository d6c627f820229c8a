#include "launcher/channel/client.hpp"

#include "launcher/channel/connection.hpp"
#include "launcher/channel/own_pause.hpp"
#include "launcher/channel/tls.hpp"
#include "launcher/link.hpp"

#include <asio/io_context.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace railhead {
namespace {

using asio::ip::tcp;
using Clock = Connection::Clock;
constexpr double connect_within_s = 3;
constexpr double silent_reconnect_s = 8; // the supervisor pings twice a second
constexpr double longest_pause_s = 2;
constexpr double refused_within_s = 5; // the supervisor listens before any agent is started
constexpr auto watch_every = std::chrono::seconds(1);

} // namespace

struct ChannelClient::State : std::enable_shared_from_this<State> {
    State(asio::io_context& io, const PresharedKey& key, Invitation invitation, Handlers handlers)
        : io(io), context(TlsContext::Side::client, key), invitation(std::move(invitation)),
          handlers(std::move(handlers)), timer(io), finish_timer(io) {}

    asio::io_context& io;
    TlsContext context;
    Invitation invitation;
    Handlers handlers;
    asio::steady_timer timer, finish_timer;
    Link link;
    std::shared_ptr<Connection> connection; // welcomed
    std::size_t address = 0;                // the one that is tried, or that answered
    bool welcomed_once = false;
    bool over = false;
    bool connecting = false;
    int closing_terminals = 0;
    double pause_s = 0.05;
    Clock::time_point heard_at = Clock::now();
    Clock::time_point not_refused_at = Clock::now(); ///< the last attempt that ended otherwise
    OwnPause own_pause{watch_every};
    std::string last_error = "its connection was open";
    std::function<void()> finished;

    using Connected = std::function<void(std::shared_ptr<Connection>)>;
    void connect();
    void dial(const Connected& connected,
              const std::function<void(const std::string&, bool refused)>& failed);
    void failed(const std::string& why, bool refused);
    void joined(const std::shared_ptr<Connection>& fresh);
    void line(std::string_view text);
    void welcome(const Frame& frame);
    void lost(const std::string& why);
    void watch();
    void forgive();
    void check_finished();
    void close_terminal(const std::shared_ptr<Connection>& terminal);
};

// One attempt: TCP to the current address, then TLS.
void ChannelClient::State::dial(const Connected& connected,
                                const std::function<void(const std::string&, bool)>& failed) {
    asio::error_code error;
    const auto& text = invitation.addresses[address % invitation.addresses.size()];
    auto ip = asio::ip::make_address(text, error);
    if (error) return failed(text + " is no address", false);
    auto socket = std::make_shared<tcp::socket>(io);
    auto bound = std::make_shared<asio::steady_timer>(io, milliseconds(connect_within_s));
    bound->async_wait([socket](asio::error_code stopped) {
        asio::error_code ignored;
        if (!stopped) socket->close(ignored);
    });
    auto where = fmt::format("{} port {}", text, invitation.port);
    socket->async_connect({ip, invitation.port}, [=, self = shared_from_this()](asio::error_code refusal) {
        bound->cancel();
        if (refusal) {
            auto words =
                refusal == asio::error::operation_aborted ? std::string("no answer") : refusal.message();
            return failed(where + ": " + words, refusal == asio::error::connection_refused);
        }
        auto fresh = std::make_shared<Connection>(std::move(*socket), self->context.native());
        fresh->handshake(asio::ssl::stream_base::client, connect_within_s, [=](const std::string& problem) {
            if (problem.empty()) return connected(fresh);
            fresh->close();
            failed(where + ": " + problem, false);
        });
    });
}

void ChannelClient::State::connect() {
    if (over || std::exchange(connecting, true)) return;
    auto self = shared_from_this();
    dial([self](std::shared_ptr<Connection> fresh) { self->joined(fresh); },
         [self](const std::string& why, bool refused) { self->failed(why, refused); });
}

void ChannelClient::State::failed(const std::string& why, bool refused) {
    connecting = false;
    last_error = why;
    if (over) return;
    forgive();
    // The port was ours and is refused now by the host that had it: the supervisor has ended.
    if (welcomed_once && refused) return lost("the supervisor has ended (" + why + ")");
    if (!refused) not_refused_at = Clock::now();
    bool refuses = !welcomed_once && seconds_since(not_refused_at) > refused_within_s;
    if (refuses || seconds_since(heard_at) > invitation.loss_after_s)
        return lost("the supervisor cannot be reached: " + why);
    if (!welcomed_once) ++address;
    pause_s = std::min(pause_s * 2, longest_pause_s);
    auto pause = std::make_shared<asio::steady_timer>(io, milliseconds(pause_s));
    pause->async_wait([self = shared_from_this(), pause](asio::error_code) { self->connect(); });
}

void ChannelClient::State::joined(const std::shared_ptr<Connection>& fresh) {
    connecting = false;
    if (over) return fresh->close();
    if (connection) connection->close();
    connection = fresh;
    pause_s = 0.05;
    fresh->on_line = [self = shared_from_this()](std::string_view text) { self->line(text); };
    fresh->on_closed = [self = shared_from_this(), raw = fresh.get()](const std::string& why) {
        if (self->connection.get() != raw) return;
        self->connection.reset();
        self->last_error = why;
        self->connect();
    };
    fresh->start_reading();
    fresh->send(
        to_line(Frame{.type = Frame::Type::hello, .seq = link.last_received(), .body = handlers.hello()}));
}

void ChannelClient::State::line(std::string_view text) {
    heard_at = Clock::now();
    auto frame = frame_from(text);
    if (!frame) return lost(sentence(frame.error()));
    switch (frame->type) {
    case Frame::Type::welcome:
        return welcome(*frame);
    case Frame::Type::ack:
        link.acknowledged(frame->seq);
        return check_finished();
    case Frame::Type::ping:
        if (connection)
            connection->send(to_line(Frame{.type = Frame::Type::ack, .seq = link.last_received()}));
        return;
    case Frame::Type::order:
        break;
    case Frame::Type::hello:
    case Frame::Type::event:
    case Frame::Type::terminal:
        return;
    }
    auto kind = link.receive(*frame);
    if (connection) connection->send(to_line(Frame{.type = Frame::Type::ack, .seq = link.last_received()}));
    if (kind == Link::Kind::fresh) handlers.on_order(std::get<Order>(frame->body));
}

void ChannelClient::State::welcome(const Frame& frame) {
    welcomed_once = true;
    for (auto& line : link.resend_after(frame.seq)) connection->send(std::move(line));
    check_finished();
}

void ChannelClient::State::lost(const std::string& why) {
    if (std::exchange(over, true)) return;
    timer.cancel();
    if (connection) connection->close();
    connection.reset();
    if (finished) return std::exchange(finished, nullptr)();
    handlers.on_lost(why);
}

// What we could not hear, because we stood still, was no silence.
void ChannelClient::State::forgive() {
    auto now = Clock::now();
    heard_at = std::min(heard_at + own_pause.look(now), now);
}

void ChannelClient::State::watch() {
    timer.expires_after(watch_every);
    timer.async_wait([self = shared_from_this()](asio::error_code error) {
        if (error || self->over) return;
        self->forgive();
        double silent_s = seconds_since(self->heard_at);
        if (silent_s > self->invitation.loss_after_s)
            return self->lost(fmt::format("{}{:.0f} s ({})", agent_gives_up, silent_s, self->last_error));
        if (self->connection && silent_s > silent_reconnect_s) self->connect();
        self->watch();
    });
}

void ChannelClient::State::check_finished() {
    if (!finished || link.unacknowledged() > 0 || closing_terminals > 0) return;
    over = true;
    timer.cancel();
    finish_timer.cancel();
    if (connection) connection->close();
    std::exchange(finished, nullptr)();
}

void ChannelClient::State::close_terminal(const std::shared_ptr<Connection>& terminal) {
    ++closing_terminals;
    terminal->close_when_written([self = shared_from_this()] {
        --self->closing_terminals;
        self->check_finished();
    });
}

Result<std::unique_ptr<ChannelClient>> ChannelClient::make(asio::io_context& io, const Invitation& invitation,
                                                           Handlers handlers) {
    auto key = key_from(invitation.key);
    if (!key) return tl::unexpected(key.error());
    if (invitation.addresses.empty())
        return fail(ErrorKind::internal,
                    {.id = "channel-address",
                     .thing = "the supervisor",
                     .seen = "has no address",
                     .next = "set launch.interface or launch.subnet to a network that all nodes share"});
    return std::unique_ptr<ChannelClient>(
        new ChannelClient(std::make_shared<State>(io, *key, invitation, std::move(handlers))));
}

ChannelClient::~ChannelClient() {
    state_->over = true;
    state_->timer.cancel();
    state_->finish_timer.cancel();
    if (state_->connection) state_->connection->close();
    state_->connection.reset();
}

void ChannelClient::start() {
    state_->connect();
    state_->watch();
}

void ChannelClient::send(const Event& event) {
    auto line = state_->link.send(Frame{.type = Frame::Type::event, .body = event});
    if (line.empty()) return state_->lost("the supervisor is too far behind");
    if (state_->connection && state_->welcomed_once) state_->connection->send(std::move(line));
}

void ChannelClient::finish(double within_s, std::function<void()> done) {
    state_->finished = std::move(done);
    if (state_->over) return std::exchange(state_->finished, nullptr)();
    state_->finish_timer.expires_after(milliseconds(within_s));
    state_->finish_timer.async_wait([state = state_](asio::error_code error) {
        if (!error) state->lost("the end was not acknowledged");
    });
    state_->check_finished();
}

void ChannelClient::open_terminal(const std::string& id, std::function<void(std::string_view)> sink,
                                  std::function<void(Terminal)> ready,
                                  std::function<void(const std::string&)> on_closed) {
    state_->dial(
        [=, state = state_](const std::shared_ptr<Connection>& fresh) {
            fresh->on_bytes = sink;
            fresh->on_closed = on_closed;
            fresh->raw();
            fresh->start_reading();
            fresh->send(to_line(Frame{.type = Frame::Type::terminal, .body = Event{.id = id}}));
            ready({.write = [fresh](std::string_view bytes) { fresh->send(std::string(bytes)); },
                   .close = [fresh, state] { state->close_terminal(fresh); },
                   .waiting = [fresh] { return fresh->queued_bytes(); }});
        },
        [=](const std::string& why, bool) { on_closed(why); });
}

} // namespace railhead
