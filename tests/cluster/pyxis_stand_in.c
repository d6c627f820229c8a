/* A stand-in for pyxis: --container-image=FOLDER of srun, salloc and sbatch runs each task in that folder as
 * its root, with a /tmp of its own and the node's /proc, /dev and /shared: as pyxis does with
 * --container-mounts=/shared. SLURM_VERSION is given to the compiler: nodes have no slurm/spank.h, of which
 * this is what it needs. */
#define _GNU_SOURCE
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

typedef void* spank_t;
struct spank_option {
    const char *name, *arginfo, *usage;
    int has_arg, val;
    int (*cb)(int val, const char* optarg, int remote);
};

int spank_option_register(spank_t spank, struct spank_option* option);

const char plugin_name[] = "pyxis";
const char plugin_type[] = "spank";
const unsigned int plugin_version = SLURM_VERSION;
const unsigned int spank_plugin_version = 1;

static char image[PATH_MAX];

static int take(int val, const char* optarg, int remote) {
    (void)val, (void)remote;
    snprintf(image, sizeof(image), "%s", optarg);
    return 0;
}

int slurm_spank_init(spank_t spank, int ac, char** av) {
    static struct spank_option option = {
        "container-image", "FOLDER", "[pyxis stand-in] root of the tasks", 1, 0, take};
    (void)ac, (void)av;
    return spank_option_register(spank, &option);
}

int slurm_spank_task_init_privileged(spank_t spank, int ac, char** av) {
    (void)spank, (void)ac, (void)av;
    static const char* const folders[] = {"proc", "dev", "shared"};
    char folder[PATH_MAX], target[2 * PATH_MAX], cwd[PATH_MAX];
    if (!*image) return 0;
    if (!getcwd(cwd, sizeof(cwd)) || unshare(CLONE_NEWNS) || mount("", "/", "", MS_REC | MS_PRIVATE, ""))
        return -1;
    for (unsigned i = 0; i < sizeof(folders) / sizeof(*folders); ++i) {
        snprintf(folder, sizeof(folder), "/%s", folders[i]);
        snprintf(target, sizeof(target), "%s%s", image, folder);
        if (mount(folder, target, "", MS_BIND | MS_REC, "")) return -1;
    }
    snprintf(target, sizeof(target), "%s/tmp", image);
    if (mount("tmpfs", target, "tmpfs", 0, "mode=1777") || chroot(image)) return -1;
    return chdir(cwd) ? chdir("/") : 0;
}
