// A clock that jumps: for the one process that preloads it, the wall clock is wrong by as many seconds as the
// file stand in whose name RAILHEAD_CLOCK has. A stand-in for somebody who sets the machine's clock, which
// other tests share; libfaketime cannot be preloaded beside the address sanitizer. The monotonic clock goes
// on.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long offset(void) {
    const int saved = errno;
    char text[32] = "";
    const char* path = getenv("RAILHEAD_CLOCK");
    const int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        if (read(file, text, sizeof text - 1) < 0) text[0] = '\0';
        close(file);
    }
    errno = saved;
    return strtol(text, NULL, 10);
}

int clock_gettime(clockid_t clock, struct timespec* now) {
    const long result = syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += offset();
    return (int)result;
}

time_t time(time_t* into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into) *into = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval* restrict into, void* restrict zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    into->tv_sec = now.tv_sec;
    into->tv_usec = now.tv_nsec / 1000;
    return 0;
}

/// The kernel waits by the true clock.
int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const struct timespec* until) {
    static int (*true_wait)(pthread_cond_t*, pthread_mutex_t*, const struct timespec*);
    if (!true_wait) *(void**)&true_wait = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    const struct timespec at = {.tv_sec = until->tv_sec - offset(), .tv_nsec = until->tv_nsec};
    return true_wait(condition, mutex, &at);
}
