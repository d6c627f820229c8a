#include "spank/contexts.hpp"

namespace railhead::spank {

int init(spank_t handle) {
    switch (spank_context()) {
    case S_CTX_ALLOCATOR:
        forget_option_of_outer_job();
        [[fallthrough]];
    case S_CTX_LOCAL:
    case S_CTX_REMOTE:
        return register_options(handle);
    default:
        return 0;
    }
}

int init_post_opt(spank_t handle) {
    return spank_context() == S_CTX_REMOTE ? look_at_node(handle) : 0;
}

int task_init(spank_t handle) {
    return prepare_task(handle);
}

int exit(spank_t handle) {
    return spank_context() == S_CTX_REMOTE ? leave_step(handle) : 0;
}

} // namespace railhead::spank
