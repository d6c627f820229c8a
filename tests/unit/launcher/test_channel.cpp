#include "launcher/channel/client.hpp"
#include "launcher/channel/connection.hpp"
#include "launcher/channel/server.hpp"
#include "launcher/channel/tls.hpp"

#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>

#include <gtest/gtest.h>

#include <thread>

using namespace railhead;
using asio::ip::tcp;

namespace {

/// Both ends in one loop, over real TLS on loopback; `through` may put a relay between them.
struct Pair {
    asio::io_context io;
    std::string key = *make_key_text();
    std::vector<std::string> said; // what the handlers saw, in order
    std::unique_ptr<ChannelServer> server;
    std::unique_ptr<ChannelClient> client;
    std::uint16_t port = 0;

    explicit Pair(ChannelServer::Bounds bounds = {}) {
        server = std::make_unique<ChannelServer>(
            io, key, bounds,
            ChannelServer::Handlers{
                .on_hello = [this](auto& peer, auto&) { say("hello " + peer); },
                .on_event = [this](auto&, auto& event) { say("event " + event.id); },
                .on_away =
                    [this](auto& peer, auto how) {
                        say((how == ChannelServer::Handlers::Away::broken ? "broken " : "silent ") + peer);
                    },
                .on_back = [this](auto& peer) { say("back " + peer); },
                .on_lost = [this](auto& peer, auto& why) { say("lost " + peer + ": " + why); },
                .on_terminal = nullptr,
            });
        port = *server->listen();
    }
    void say(std::string text) { said.push_back(std::move(text)); }
    void connect(std::string client_key, double loss_after_s = 60, std::uint16_t to = 0) {
        Invitation invitation{.addresses = {"127.0.0.1"},
                              .port = to ? to : port,
                              .key = client_key,
                              .loss_after_s = loss_after_s};
        client = *ChannelClient::make(io, invitation,
                                      {.hello = [] { return Hello{.node = "n1"}; },
                                       .on_order = [this](auto& order) { say("order " + order.id); },
                                       .on_lost = [this](auto& why) { say("client lost: " + why); }});
        client->start();
    }
    void turn() {
        io.run_one_for(std::chrono::milliseconds(20));
        io.restart();
    }
    /// Runs the loop until `text` was said, at most 10 s.
    bool until(const std::string& text) {
        auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (std::chrono::steady_clock::now() < deadline) {
            for (auto& line : said)
                if (line.find(text) != std::string::npos) return true;
            turn();
        }
        return false;
    }
};

/// Passes bytes both ways until it is told to drop every connection.
struct Relay {
    asio::io_context& io;
    std::uint16_t target;
    tcp::acceptor acceptor;
    std::vector<std::shared_ptr<tcp::socket>> sockets;

    Relay(asio::io_context& loop, std::uint16_t to) : io(loop), target(to), acceptor(loop, {tcp::v4(), 0}) {
        accept();
    }
    std::uint16_t port() const { return acceptor.local_endpoint().port(); }
    void accept() {
        auto in = std::make_shared<tcp::socket>(io), out = std::make_shared<tcp::socket>(io);
        acceptor.async_accept(*in, [=, this](asio::error_code error) {
            if (error) return;
            out->connect({asio::ip::address_v4::loopback(), target});
            sockets.insert(sockets.end(), {in, out});
            pump(in, out);
            pump(out, in);
            accept();
        });
    }
    void pump(std::shared_ptr<tcp::socket> from, std::shared_ptr<tcp::socket> to) {
        auto bytes = std::make_shared<std::array<char, 4096>>();
        from->async_read_some(asio::buffer(*bytes), [=, this](asio::error_code error, std::size_t count) {
            asio::error_code ignored;
            if (error) return (void)to->close(ignored);
            asio::write(*to, asio::buffer(*bytes, count), ignored);
            pump(from, to);
        });
    }
    void drop_all() {
        asio::error_code ignored;
        for (auto& socket : sockets) socket->close(ignored);
        sockets.clear();
    }
};

} // namespace

TEST(Channel, orders_and_events_arrive) {
    Pair pair;
    pair.connect(pair.key);
    ASSERT_TRUE(pair.until("hello 0:n1"));
    pair.server->send("0:n1", Order{.id = "start-ray"});
    ASSERT_TRUE(pair.until("order start-ray"));
    pair.client->send(Event{.id = "ready"});
    EXPECT_TRUE(pair.until("event ready"));
}

TEST(Channel, a_wrong_key_is_never_let_in) {
    Pair pair;
    pair.connect(*make_key_text(), 0.5);
    EXPECT_TRUE(pair.until("client lost: the supervisor cannot be reached"));
    for (auto& line : pair.said) EXPECT_EQ(line.find("hello"), std::string::npos) << line;
}

TEST(Channel, a_connection_that_breaks_is_replaced_without_loss) {
    Pair pair;
    Relay relay(pair.io, pair.port);
    pair.connect(pair.key, 60, relay.port());
    ASSERT_TRUE(pair.until("hello 0:n1"));
    relay.drop_all();
    pair.client->send(Event{.id = "said-while-away"});
    pair.server->send("0:n1", Order{.id = "ordered-while-away"});
    ASSERT_TRUE(pair.until("event said-while-away"));
    ASSERT_TRUE(pair.until("order ordered-while-away"));
    EXPECT_TRUE(pair.until("back 0:n1"));
    EXPECT_EQ(std::count(pair.said.begin(), pair.said.end(), "event said-while-away"), 1);
    EXPECT_EQ(std::count(pair.said.begin(), pair.said.end(), "hello 0:n1"), 1);
}

TEST(Channel, an_agent_knows_at_once_that_its_supervisor_has_ended) {
    Pair pair;
    pair.connect(pair.key);
    ASSERT_TRUE(pair.until("hello 0:n1"));
    pair.server.reset();
    EXPECT_TRUE(pair.until("client lost: the supervisor has ended"));
}

TEST(Channel, an_address_that_refuses_is_given_up_long_before_the_bound) {
    Pair pair;
    pair.server.reset(); // nobody listens on its port any more
    pair.connect(pair.key);
    EXPECT_TRUE(pair.until("client lost: the supervisor cannot be reached: 127.0.0.1 port"));
}

TEST(Channel, an_agent_that_ends_is_lost_within_the_bound) {
    Pair pair({.loss_after_s = 60, .return_within_s = 0.5});
    pair.connect(pair.key);
    ASSERT_TRUE(pair.until("hello 0:n1"));
    pair.client.reset();
    ASSERT_TRUE(pair.until("broken 0:n1"));
    EXPECT_TRUE(pair.until("lost 0:n1: closed its connection and did not come back"));
}

TEST(Channel, standing_still_with_the_job_is_no_silence_of_the_other) {
    Pair pair({.loss_after_s = 2});
    pair.connect(pair.key, 2);
    ASSERT_TRUE(pair.until("hello 0:n1"));
    auto began = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() < began + std::chrono::milliseconds(1500)) pair.turn();
    std::this_thread::sleep_for(std::chrono::seconds(4)); // as scontrol suspend does to both
    pair.client->send(Event{.id = "after"});
    EXPECT_TRUE(pair.until("event after"));
    for (auto& line : pair.said) {
        EXPECT_EQ(line.find("lost"), std::string::npos) << line;
        EXPECT_EQ(line.find("silent"), std::string::npos) << line;
    }
}

TEST(Channel, a_stranger_who_says_nothing_harms_nobody) {
    Pair pair;
    tcp::socket stranger(pair.io);
    stranger.connect({asio::ip::address_v4::loopback(), pair.port});
    asio::write(stranger, asio::buffer(std::string("GET / HTTP/1.0\r\n\r\n")));
    pair.connect(pair.key);
    EXPECT_TRUE(pair.until("hello 0:n1"));
}

TEST(Channel, many_strangers_who_say_nothing_keep_no_agent_out) {
    Pair pair;
    std::vector<tcp::socket> strangers;
    for (int i = 0; i < 300; ++i) {
        strangers.emplace_back(pair.io).connect({asio::ip::address_v4::loopback(), pair.port});
        pair.io.poll();
    }
    pair.connect(pair.key);
    EXPECT_TRUE(pair.until("hello 0:n1"));
}

TEST(Channel, the_end_waits_for_what_was_said) {
    Pair pair;
    pair.connect(pair.key);
    ASSERT_TRUE(pair.until("hello 0:n1"));
    pair.client->send(Event{.id = "bye"});
    pair.client->finish(5, [&] { pair.say("finished"); });
    ASSERT_TRUE(pair.until("finished"));
    EXPECT_TRUE(pair.until("event bye"));
}
