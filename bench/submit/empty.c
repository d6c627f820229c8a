// The native submit plugin that does nothing: what every plugin costs.
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>

const char plugin_name[] = "does nothing";
const char plugin_type[] = "job_submit/empty";
const uint32_t plugin_version = SLURM_VERSION_NUMBER;

int init(void) {
    return SLURM_SUCCESS;
}
int fini(void) {
    return SLURM_SUCCESS;
}
int job_submit(job_desc_msg_t* job, uint32_t uid, char** message) {
    return SLURM_SUCCESS;
}
int job_modify(job_desc_msg_t* job, void* record, uint32_t uid, char** message) {
    return SLURM_SUCCESS;
}
