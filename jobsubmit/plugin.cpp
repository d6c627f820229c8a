// The boundary of job_submit_railhead.so: Slurm's names, each one guarded call, nothing else.
#include "jobsubmit/plugin.hpp"

#include "base/guard.hpp"

#define RAILHEAD_EXPORT __attribute__((visibility("default")))

namespace {

void report(const char* where, const char* what) noexcept {
    slurm_error("job_submit/railhead: %s: %s; the job is accepted unchecked", where, what);
}

} // namespace

extern "C" {

struct job_record;

// `const` alone would give them internal linkage. slurmctld compares the version to the micro.
extern RAILHEAD_EXPORT const char plugin_name[];
extern RAILHEAD_EXPORT const char plugin_type[];
extern RAILHEAD_EXPORT const std::uint32_t plugin_version;
const char plugin_name[] = "Railhead: validates GPU requests and steers placement";
const char plugin_type[] = "job_submit/railhead";
const std::uint32_t plugin_version = SLURM_VERSION_NUMBER;

RAILHEAD_EXPORT int init(void) {
    return railhead::guarded("init", SLURM_SUCCESS, report, [] { return railhead::jobsubmit::start(); });
}

RAILHEAD_EXPORT int fini(void) {
    return railhead::guarded("fini", SLURM_SUCCESS, report, [] { return railhead::jobsubmit::stop(); });
}

[[gnu::hot]] RAILHEAD_EXPORT int job_submit(job_desc_msg_t* job, std::uint32_t uid, char** message) {
    return railhead::guarded("job_submit", SLURM_SUCCESS, report,
                             [&] { return railhead::jobsubmit::submit(*job, uid, message); });
}

#if RAILHEAD_MODIFY_HAS_MESSAGE
RAILHEAD_EXPORT int job_modify(job_desc_msg_t* update, struct job_record*, std::uint32_t uid,
                               char** message) {
#else
RAILHEAD_EXPORT int job_modify(job_desc_msg_t* update, struct job_record*, std::uint32_t uid) {
    char** message = nullptr;
#endif
    return railhead::guarded("job_modify", SLURM_SUCCESS, report,
                             [&] { return railhead::jobsubmit::modify(*update, uid, message); });
}

} // extern "C"
