#include "launcher/agent/milestones.hpp"

#include "agent_rig.hpp"

#include "launcher/agent/port_watch.hpp"

#include <gmock/gmock.h>

namespace railhead {
namespace {

using testing::HasSubstr;

TEST(Endpoint, is_a_numeric_address_with_a_port) {
    for (auto* text : {"10.0.0.1:6379", "[fd00::1]:6379", "fd00::1:6379"}) {
        auto endpoint = endpoint_from(text);
        ASSERT_TRUE(endpoint) << text;
        EXPECT_EQ(endpoint->port, 6379);
    }
    for (auto* text :
         {"", ":", "10.0.0.1", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:65536", "localhost:80", "[]:80"}) {
        auto endpoint = endpoint_from(text);
        ASSERT_FALSE(endpoint) << text;
        EXPECT_EQ(sentence(endpoint.error()), "the endpoint is \"" + std::string(text) +
                                                  "\" (expected ADDRESS:PORT with a numeric address)");
    }
}

class MilestoneOf : public AgentRig {
  protected:
    Process with(Process process, const std::string& kind, const std::string& arg, double within_s = 0) {
        process.role = Role::service;
        process.milestones = {{.name = "up", .kind = kind, .arg = arg, .within_s = within_s}};
        return process;
    }
    std::string value() {
        auto* event = await(Event::Type::milestone, "a", "up");
        return event ? event->value : "(never)";
    }
};

TEST_F(MilestoneOf, started_is_reached_at_once) {
    start_and_meet();
    run_process(with(shell("a", "sleep 60"), "started", ""));
    EXPECT_EQ(value(), "");
}

TEST_F(MilestoneOf, port_is_reached_when_something_listens) {
    start_and_meet();
    auto program =
        "import socket,time; time.sleep(0.3); s=socket.socket(); "
        "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('127.0.0.1',27310)); s.listen(); "
        "time.sleep(60)";
    Process process{.id = "a", .argv = {"python3", "-c", program}, .log = "a.log"};
    run_process(with(process, "port", "127.0.0.1:27310"));
    EXPECT_EQ(value(), "27310");
}

TEST_F(MilestoneOf, http_is_reached_when_the_path_is_answered_well) {
    start_and_meet();
    auto program = R"(
import http.server, sys
answers = [503, 404, 204]
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(answers.pop(0) if self.path == "/health?a=1" else 500)
        self.end_headers()
        print(self.path, self.headers["Host"], len(answers), flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", 27312), Handler).serve_forever()
)";
    const Process process{.id = "a", .argv = {"python3", "-c", program}, .log = "a.log"};
    run_process(with(process, "http", "127.0.0.1:27312/health?a=1"));
    EXPECT_EQ(value(), "204");
    send({.type = Order::Type::tail, .id = "a", .number = 9});
    auto* tail = await(Event::Type::log_tail, "a");
    ASSERT_TRUE(tail);
    EXPECT_THAT(tail->lines, testing::Contains("/health?a=1 127.0.0.1:27312 0"));
    EXPECT_THAT(tail->lines, testing::Not(testing::Contains(HasSubstr("Traceback"))));
}

TEST_F(MilestoneOf, http_is_no_open_port_that_says_something_else) {
    start_and_meet();
    auto program = "import socket\ns=socket.create_server(('127.0.0.1',27313))\n"
                   "for answer in b'', b'SSH-2.0-OpenSSH_9.6 200\\r\\n', b'HTTP/1.1 500 No\\r\\n\\r\\n':\n"
                   " c=s.accept()[0]; c.recv(999); c.send(answer); c.close()\n"
                   "print('three', flush=True)\nc=s.accept()[0]; c.recv(999); c.send(b'HTTP/1.1 302 '); "
                   "c.send(b'Found\\r\\n\\r\\n'); c.close()\nimport time; time.sleep(60)";
    const Process process{.id = "a", .argv = {"python3", "-c", program}, .log = "a.log"};
    run_process(with(process, "http", "127.0.0.1:27313"));
    EXPECT_EQ(value(), "302");
    send({.type = Order::Type::tail, .id = "a", .number = 9});
    auto* tail = await(Event::Type::log_tail, "a");
    ASSERT_TRUE(tail);
    EXPECT_THAT(tail->lines, testing::ElementsAre("three"));
}

TEST_F(MilestoneOf, http_that_never_answers_well_is_late) {
    start_and_meet();
    run_process(with(shell("a", "sleep 60"), "http", "127.0.0.1:27314/up", 0.5));
    auto* late = await(Event::Type::finding, "a");
    ASSERT_TRUE(late);
    EXPECT_THAT(sentence(*late->finding),
                HasSubstr("http://127.0.0.1:27314/up gave no 2xx or 3xx after 0.5 s"));
}

TEST_F(MilestoneOf, exists_is_reached_by_an_empty_file_too) {
    start_and_meet();
    auto process = shell("a", "sleep 0.3; mkdir $WHERE/up; : > $WHERE/up/now; sleep 60");
    process.env = {{"WHERE", "${dir}"}};
    run_process(with(process, "exists", "${dir}/up/now"));
    EXPECT_EQ(value(), dir() + "/up/now");
}

TEST_F(MilestoneOf, a_fresh_file_is_none_of_an_earlier_run) {
    start_and_meet();
    const auto path = base + "/up";
    std::ofstream(path) << "old";
    auto process = with(shell("a", "read line; echo new > $WHERE; sleep 60"), "exists", path);
    process.env = {{"WHERE", path}};
    process.input = true;
    process.milestones.front().fresh = true;
    run_process(process);
    ASSERT_TRUE(await(Event::Type::started, "a"));
    send({.type = Order::Type::tail, .id = "a", .number = 9});
    auto* tail = await(Event::Type::log_tail, "a");
    ASSERT_TRUE(tail);
    EXPECT_EQ(tail->value, "up: the file was there before this start, and has not changed since");
    send({.type = Order::Type::input, .id = "a", .bytes = {'\n'}});
    EXPECT_EQ(value(), path);
    EXPECT_EQ(text_of(path), "new\n");
}

TEST_F(MilestoneOf, a_folder_is_no_fresh_file) {
    start_and_meet();
    std::filesystem::create_directory(base + "/folder");
    auto process = with(shell("a", "sleep 60"), "exists", base + "/folder");
    process.milestones.front().fresh = true;
    run_process(process);
    auto* finding = await(Event::Type::finding, "a");
    ASSERT_TRUE(finding);
    EXPECT_EQ(sentence(*finding->finding),
              "n1: a: " + base +
                  "/folder is a folder (expected a file that is written when the process is "
                  "ready); name one in that folder");
    EXPECT_FALSE(event(Event::Type::started, "a"));
}

TEST_F(MilestoneOf, a_fresh_file_says_what_is_in_its_place) {
    start_and_meet();
    auto folder = with(shell("a", "mkdir $WHERE; echo made; sleep 60"), "exists", base + "/up");
    auto lost = with(shell("b", "echo made; sleep 60"), "exists", base + "/no/folder/up");
    for (auto* process : {&folder, &lost}) {
        process->env = {{"WHERE", base + "/up"}};
        process->milestones.front().fresh = true;
        process->milestones.push_back({.name = "made", .kind = "line", .arg = "made"});
        run_process(*process);
        ASSERT_TRUE(await(Event::Type::milestone, process->id, "made"));
        send({.type = Order::Type::tail, .id = process->id, .number = 9});
    }
    auto* tail = await(Event::Type::log_tail, "a");
    ASSERT_TRUE(tail);
    EXPECT_EQ(tail->value, "up: it is a folder");
    tail = await(Event::Type::log_tail, "b");
    ASSERT_TRUE(tail);
    EXPECT_EQ(tail->value, "up: its folder " + base + "/no/folder is not there");
}

TEST_F(MilestoneOf, a_fresh_file_may_be_as_old_as_its_server_has_it) {
    start_and_meet();
    const auto path = base + "/up";
    auto process = with(shell("a", "sleep 0.5; touch -d '1 hour ago' $WHERE; sleep 60"), "exists", path);
    process.env = {{"WHERE", path}};
    process.milestones.front().fresh = true;
    run_process(process);
    EXPECT_EQ(value(), path);
}

TEST_F(MilestoneOf, a_fresh_port_that_is_open_before_refuses_the_process) {
    start_and_meet();
    auto program = "import socket,time; s=socket.socket(); s.setsockopt(socket.SOL_SOCKET, "
                   "socket.SO_REUSEADDR, 1); s.bind(('127.0.0.1',27315)); s.listen(); time.sleep(60)";
    Process other{.id = "other", .argv = {"python3", "-c", program}, .log = "other.log"};
    run_process(with(other, "port", "127.0.0.1:27315"));
    ASSERT_TRUE(await(Event::Type::milestone, "other", "up"));
    for (const auto* kind : {"port", "http"}) {
        auto process = with(shell(kind, "sleep 60"), kind,
                            std::string("127.0.0.1:27315") + (kind[0] == 'h' ? "/up" : ""));
        process.milestones.front().fresh = true;
        run_process(process);
        auto* finding = await(Event::Type::finding, kind);
        ASSERT_TRUE(finding);
        EXPECT_EQ(sentence(*finding->finding),
                  std::string("n1: ") + kind +
                      ": port 27315 is taken by another program, which would be ready in "
                      "its place; choose another port, or end what listens there (see 'ss -ltnp')");
        EXPECT_FALSE(event(Event::Type::started, kind));
    }
}

TEST_F(MilestoneOf, file_is_found_in_folders_that_appear_later_and_gives_its_first_line) {
    start_and_meet();
    auto process = shell("a", "sleep 0.2; mkdir $WHERE/ray; mkdir $WHERE/ray/session_1; sleep 0.1; "
                              "printf '12345\\nmore\\n' > $WHERE/ray/session_1/port_x; sleep 60");
    process.env = {{"WHERE", "${dir}"}};
    run_process(with(process, "file", "${dir}/ray/session_*/port_*"));
    EXPECT_EQ(value(), "12345");
}

TEST(FirstLine, is_not_taken_while_it_is_being_written) {
    char name[] = "/tmp/lineXXXXXX";
    close(mkstemp(name));
    std::string path = name;
    FirstLine line;
    EXPECT_EQ(line.look(path), "");
    EXPECT_FALSE(line.unsure()) << "an empty file will be written to: that wakes us";
    std::ofstream(path) << "123";
    EXPECT_EQ(line.look(path), "");
    EXPECT_TRUE(line.unsure());
    std::ofstream(path, std::ios::app) << "45";
    EXPECT_EQ(line.look(path), "") << "it grew since the last look";
    EXPECT_EQ(line.look(path), "12345") << "it did not";
    std::ofstream(path, std::ios::app) << "6\nmore";
    EXPECT_EQ(line.look(path), "123456") << "a newline ends it at once";
    std::filesystem::remove(path);
}

TEST_F(MilestoneOf, file_may_have_no_newline) {
    start_and_meet();
    run_process(with(shell("a", "printf 4711 > ${dir}/port; sleep 60"), "file", "port"));
    EXPECT_EQ(value(), "4711");
}

TEST_F(MilestoneOf, line_gives_what_the_expression_caught) {
    start_and_meet();
    run_process(with(shell("a", "echo booting; sleep 0.1; echo listening on port 4711 now >&2; sleep 60"),
                     "line", "port ([0-9]+)"));
    EXPECT_EQ(value(), "4711");
}

TEST_F(MilestoneOf, line_is_found_also_when_the_process_has_ended) {
    start_and_meet();
    run_process(with(shell("a", "printf ready"), "line", "ready"));
    EXPECT_EQ(value(), "ready");
}

TEST_F(MilestoneOf, exit0_is_reached_by_a_good_end_only) {
    start_and_meet();
    run_process(with(shell("a", "exit 0"), "exit0", ""));
    EXPECT_EQ(value(), "");
    auto bad = with(shell("b", "exit 3"), "exit0", "");
    run_process(bad);
    ASSERT_TRUE(await(Event::Type::exited, "b"));
    EXPECT_FALSE(event(Event::Type::milestone, "b"));
}

TEST_F(MilestoneOf, that_is_late_is_named_with_the_end_of_the_log) {
    start_and_meet();
    run_process(with(shell("a", "echo trying; sleep 60"), "port", "127.0.0.1:27311", 1));
    auto* late = await(Event::Type::finding, "a");
    ASSERT_TRUE(late);
    EXPECT_EQ(sentence(*late->finding),
              "n1: a did not come up: port 127.0.0.1:27311 was not open after 1 s; look "
              "at the end of its log");
    EXPECT_THAT(late->lines, testing::ElementsAre("trying"));
}

TEST_F(MilestoneOf, that_cannot_be_watched_says_so) {
    start_and_meet();
    run_process(with(shell("a", "sleep 60"), "line", "(unclosed"));
    auto* said = await(Event::Type::finding, "a");
    ASSERT_TRUE(said);
    EXPECT_THAT(sentence(*said->finding),
                testing::StartsWith("n1: the milestone up of a is \"(unclosed\": "));
    run_process(with(shell("b", "sleep 60"), "smoke", "x"));
    said = await(Event::Type::finding, "b");
    ASSERT_TRUE(said);
    EXPECT_EQ(sentence(*said->finding),
              "n1: the milestone up of b has the kind smoke (expected started, port, http, exists, file, "
              "line or exit0)");
}

TEST(ExpandPattern, names_matches_and_the_folders_to_watch) {
    char name[] = "/tmp/globXXXXXX";
    std::string base = mkdtemp(name);
    std::filesystem::create_directories(base + "/s_1/x");
    std::filesystem::create_directories(base + "/s_2");
    std::ofstream(base + "/s_1/x/port") << "1";
    auto expanded = expand_pattern(base + "/s_*/x/port");
    EXPECT_THAT(expanded.matches, testing::ElementsAre(base + "/s_1/x/port"));
    EXPECT_THAT(expanded.folders,
                testing::IsSupersetOf({base, base + "/s_1", base + "/s_2", base + "/s_1/x"}));
    EXPECT_TRUE(expand_pattern(base + "/none/*").matches.empty());
    std::filesystem::remove_all(base);
}

} // namespace
} // namespace railhead
