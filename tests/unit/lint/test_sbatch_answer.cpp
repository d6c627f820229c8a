#include "lint/sbatch_answer.hpp"

#include <gmock/gmock.h>

using namespace railhead;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

std::vector<std::string> said(std::string_view text, int exit_code) {
    std::vector<std::string> sentences;
    for (auto& finding : sbatch_answer_from(text, exit_code, "job.sh").findings)
        sentences.push_back(sentence(finding) + " [" + finding.id + "]");
    return sentences;
}

std::string not_asked(std::string_view text) {
    auto answer = sbatch_answer_from(text, 1, "job.sh");
    EXPECT_THAT(answer.findings, IsEmpty()) << text;
    return answer.not_asked;
}

} // namespace

TEST(SbatchAnswer, of_a_job_that_can_start_is_no_finding) {
    EXPECT_THAT(said("sbatch: Job 5 to start at 2026-11-27T10:00:00 using 2 processors on nodes n1\n", 0),
                IsEmpty());
    EXPECT_THAT(
        said("sbatch: error: Unable to contact slurm controller, trying again\nsbatch: Job 5 to start\n", 0),
        IsEmpty());
}

TEST(SbatchAnswer, is_one_sentence_over_several_lines) {
    EXPECT_THAT(
        said("sbatch: error: This does not look like a batch script.  The first\n"
             "sbatch: error: line must start with #! followed by the path to an interpreter.\n"
             "sbatch: error: For instance: #!/bin/sh\n",
             1),
        ElementsAre("job.sh: Slurm says: This does not look like a batch script.  The first line must "
                    "start with #! followed by the path to an interpreter. For instance: #!/bin/sh "
                    "[slurm]"));
    EXPECT_THAT(said("sbatch: error: Batch script contains DOS line breaks (\\r\\n)\n"
                     "sbatch: error: instead of expected UNIX line breaks (\\n).\n",
                     1),
                ElementsAre("job.sh: Slurm says: Batch script contains DOS line breaks (\\r\\n) instead of "
                            "expected UNIX line breaks (\\n). [slurm]"));
}

TEST(SbatchAnswer, refuses_in_sbatchs_own_words) {
    EXPECT_THAT(said("allocation failure: Invalid qos specification\n", 1),
                ElementsAre("job.sh: Slurm says: Invalid qos specification [slurm]"));
    EXPECT_THAT(said("sbatch: error: invalid partition specified: x\n", 1),
                ElementsAre("job.sh: Slurm says: invalid partition specified: x [slurm]"));
    EXPECT_THAT(said("sbatch: unrecognized option '--gpu'\nTry \"sbatch --help\" for more information\n", 1),
                ElementsAre("job.sh: Slurm says: unrecognized option '--gpu' [slurm]"));
    EXPECT_THAT(said("sbatch: fatal: Bad value for --time\n", 1),
                ElementsAre("job.sh: Slurm says: Bad value for --time [slurm]"));
    EXPECT_THAT(said("", 3),
                ElementsAre("job.sh: Slurm says: nothing, and sbatch exits with code 3 [slurm]"));
}

TEST(SbatchAnswer, holds_the_plugins_sentence_before_slurms) {
    EXPECT_THAT(said("sbatch: error: railhead: gpu:a100 is nowhere [gpu-type]\n"
                     "allocation failure: Unspecified error\n",
                     1),
                ElementsAre("job.sh: gpu:a100 is nowhere [gpu-type]"));
    EXPECT_THAT(said("sbatch: error: railhead: warning: slow [uneven]\n", 0),
                ElementsAre("job.sh: slow [uneven]"));
}

TEST(SbatchAnswer, tells_a_controller_that_is_away_from_a_script_that_is_wrong) {
    EXPECT_EQ(not_asked("allocation failure: Unable to contact slurm controller (connect failure)\n"),
              "allocation failure: Unable to contact slurm controller (connect failure)");
    EXPECT_EQ(not_asked("sbatch: error: s_p_parse_file: unable to status file /x: No such file or directory\n"
                        "sbatch: fatal: Unable to process configuration file\n"),
              "error: s_p_parse_file: unable to status file /x: No such file or directory");
    EXPECT_EQ(not_asked("sbatch: error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host\n"
                        "sbatch: error: fetch_config: DNS SRV lookup failed\n"
                        "sbatch: fatal: Could not establish a configuration source\n"),
              "error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host");
    EXPECT_EQ(not_asked("allocation failure: Socket timed out on send/recv operation\n"),
              "allocation failure: Socket timed out on send/recv operation");
}
