// Submits held jobs over libslurm, one after the other, and prints what each call took in microseconds:
// client NUMBER
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

// What a job of one, two or four whole nodes asks for, as the options leave it in the request: everybody
// accepts these.
#if SLURM_VERSION_NUMBER < SLURM_VERSION_NUM(23, 2, 0)
#define GPU "gres:gpu:"
#else
#define GPU "gres/gpu:"
#endif
static const char* const gpus[] = {GPU "h100:8", GPU "8", GPU "h100:4"};

static double now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

int main(int argc, char** argv) {
    if (argc != 2) return fprintf(stderr, "usage: client NUMBER\n"), 2;
    int number = atoi(argv[1]);
    double* took = calloc(number, sizeof *took);
    char* environment[] = {"PATH=/usr/bin:/bin", NULL};
    slurm_init(NULL);
    for (int i = 0; i < number; ++i) {
        job_desc_msg_t job;
        slurm_init_job_desc_msg(&job);
        job.name = "bench";
        job.script = "#!/bin/sh\ntrue\n";
        job.work_dir = "/tmp";
        job.std_out = job.std_err = "/dev/null";
        job.environment = environment;
        job.env_size = 1;
        job.user_id = getuid();
        job.group_id = getgid();
        job.priority = 0; // held: only submission is measured
        job.time_limit = 60;
        job.partition = "gpu";
        job.min_nodes = job.max_nodes = 1 << i % 3;
        job.tres_per_node = (char*)gpus[i % 3];
        submit_response_msg_t* answer = NULL;
        double began = now_us();
        int code = slurm_submit_batch_job(&job, &answer);
        took[i] = now_us() - began;
        if (code != SLURM_SUCCESS) return fprintf(stderr, "refused: %s\n", slurm_strerror(errno)), 1;
        slurm_free_submit_response_response_msg(answer);
    }
    for (int i = 0; i < number; ++i) printf("%.1f\n", took[i]);
    return 0;
}
