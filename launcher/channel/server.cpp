#include "launcher/channel/server.hpp"

#include "launcher/channel/connection.hpp"
#include "launcher/channel/own_pause.hpp"
#include "launcher/channel/tls.hpp"
#include "launcher/link.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/v6_only.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

namespace railhead {
namespace {

using asio::ip::tcp;
constexpr auto tick_every = std::chrono::milliseconds(500);
constexpr double quiet_after_s = 8; // every tick pings, and agents answer
constexpr double handshake_within_s = 10;
constexpr double woken_s = 2;              // what peers did while we stood still is known so soon thereafter
constexpr std::size_t max_strangers = 256; // connections that have not proved the key yet

} // namespace

struct ChannelServer::State : std::enable_shared_from_this<State> {
    struct Peer {
        Link link;
        std::shared_ptr<Connection> connection;
        Connection::Clock::time_point closed_at{};
        Connection::Clock::time_point heard_at = Connection::Clock::now();
        bool quiet = false;
    };

    State(asio::io_context& io, const PresharedKey& key, Bounds bounds, Handlers handlers)
        : io(io), context(TlsContext::Side::server, key), acceptor(io), timer(io), bounds(bounds),
          handlers(std::move(handlers)) {}

    asio::io_context& io;
    TlsContext context;
    tcp::acceptor acceptor;
    asio::steady_timer timer;
    Bounds bounds;
    Handlers handlers;
    std::map<std::string, Peer> peers;
    OwnPause pause{tick_every};
    struct {
        double seconds = 0;
        Connection::Clock::time_point until;
    } given_up; ///< the last pause that was long enough for the peers to give us up
    std::deque<std::shared_ptr<Connection>> strangers; ///< the oldest first
    bool closed = false;

    void accept();
    void admit(const std::shared_ptr<Connection>& connection);
    void first_line(const std::shared_ptr<Connection>& connection, std::string_view line);
    void join(const std::shared_ptr<Connection>& connection, const Frame& frame);
    void attach_terminal(const std::shared_ptr<Connection>& connection);
    void line(const std::string& name, std::string_view text);
    void tick();
    void forgive(Connection::Clock::duration pause);
    bool check(const std::string& name, Peer& peer);
};

void ChannelServer::State::accept() {
    acceptor.async_accept([self = shared_from_this()](asio::error_code error, tcp::socket socket) {
        if (self->closed) return;
        if (!error) self->admit(std::make_shared<Connection>(std::move(socket), self->context.native()));
        // Out of descriptors: a breath, then go on; the connection waits in the kernel's queue.
        if (!error) return self->accept();
        auto pause = std::make_shared<asio::steady_timer>(self->io, std::chrono::milliseconds(100));
        pause->async_wait([self, pause](asio::error_code) { self->accept(); });
    });
}

// Who holds many connections that prove nothing loses the oldest; an agent needs a moment to prove the key.
void ChannelServer::State::admit(const std::shared_ptr<Connection>& connection) {
    if (strangers.size() >= max_strangers) {
        strangers.front()->close();
        strangers.pop_front();
    }
    strangers.push_back(connection);
    connection->handshake(asio::ssl::stream_base::server, handshake_within_s,
                          [self = shared_from_this(), connection](const std::string& error) {
                              std::erase(self->strangers, connection);
                              if (!error.empty() || self->closed) return connection->close();
                              connection->on_line =
                                  [self, weak = std::weak_ptr(connection)](std::string_view line) {
                                      if (auto strong = weak.lock()) self->first_line(strong, line);
                                  };
                              connection->start_reading();
                          });
}

void ChannelServer::State::first_line(const std::shared_ptr<Connection>& connection, std::string_view text) {
    auto frame = frame_from(text);
    if (frame && frame->type == Frame::Type::hello) return join(connection, *frame);
    if (frame && frame->type == Frame::Type::terminal && handlers.on_terminal)
        return attach_terminal(connection);
    connection->close();
}

void ChannelServer::State::join(const std::shared_ptr<Connection>& connection, const Frame& frame) {
    const auto& hello = std::get<Hello>(frame.body);
    auto name = peer_name(hello.component, hello.node);
    bool fresh = !peers.contains(name);
    auto& peer = peers[name];
    if (peer.connection) peer.connection->close();
    peer.connection = connection;
    peer.heard_at = Connection::Clock::now();
    connection->on_line = [self = shared_from_this(), name](std::string_view line) {
        self->line(name, line);
    };
    connection->on_closed = [self = shared_from_this(), name, raw = connection.get()](const std::string&) {
        auto found = self->peers.find(name);
        if (found == self->peers.end() || found->second.connection.get() != raw) return;
        found->second.closed_at = Connection::Clock::now();
        found->second.connection.reset();
        found->second.quiet = true;
        self->handlers.on_away(name, Handlers::Away::broken);
    };
    connection->send(to_line(Frame{.type = Frame::Type::welcome, .seq = peer.link.last_received()}));
    for (auto& line : peer.link.resend_after(frame.seq)) connection->send(std::move(line));
    if (fresh) return handlers.on_hello(name, hello);
    if (std::exchange(peer.quiet, false)) handlers.on_back(name);
}

void ChannelServer::State::attach_terminal(const std::shared_ptr<Connection>& connection) {
    std::weak_ptr weak = connection;
    auto output = handlers.on_terminal({.write =
                                            [weak](std::string_view bytes) {
                                                if (auto strong = weak.lock())
                                                    strong->send(std::string(bytes));
                                            },
                                        .close =
                                            [weak] {
                                                if (auto strong = weak.lock()) strong->close();
                                            }});
    connection->on_bytes = std::move(output.take);
    connection->is_full = std::move(output.is_full);
    connection->raw();
}

void ChannelServer::State::line(const std::string& name, std::string_view text) {
    auto found = peers.find(name);
    if (found == peers.end()) return;
    auto& peer = found->second;
    peer.heard_at = Connection::Clock::now();
    auto frame = frame_from(text);
    if (!frame) {
        if (peer.connection) peer.connection->close();
        peer.connection.reset();
        peers.erase(found);
        return handlers.on_lost(name, sentence(frame.error()));
    }
    if (std::exchange(peer.quiet, false)) handlers.on_back(name);
    if (frame->type == Frame::Type::ack) return peer.link.acknowledged(frame->seq);
    if (frame->type != Frame::Type::event || peer.link.receive(*frame) != Link::Kind::fresh) return;
    if (peer.connection) peer.connection->send(to_line(Frame{.type = Frame::Type::ack, .seq = frame->seq}));
    handlers.on_event(name, std::get<Event>(frame->body));
}

// True when the peer is gone for good.
bool ChannelServer::State::check(const std::string& name, Peer& peer) {
    double silent_s = seconds_since(peer.heard_at);
    if (peer.connection) {
        peer.connection->send(to_line(Frame{.type = Frame::Type::ping}));
        if (silent_s > quiet_after_s && !std::exchange(peer.quiet, true))
            handlers.on_away(name, Handlers::Away::silent);
    }
    bool ended = !peer.connection && seconds_since(peer.closed_at) > bounds.return_within_s;
    return ended || silent_s > bounds.loss_after_s;
}

// What nobody could hear, because we stood still, was no silence.
void ChannelServer::State::forgive(Connection::Clock::duration pause) {
    for (auto& [name, peer] : peers)
        for (auto* since : {&peer.heard_at, &peer.closed_at})
            *since = std::min(*since + pause, Connection::Clock::now());
}

void ChannelServer::State::tick() {
    timer.expires_after(tick_every);
    timer.async_wait([self = shared_from_this()](asio::error_code error) {
        if (error || self->closed) return;
        const auto paused = self->pause.look(Connection::Clock::now());
        const double paused_s = std::chrono::duration<double>(paused).count();
        if (paused_s > self->bounds.loss_after_s - woken_s)
            self->given_up = {paused_s, Connection::Clock::now()};
        self->forgive(paused);
        std::map<std::string, std::string> lost;
        for (auto& [name, peer] : self->peers)
            if (self->check(name, peer))
                lost[name] = peer.connection
                                 ? fmt::format("has been silent for {:.0f} s", seconds_since(peer.heard_at))
                                 : "closed its connection and did not come back";
        for (auto& [name, why] : lost) {
            if (auto& connection = self->peers[name].connection) connection->close();
            self->peers.erase(name);
            self->handlers.on_lost(name, why);
        }
        self->tick();
    });
}

ChannelServer::ChannelServer(asio::io_context& io, const std::string& key, Bounds bounds, Handlers handlers)
    : state_(
          std::make_shared<State>(io, key_from(key).value_or(PresharedKey{}), bounds, std::move(handlers))) {}

double ChannelServer::stood_still_s() const {
    const auto& pause = state_->given_up;
    return seconds_since(pause.until) < state_->bounds.return_within_s + woken_s ? pause.seconds : 0;
}

ChannelServer::~ChannelServer() {
    close();
}

Result<std::uint16_t> ChannelServer::listen(std::uint16_t port) {
    auto& acceptor = state_->acceptor;
    asio::error_code error;
    acceptor.open(tcp::v6(), error);
    if (!error) acceptor.set_option(asio::ip::v6_only(false), error);
    if (!error) acceptor.bind({tcp::v6(), port}, error);
    if (error) { // IPv6 is switched off on this host
        acceptor.close(error);
        acceptor.open(tcp::v4(), error);
        if (!error) acceptor.bind({tcp::v4(), port}, error);
    }
    if (!error) acceptor.listen(1024, error);
    if (error)
        return fail(ErrorKind::internal, {.id = "channel-listen",
                                          .thing = "a port for the control channel",
                                          .seen = "cannot be opened: " + error.message(),
                                          .next = "check the open-file limit and the network of this host"});
    state_->accept();
    state_->tick();
    return acceptor.local_endpoint().port();
}

double ChannelServer::silent_s(const std::string& peer) const {
    auto found = state_->peers.find(peer);
    return found == state_->peers.end() ? 0 : seconds_since(found->second.heard_at);
}

void ChannelServer::send(const std::string& peer, const Order& order) {
    auto found = state_->peers.find(peer);
    if (found == state_->peers.end()) return;
    auto line = found->second.link.send(Frame{.type = Frame::Type::order, .body = order});
    if (found->second.connection) found->second.connection->send(std::move(line));
}

void ChannelServer::forget(const std::string& peer) {
    auto found = state_->peers.find(peer);
    if (found == state_->peers.end()) return;
    if (found->second.connection) found->second.connection->close();
    state_->peers.erase(found);
}

void ChannelServer::close() {
    if (std::exchange(state_->closed, true)) return;
    asio::error_code ignored;
    state_->acceptor.close(ignored);
    state_->timer.cancel();
    for (auto& connection : state_->strangers) connection->close();
    for (auto& [name, peer] : state_->peers)
        if (peer.connection) peer.connection->close();
    state_->peers.clear();
}

} // namespace railhead
