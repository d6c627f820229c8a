// Loads the submit plugin BENCH_PLUGIN and notes the processor time of each of its calls, in nanoseconds, in
// the file BENCH_TIMES.
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { most = 1 << 16 };

const char plugin_name[] = "times another submit plugin";
const char plugin_type[] = "job_submit/timed";
const uint32_t plugin_version = SLURM_VERSION_NUMBER;

static int (*inner_submit)(job_desc_msg_t*, uint32_t, char**);
static int (*inner_fini)(void);
static uint64_t* times;
static atomic_uint calls;

int init(void) {
    void* plugin = dlopen(getenv("BENCH_PLUGIN"), RTLD_LAZY);
    int file = open(getenv("BENCH_TIMES"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (!plugin || file < 0 || ftruncate(file, most * sizeof *times) != 0) return SLURM_ERROR;
    times = mmap(NULL, most * sizeof *times, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    inner_submit = dlsym(plugin, "job_submit");
    inner_fini = dlsym(plugin, "fini");
    int (*inner_init)(void) = dlsym(plugin, "init");
    return times == MAP_FAILED || !inner_submit ? SLURM_ERROR : inner_init ? inner_init() : SLURM_SUCCESS;
}

int fini(void) {
    return inner_fini ? inner_fini() : SLURM_SUCCESS;
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

int job_submit(job_desc_msg_t* job, uint32_t uid, char** message) {
    uint64_t began = now_ns();
    int code = inner_submit(job, uid, message);
    uint64_t took = now_ns() - began;
    unsigned call = atomic_fetch_add(&calls, 1);
    if (call < most) times[call] = took;
    return code;
}

int job_modify(job_desc_msg_t* job, void* record, uint32_t uid, char** message) {
    return SLURM_SUCCESS;
}
