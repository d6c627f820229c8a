#pragma once
#include <functional>
#include <memory>

namespace asio {
class io_context;
}

namespace railhead {

/// The worker's event loop: timers and readable descriptors as plain functions, so that what stands on it
/// sees no Asio. Single-threaded. Handlers must not throw.
class Loop {
  public:
    /// Ends a timer or a watch when it is destroyed or cancelled; also from within its own handler.
    class Handle {
      public:
        Handle() = default;
        explicit Handle(std::shared_ptr<void> state) : state_(std::move(state)) {}
        void cancel() { state_.reset(); }
        explicit operator bool() const { return state_ != nullptr; }

      private:
        std::shared_ptr<void> state_;
    };

    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    asio::io_context& context();

    /// Calls `handler` once.
    [[nodiscard]] Handle after(double seconds, std::function<void()> handler);
    /// Calls `handler` whenever `fd` can be read (or is at its end). `fd` stays the caller's, who keeps it
    /// open for as long as the handle lives.
    [[nodiscard]] Handle when_readable(int fd, std::function<void()> handler);
    /// Calls `handler` once `fd` can be written; a connection in progress has then ended.
    [[nodiscard]] Handle when_writable(int fd, std::function<void()> handler);
    void post(std::function<void()> handler);

    void run();
    void stop();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace railhead
