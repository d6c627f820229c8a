#include "launcher/supervisor/step.hpp"

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>

#include <fmt/core.h>

#include <array>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <unistd.h>
#include <utility>

namespace railhead {

struct Step::State : std::enable_shared_from_this<State> {
    State(asio::io_context& loop, Child process, Handlers callbacks)
        : child(std::move(process)), handlers(std::move(callbacks)), input(loop), errors(loop), end(loop),
          poll(loop), room(loop) {}

    Child child;
    Handlers handlers;
    asio::posix::stream_descriptor input, errors, end;
    asio::steady_timer poll, room;
    std::array<char, 8192> buffer{};
    std::optional<ChildStatus> status;
    bool drained = false;
    bool told = false;

    void write(std::shared_ptr<std::string> line);
    void read();
    void wait();
    void check();
    void finish();
};

void Step::State::write(std::shared_ptr<std::string> line) {
    asio::async_write(input, asio::buffer(*line),
                      [self = shared_from_this(), line](asio::error_code, std::size_t) {
                          // A write that fails means that srun has ended; its status tells why.
                          asio::error_code ignored;
                          self->input.close(ignored);
                      });
}

void Step::State::read() {
    if (!status && handlers.is_full && handlers.is_full()) {
        room.expires_after(std::chrono::milliseconds(50));
        return room.async_wait([self = shared_from_this()](asio::error_code error) {
            if (!error) self->read();
        });
    }
    errors.async_read_some(asio::buffer(buffer),
                           [self = shared_from_this()](asio::error_code error, std::size_t count) {
                               if (error) {
                                   self->drained = true;
                                   return self->finish();
                               }
                               if (self->handlers.on_stderr)
                                   self->handlers.on_stderr({self->buffer.data(), count});
                               self->read();
                           });
}

void Step::State::wait() {
    if (end.is_open())
        return end.async_wait(asio::posix::stream_descriptor::wait_read,
                              [self = shared_from_this()](asio::error_code error) {
                                  if (error) return;
                                  self->check();
                                  // Asio may wake for an event of a descriptor that was closed just now.
                                  if (!self->status) self->wait();
                              });
    poll.expires_after(std::chrono::milliseconds(50)); // kernels without pidfd
    poll.async_wait([self = shared_from_this()](asio::error_code error) {
        if (error) return;
        self->check();
        if (!self->status) self->wait();
    });
}

void Step::State::check() {
    status = child.poll();
    if (!status) return;
    // Without it Slurm may be ending the agents and the program already: nothing it has said matters more.
    drained = drained || status->kind == ChildStatus::Kind::killed;
    // Something that inherited srun's standard error may hold it open: do not wait for it long.
    poll.expires_after(std::chrono::milliseconds(500));
    poll.async_wait([self = shared_from_this()](asio::error_code error) {
        if (error) return;
        self->drained = true;
        self->finish();
    });
    finish();
}

void Step::State::finish() {
    if (!status || !drained || std::exchange(told, true)) return;
    poll.cancel();
    if (handlers.on_ended) handlers.on_ended(*status);
}

Result<std::unique_ptr<Step>> Step::start(asio::io_context& io, std::vector<std::string> command,
                                          std::map<std::string, std::string> environment,
                                          const std::string& invitation, Handlers handlers) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail(ErrorKind::internal, {.id = "pipe",
                                          .thing = "a pipe for srun",
                                          .seen = fmt::format("cannot be made: {}", std::strerror(errno)),
                                          .next = "raise the open-file limit"});
    UniqueFd reading(ends[0]), writing(ends[1]);
    // A process group of its own: Ctrl-C at the terminal is for the supervisor to understand. When the
    // supervisor is killed, srun is left alone: told to end, it would have Slurm kill the agents before they
    // have cleaned up. They see the closed connection at once, leave, and srun ends with them.
    auto child = Child::start({.argv = std::move(command),
                               .env = std::move(environment),
                               .input = ChildSpec::Input::pipe,
                               .stderr_fd = writing.get(),
                               .group = ChildSpec::Group::own_group});
    if (!child) return tl::unexpected(std::move(child.error()).within("srun"));
    auto state = std::make_shared<State>(io, std::move(*child), std::move(handlers));
    state->input.assign(state->child.input().release());
    state->errors.assign(reading.release());
    if (state->child.pidfd() >= 0) state->end.assign(dup(state->child.pidfd()));
    state->write(std::make_shared<std::string>(invitation));
    state->read();
    state->wait();
    return std::unique_ptr<Step>(new Step(std::move(state)));
}

Step::~Step() {
    asio::error_code ignored;
    state_->handlers = {};
    state_->input.close(ignored);
    state_->errors.close(ignored);
    state_->end.close(ignored);
    state_->poll.cancel();
    state_->room.cancel();
}

bool Step::ended() const {
    return state_->status.has_value();
}
void Step::signal(int number) {
    if (!ended()) state_->child.signal(number);
}

} // namespace railhead
