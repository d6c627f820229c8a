#pragma once
#include <csignal>
#include <pthread.h>
#include <thread>
#include <utility>

namespace railhead {

/// A thread that takes none of the process's signals: they are for the others to handle.
template <class Work>
std::thread quiet_thread(Work work) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); // threads inherit the mask of their maker
    std::thread thread;
    try {
        thread = std::thread(std::move(work));
    } catch (...) {
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
}

} // namespace railhead
