#include "slurm/spelling.hpp"

#include <gtest/gtest.h>

using namespace railhead;

TEST(Spelling, is_the_option_of_the_command_line_or_of_the_script) {
    EXPECT_EQ(option_of("sbatch --gres=gpu:h100:8 a.sh", "", "gres/gpu:h100:8"), NodeOption::gres);
    EXPECT_EQ(option_of("sbatch --gres gpu a.sh", "", "gres/gpu"), NodeOption::gres);
    EXPECT_EQ(option_of("sbatch a.sh", "#!/bin/sh\n#SBATCH --gres=gpu:h100:8\n", "gres/gpu:h100:8"),
              NodeOption::gres);
    EXPECT_EQ(option_of("sbatch a.sh", "#SBATCH --gpus-per-node=8\n", "gres/gpu:8"),
              NodeOption::gpus_per_node);
    EXPECT_EQ(option_of("srun --gpus-per-node=8 true", "", "gres:gpu:8"), NodeOption::gpus_per_node);
}

TEST(Spelling, tells_two_options_apart_by_their_values) {
    const char* both = "sbatch --gres=gpu:a100:1 --gpus-per-node=h100:1 a.sh";
    EXPECT_EQ(option_of(both, "", "gres/gpu:a100:1"), NodeOption::gres);
    EXPECT_EQ(option_of(both, "", "gres/gpu:h100:1"), NodeOption::gpus_per_node);
}

TEST(Spelling, is_untold_when_no_option_names_it) {
    EXPECT_EQ(option_of("sbatch a.sh", "#!/bin/sh\n", "gres/gpu:8"), NodeOption::untold);
    EXPECT_EQ(option_of("sbatch --gres-flags=x my--gres=1 a.sh", "", "gres/gpu:8"), NodeOption::untold);
    EXPECT_EQ(option_of("", "", ""), NodeOption::untold);
}

TEST(Spelling, reads_a_script_up_to_its_first_command) {
    EXPECT_EQ(script_header("#!/bin/sh\n\n #SBATCH -N1\nsrun --gres=gpu:1 x\n#SBATCH -N2\n"),
              "#!/bin/sh\n\n #SBATCH -N1");
    EXPECT_EQ(script_header("#SBATCH -N1"), "#SBATCH -N1");
    EXPECT_EQ(script_header(""), "");
}

TEST(Spelling, knows_what_tres_per_task_was_given) {
    EXPECT_EQ(tres_per_task_in("sbatch --tres-per-task=cpu=2,gres/gpu=1 a.sh", ""), "cpu=2,gres/gpu=1");
    EXPECT_EQ(tres_per_task_in("sbatch a.sh", "#SBATCH --tres-per-task=gres/gpu:1\n"), "gres/gpu:1");
    EXPECT_EQ(tres_per_task_in("sbatch --gpus-per-task=1 a.sh", ""), std::nullopt);
}
