#include "lint/checks.hpp"

#include <gmock/gmock.h>

#include <set>

using namespace railhead;

namespace {

const std::set<std::string> there{"train.py",  "sub/x.py",   "logs",     "/images/torch.sqsh",
                                  "image.sif", "./watch.sh", "./server", "./prepare"};

/// Findings of a script with these options and this body, "ID:LINE" each; the body begins on line 3.
std::vector<std::string> ids(const std::string& options, const std::string& body, int slurm = 0) {
    auto script = read_script("job.sh", "#!/bin/bash\n#SBATCH " + options + "\n" + body + "\n");
    std::vector<std::string> found;
    auto exists = [](auto& path) { return there.contains(path); };
    for (auto& finding : check_script(script, {.exists = exists, .slurm = slurm})) {
        EXPECT_FALSE(sentence(finding).empty());
        found.push_back(finding.id + finding.where.substr(finding.where.rfind(':')));
    }
    return found;
}

using Ids = std::vector<std::string>;

} // namespace

TEST(Lint, has_nothing_to_say_of_a_script_that_is_right) {
    EXPECT_EQ(ids("--nodes=4 --gpus-per-node=8", "railhead ray -- python3 train.py"), Ids{});
    EXPECT_EQ(ids("--nodes=2 --ntasks-per-node=1 --cpus-per-task=8 --output=logs/%j.out",
                  "export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK\n"
                  "export MASTER_ADDR=$(scontrol show hostnames \"$SLURM_JOB_NODELIST\" | head -n 1)\n"
                  "export MASTER_PORT=$((20000 + SLURM_JOB_ID % 10000)) NCCL_IB_HCA==mlx5_1\n"
                  "for node in $(scontrol show hostnames); do echo $node; done\n"
                  "srun --kill-on-bad-exit=1 torchrun --nproc-per-node=8 train.py"),
              Ids{});
    EXPECT_EQ(ids("-n1", "until curl -s localhost:8000; do sleep 1; done\nsleep 5\npython3 train.py"), Ids{});
}

TEST(Lint, tells_what_sbatch_will_not_read) {
    EXPECT_EQ(ids("-N1", "true\n#SBATCH --nodes=2"), Ids{"late-option:4"});
    EXPECT_EQ(ids("-N1", "# SBATCH --nodes=2\ntrue"), Ids{"mistyped-option:3"});
    auto script = read_script("job.sh", "true\r\n");
    auto findings = check_script(script, {.exists = [](auto&) { return true; }});
    ASSERT_EQ(findings.size(), 2u);
    EXPECT_EQ(sentence(findings[0]),
              "job.sh:1: the first line does not begin with #!, and sbatch refuses the "
              "script; begin it with #!/bin/bash");
    EXPECT_EQ(findings[1].id, "dos-lines");
}

TEST(Lint, reads_what_stands_in_one_line_in_quotes_and_in_backquotes) {
    EXPECT_EQ(ids("-N2", "srun -K bash -c 'export MASTER_ADDR=$(hostname); python3 train.py'"),
              Ids{"master-addr:3"});
    EXPECT_EQ(ids("-N2", "srun -K bash -c 'export MASTER_ADDR=`hostname`; python3 train.py'"),
              Ids{"master-addr:3"});
    EXPECT_EQ(ids("-N2", "srun -K bash -c \"export MASTER_ADDR=\\$(hostname); python3 train.py\""),
              Ids{"master-addr:3"});
    for (const char* right : {"srun -K bash -c \"export MASTER_ADDR=$(hostname); python3 train.py\"",
                              "MASTER_ADDR=$(hostname) srun -K python3 train.py",
                              "MASTER_ADDR=$SLURMD_NODENAME srun -K bash -c 'python3 train.py'"})
        EXPECT_EQ(ids("-N2", right), Ids{}) << "the script's own node, which is the first: " << right;
    EXPECT_EQ(ids("-N2", "head=`hostname -i || echo localhost`"), Ids{"localhost-fallback:3"});
    EXPECT_EQ(ids("-N2", "for n in $(scontrol show hostnames $L); do scontrol show node $n; done"),
              Ids{"scontrol-in-loop:3"});
    EXPECT_EQ(ids("-N2", "for n in $(scontrol show nodes); do echo $n; done"), Ids{}) << "asked once";
    EXPECT_EQ(ids("-N2", "while true; do scontrol show job $SLURM_JOB_ID; sleep 1; done"),
              Ids{"scontrol-in-loop:3"});
    EXPECT_EQ(ids("-N2", "while read h; do echo $h; done < <(scontrol show nodes)"), Ids{});
    EXPECT_EQ(ids("-N1", "./server &\nsleep 5s\npython3 train.py"), Ids{"sleep-to-wait:4"});
    EXPECT_EQ(ids("-N1", "./server & sleep 10; python3 train.py"), Ids{"sleep-to-wait:3"});
    EXPECT_EQ(ids("-N1", "python3 train.py & PID=$!\nsleep 3500\nkill -USR1 $PID\nwait $PID"), Ids{});
    EXPECT_EQ(ids("-N1", "./server >log 2>&1 & sleep 10\npython3 train.py"), Ids{"sleep-to-wait:3"});
    EXPECT_EQ(ids("-N1", "nvidia-smi dmon & sleep 10; kill %1"), Ids{});
    EXPECT_EQ(ids("-N1", "python3 train.py & python3 train.py & wait; sleep 5"), Ids{});
    EXPECT_EQ(ids("-N1", "echo MASTER_PORT=29500"), Ids{}) << "a word that is printed";
    EXPECT_EQ(ids("-N1", "torchrun --master-port=0 train.py"), Ids{}) << "any that is free";
}

TEST(Lint, offers_railhead_ray_for_ray_by_hand) {
    EXPECT_EQ(ids("-N2", "srun -N1 ray start --head --port=6379 &\nsleep 10\nrailhead --version"),
              (Ids{"ray-by-hand:3", "sleep-to-wait:4"}));
}

TEST(Lint, knows_ports_that_collide) {
    EXPECT_EQ(ids("-N1", "export MASTER_PORT=29500"), Ids{"fixed-port:3"});
    EXPECT_EQ(ids("-N1", "torchrun --master_port 29500 train.py"), Ids{"fixed-port:3"});
    EXPECT_EQ(ids("-N1", "torchrun --rdzv_endpoint=$HEAD:29500 train.py"), Ids{"fixed-port:3"});
    EXPECT_EQ(ids("-N1", "accelerate launch --main_process_port 29500 train.py"), Ids{"fixed-port:3"});
    EXPECT_EQ(ids("-N1", "torchrun --rdzv-endpoint $HEAD:$PORT train.py"), Ids{});
    EXPECT_EQ(ids("-N1 --exclusive", "export MASTER_PORT=29500"), Ids{});
    EXPECT_EQ(ids("-N1", "srun vllm serve model --port 8000 &\nwait"), Ids{"fixed-port:3"});
    EXPECT_EQ(ids("-N1", "tensorboard --logdir runs --port=6006 &\nwait"), Ids{"fixed-port:3"});
    EXPECT_EQ(ids("-N1", "vllm serve model --port $PORT &\nwait"), Ids{});
    EXPECT_EQ(ids("-N1", "python3 train.py --host db.example.org --port 8000"), Ids{})
        << "where another listens";
}

TEST(Lint, knows_a_master_that_is_not_found) {
    EXPECT_EQ(ids("-N2", "srun -K torchrun --nnodes=2 --rdzv-endpoint=localhost:$PORT train.py"),
              Ids{"master-addr:3"});
    EXPECT_EQ(ids("-N2", "srun -K torchrun --nnodes 2 --master_addr 127.0.0.1 train.py"),
              Ids{"master-addr:3"});
    EXPECT_EQ(ids("-N2", "srun -K torchrun --nnodes=1 --rdzv-endpoint=localhost:0 train.py"), Ids{});
    EXPECT_EQ(ids("-N2", "srun -K torchrun --nnodes=2 --rdzv-endpoint=$HEAD:$PORT train.py"), Ids{});
    EXPECT_EQ(ids("-N2", "export MASTER_ADDR=localhost"), Ids{"master-addr:3"});
    EXPECT_EQ(ids("-N2", "export MASTER_ADDR=$SLURM_SUBMIT_HOST"), Ids{"master-addr:3"});
    EXPECT_EQ(ids("-N2", "srun -K bash -c 'MASTER_ADDR=$(hostname) python3 train.py'"), Ids{"master-addr:3"});
    EXPECT_EQ(ids("-N2", "export MASTER_ADDR=$(hostname)"), Ids{}) << "the script runs on the first node";
    EXPECT_EQ(ids("-N1", "export MASTER_ADDR=localhost"), Ids{});
    EXPECT_EQ(ids("-N1", "HEAD=\"$(getent hosts x || echo localhost)\""), Ids{"localhost-fallback:3"});
}

TEST(Lint, knows_what_asks_slurmctld_too_often) {
    EXPECT_EQ(ids("-N2", "for n in 1 2; do\nscontrol show node $n\ndone"), Ids{"scontrol-in-loop:4"});
    EXPECT_EQ(ids("-N2", "srun bash -c 'scontrol show job $SLURM_JOB_ID'"), Ids{"scontrol-per-task:3"});
    EXPECT_EQ(ids("-N2", "srun -w \"$(scontrol show hostnames | head -n 1)\" hostname"), Ids{});
}

TEST(Lint, knows_how_srun_starts_what) {
    EXPECT_EQ(ids("-N2 --ntasks-per-node=8", "srun -K1 torchrun train.py"), Ids{"torchrun-tasks:3"});
    EXPECT_EQ(ids("-N2 --ntasks-per-node=8", "srun -K1 --ntasks-per-node=1 torchrun train.py"), Ids{});
    for (auto [options, step] : {std::pair{"--nodes=2 --ntasks=16", ""},
                                 {"-N2", "--ntasks=16"},
                                 {"-N2", "--ntasks-per-node=8"},
                                 {"-N2 -n2", "-N1 -n8"},
                                 {"-N2 --gpus-per-node=h100:8 --ntasks-per-gpu=1", ""}})
        EXPECT_EQ(ids(options, "srun -K1 " + std::string(step) + " torchrun --nproc-per-node=8 train.py"),
                  Ids{"torchrun-tasks:3"})
            << options << " | " << step;
    for (auto [options, step] : {std::pair{"--nodes=2 --ntasks=2", ""},
                                 {"-N2 --ntasks-per-node=8", "--ntasks=2"},
                                 {"-n16", ""}, // on as many nodes as it takes
                                 {"-N2 -n16", "--ntasks=$SLURM_NNODES"},
                                 {"-N2 -n16", "--ntasks-per-node 1"}})
        EXPECT_EQ(ids(options, "srun -K1 " + std::string(step) + " torchrun --nproc-per-node=8 train.py"),
                  Ids{})
            << options << " | " << step;
    EXPECT_EQ(ids("-N2 -n16", "srun -K1 torchrun --nproc-per-node=1 --nnodes=16 train.py"), Ids{});
    EXPECT_EQ(ids("-N2", "srun python3 train.py"), Ids{"kill-on-bad-exit:3"});
    EXPECT_EQ(ids("-N1", "srun python3 train.py"), Ids{});
}

TEST(Lint, knows_that_a_device_name_is_a_beginning) {
    EXPECT_EQ(ids("-N1", "export NCCL_IB_HCA=mlx5_1"), Ids{"nccl-ib-hca:3"});
    EXPECT_EQ(ids("-N1", "NCCL_IB_HCA=mlx5_0:1,mlx5_1:1 python3 train.py"), Ids{"nccl-ib-hca:3"});
    EXPECT_EQ(ids("-N1", "export NCCL_IB_HCA==mlx5_1 NCCL_IB_HCA=mlx5"), Ids{}) << "mlx5 means all of them";
    EXPECT_EQ(ids("-N1", "export NCCL_IB_HCA=^=mlx5_1 NCCL_IB_HCA=$HCAS"), Ids{});
    EXPECT_EQ(ids("-N1", "export NCCL_IB_HCA=mlx5_1,mlx5_3:1,ib0"), Ids{"nccl-ib-hca:3"}) << "not the last";
    EXPECT_EQ(ids("-N1", "export NCCL_IB_HCA=mlx5_0"), Ids{}) << "there is no mlx5_00";
}

TEST(Lint, looks_for_what_the_script_names) {
    EXPECT_EQ(ids("-N1", "python3 -u other.py --x"), Ids{"no-program:3"});
    EXPECT_EQ(ids("-N1", "cd /elsewhere\npython3 other.py"), Ids{});
    EXPECT_EQ(ids("-N1", "python3 $HOME/other.py"), Ids{});
    EXPECT_EQ(ids("-N1 --chdir=/x", "python3 train.py"), Ids{"no-program:3"});
    EXPECT_EQ(ids("-N1 -o %j.log", "true"), Ids{});
    EXPECT_EQ(ids("-N1", "srun --container-image=/images/none.sqsh python3 other.py"), Ids{"no-image:3"});
}

TEST(Lint, says_what_only_some_versions_do_where_the_version_is_known) {
    EXPECT_EQ(version_from("slurm-wlm 22.05.8"), 2205);
    EXPECT_EQ(version_from("slurm 24.11.0"), 2411);
    EXPECT_EQ(version_from("unknown"), 0);
    EXPECT_EQ(ids("-N2 -c 8", "srun hostname", 2205), Ids{"cpus-per-task:3"});
    EXPECT_EQ(ids("-N2 -c 8", "srun -c 8 hostname", 2205), Ids{});
    EXPECT_EQ(ids("-N2 -c 8", "srun grep -c config x", 2311), Ids{"cpus-per-task:3"}) << "not srun's -c";
    EXPECT_EQ(ids("-N1 -o out/%j.log", "true", 2205), Ids{"no-output-folder:2"});
    auto elsewhere = read_script("job", "#!/bin/sh\n#SBATCH -N1 -o /no/such/%j.out\ntrue\n");
    Surroundings later{.exists = [](auto&) { return false; }, .slurm = 2411};
    EXPECT_TRUE(check_script(elsewhere, later).empty()) << "Slurm makes it";
    later.can_be_made = [](auto&) { return false; };
    ASSERT_EQ(check_script(elsewhere, later).size(), 1U);
    EXPECT_EQ(check_script(elsewhere, later)[0].id, "no-output-folder");
    for (int slurm : {0, 2411, 2605})
        EXPECT_EQ(ids("-N2 -c 8 -o out/%j.log", "srun hostname", slurm), Ids{}) << slurm;
}

TEST(Lint, takes_only_the_word_ray_for_ray) {
    EXPECT_EQ(ids("-N2", "python3 train.py --array start"), Ids{});
    EXPECT_EQ(ids("-N2", "run_array start\necho ray start comes next"), Ids{});
    EXPECT_EQ(ids("-N2", "/opt/ray/bin/ray start --head"), Ids{"ray-by-hand:3"});
    EXPECT_EQ(ids("-N2", "srun bash -c 'ray start --block'"), Ids{"ray-by-hand:3"});
}

TEST(Lint, knows_tasks_that_nobody_waits_for) {
    EXPECT_EQ(ids("-N2", "srun --ntasks=1 python3 train.py"), Ids{});
    EXPECT_EQ(ids("-N2", "srun -N1 -n1 python3 train.py\nsrun -n 1 python3 train.py"), Ids{});
    EXPECT_EQ(ids("-N2", "srun --exact -n4 python3 train.py &\nwait"), Ids{});
    EXPECT_EQ(ids("-N2", "srun -n4 python3 train.py -K"), Ids{"kill-on-bad-exit:3"}) << "not srun's -K";
}

TEST(Lint, knows_that_spelling_names_asks_nobody) {
    EXPECT_EQ(ids("-N2", "while read h; do\necho $h\ndone < <(scontrol show hostnames $L)"), Ids{});
    EXPECT_EQ(ids("-N2", "while read h; do\necho $h\ndone < <(scontrol show nodes)"), Ids{}) << "asked once";
    EXPECT_EQ(ids("-N2", "while true; do\nh=$(scontrol show hostnames $L)\ndone"), Ids{});
    EXPECT_EQ(ids("-N2", "srun bash -c 'scontrol show hostnames $SLURM_NODELIST'"), Ids{});
    EXPECT_EQ(ids("-N2", "srun scontrol show hostnames"), Ids{});
    EXPECT_EQ(ids("-N2", "srun scontrol show job"), Ids{"scontrol-per-task:3"});
}

TEST(Lint, tells_a_monitor_from_what_is_waited_for) {
    EXPECT_EQ(ids("-N1", "nvidia-smi dmon &\npython3 train.py\nsleep 5\nkill %1"), Ids{});
    EXPECT_EQ(ids("-N1", "./watch.sh &\nsrun hostname\nsleep 5"), Ids{});
    EXPECT_EQ(ids("-N1", "./server &\nwait\nsleep 5"), Ids{});
    EXPECT_EQ(ids("-N1", "nvidia-smi dmon &\nsleep 5\npython3 train.py"), Ids{});
    EXPECT_EQ(ids("-N1", "./server &\nsleep 5\npython3 train.py"), Ids{"sleep-to-wait:4"});
}

TEST(Lint, looks_for_no_program_where_it_cannot_know) {
    for (std::string body : {
             "singularity exec --nv image.sif python /workspace/x.py",
             "mkdir -p run && cd run\npython3 x.py",
             "pushd run\npython3 x.py",
             "srun bash -c 'python3 train.py'",
             "srun bash -c 'cd sub && python3 x.py'",
             "cat > gen.py <<X\nprint(1)\nX\npython3 gen.py",
             "echo 'print(1)' >gen.py\npython3 ./gen.py",
             "echo 'print(1)' | tee gen.py\npython3 gen.py",
             "cp /shared/gen.py .\npython3 gen.py",
             "cp -r /shared/code/. ./\npython3 gen.py",
             "cp /shared/code/* .\npython3 gen.py",
             "rsync -a /shared/code/ .\npython3 gen.py",
             "mv /shared/code code && python3 code/gen.py",
             "git clone https://x.org/code.git\npython3 code/gen.py",
             "git clone https://x.org/code.git mine\npython3 mine/gen.py",
             "wget https://x.org/gen.py\npython3 gen.py",
             "curl -o gen.py https://x.org/1\npython3 gen.py",
             "tar xf code.tar\npython3 code/gen.py",
             "python3 $MAIN --config config.py",
             "srun --chdir=$DIR python3 x.py",
             "echo python3 x.py",
             "python3 --version; ls x.py",
         })
        EXPECT_EQ(ids("-N1", body), Ids{}) << body;
    EXPECT_EQ(ids("-N1", "srun -D sub python3 x.py"), Ids{}) << "sub/x.py is there";
    EXPECT_EQ(ids("-N1", "srun --chdir=sub python3 train.py"), Ids{"no-program:3"});
    EXPECT_EQ(ids("-N1", "torchrun --nproc-per-node $N x.py > log"), Ids{"no-program:3"});
    EXPECT_EQ(ids("-N1 --container-image=/images/torch.sqsh", "python3 /workspace/x.py"), Ids{});
}

TEST(Lint, looks_for_programs_that_are_not_pythons) {
    EXPECT_EQ(ids("-N1", "export A=1\nsrun -n2 ./none --x"), Ids{"no-program:4"});
    EXPECT_EQ(ids("-N1", "bash none.sh"), Ids{"no-program:3"});
    for (std::string line : {"./none --x", "OMP_NUM_THREADS=8 ./none", "exec ./none", "time ./none > log",
                             "srun --chdir=sub ./train.py"})
        EXPECT_EQ(ids("-N1", "module load cuda\n" + line), Ids{"no-program:4"}) << line;
    for (std::string line :
         {"apptainer exec --nv /images/none.sif python3 /workspace/x.py",
          "apptainer exec --nv -B /data:/data none.sif python3 /workspace/x.py", "singularity run ./none.sif",
          "srun -n2 /usr/bin/singularity shell none.sif", "srun --chdir=sub apptainer exec image.sif true"})
        EXPECT_EQ(ids("-N1", line), Ids{"no-image:3"}) << line;
    for (std::string body :
         {"make\nsrun ./made",
          "./prepare\nbash made.sh",
          "cd x\nsrun ./there",
          "srun /opt/node/program",
          "srun --container-image=/images/torch.sqsh ./there",
          "cat > made.sh <<X\nX\nbash made.sh",
          "bash $HERE/there.sh",
          "bash -c 'none.sh'",
          "./prepare\n./made",
          "gcc -o made x.c\n./made",
          "cd /x\n./made",
          "[ -x ./made ] && ./made",
          "if [ -e ./made ]; then\n./made\nfi",
          "apptainer exec image.sif ./none",
          "apptainer exec image.sif convert new.sif",
          "cd /x\napptainer exec none.sif true",
          "apptainer pull docker://x/y\napptainer run y_latest.sif",
          "apptainer exec $IMAGES/x.sif true",
          "apptainer build new.sif x.def && apptainer run new.sif",
          "cp /images/x.sif .\napptainer run x.sif",
          "cp /images/x.sif /tmp\napptainer run /tmp/x.sif",
          "apptainer exec docker://x ./none",
          "singularity pull /images/new.sif docker://x\nsingularity run /images/new.sif",
          "module load gcc && make prog\n./prog",
          "module load gcc; make -j4\nsrun ./a.out",
          "mkdir -p build && cmake -B build .\n./build/none",
          "export BIN=$(make -s none)\n./none",
          "export A=1 && ./prepare && make\n./app",
          "sbcast $PWD/img.sif /tmp/img2.sif\nsrun apptainer exec /tmp/img2.sif true",
          "srun --ntasks-per-node=1 cp img.sif /tmp/img3.sif\nsrun apptainer run /tmp/img3.sif",
          "enroot import --output /tmp/p.sqsh docker://x\nsrun --container-image=/tmp/p.sqsh true",
          "sbcast train.py /tmp/t.py\nsrun python /tmp/t.py",
          "hf download org/repo none.py --local-dir .\npython none.py",
          "[ -f extra.py ] && python extra.py",
          "if [ -f extra.py ]; then\n  python extra.py\nfi",
          "[[ -e extra.sif ]] && apptainer run extra.sif",
          "test -f gen2.py || exit 1\npython gen2.py"})
        EXPECT_EQ(ids("-N1", body), Ids{}) << body;
}

TEST(Lint, keeps_the_sense_of_a_device_that_is_left_out) {
    auto script = read_script("job.sh", "#!/bin/bash\nexport NCCL_IB_HCA=^mlx5_0,mlx5_1:1,mlx5_2\n");
    auto findings = check_script(script, {.exists = [](auto&) { return true; }});
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].seen, "takes every device whose name begins so: mlx5_10, mlx5_20, too");
    EXPECT_EQ(findings[0].next, "write NCCL_IB_HCA=^=mlx5_0,mlx5_1:1,mlx5_2");
}

TEST(Lint, tells_each_program_and_folder_that_is_not_there_once) {
    EXPECT_EQ(
        ids("-N1", "python3 a.py\nsrun python3 b.py\npython3 a.py\nfor i in 1 2; do\n./c $i\ndone\n./d"),
        (Ids{"no-program:3", "no-program:4", "no-program:7", "no-program:9"}));
    EXPECT_EQ(ids("-N1 -o out/%j.log -e out/%j.err", "true", 2205), Ids{"no-output-folder:2"});
}

TEST(Lint, reads_only_a_shells_script_as_a_shells) {
    auto findings = [](const std::string& first, const std::string& body) {
        auto script = read_script("job.sh", first + "\n#SBATCH -N2\n# SBATCH -n4\n" + body);
        return check_script(script, {.exists = [](auto&) { return false; }}).size();
    };
    const std::string body = "MASTER_PORT=29500\nsrun(['python3', 'x.py'])\npython3 none.py\n";
    for (const char* other : {"#!/usr/bin/env python3", "#!/usr/bin/python -u", "#! /usr/bin/env -S perl -w"})
        EXPECT_EQ(findings(other, body), 1U) << other << ": the mistyped option alone";
    for (const char* shell :
         {"#!/bin/bash -l", "#!/usr/bin/env -S A=1 bash -e", "#! /bin/sh", "#!/bin/bash\r"})
        EXPECT_GT(findings(shell, body), 1U) << shell;
}

TEST(Lint, judges_no_words_that_are_only_shown) {
    for (std::string right :
         {"echo \"if it fails: x || echo localhost\"", "[ -n \"$D\" ] && echo \"export MASTER_PORT=29500\"",
          "echo Running: srun torchrun --nproc-per-node=8 train.py", "echo \"NCCL_IB_HCA=mlx5_1\"",
          "printf '%s\\n' 'export MASTER_ADDR=localhost'", "[ -n \"$D\" ] && echo 'ray start --head'",
          "grep -q \"|| echo localhost\" x || true", "if ! command -v srun; then echo none; fi"})
        EXPECT_EQ(ids("-N2 --ntasks-per-node=8", right), Ids{}) << right;
    EXPECT_EQ(ids("-N2", "echo \"$(hostname -i || echo localhost)\""), Ids{"localhost-fallback:3"});
}

TEST(Lint, looks_for_programs_in_a_shells_command) {
    EXPECT_EQ(ids("-N1", "srun bash -c 'python3 none.py'"), Ids{"no-program:3"});
    EXPECT_EQ(ids("-N1", "bash -lc \"export A=1; ./none\"\npython3 other.py"),
              (Ids{"no-program:3", "no-program:4"}));
    EXPECT_EQ(ids("-N1", "srun bash -c './prepare; python3 none.py'\npython3 other.py"), Ids{});
    EXPECT_EQ(ids("-N1", "srun --container-image=x bash -c 'python3 none.py'"), Ids{});
}

TEST(Lint, knows_how_many_tasks_a_step_asks_for_itself) {
    EXPECT_EQ(ids("-n1", "srun -N4 --ntasks-per-node=8 python3 train.py"), Ids{"kill-on-bad-exit:3"});
    EXPECT_EQ(ids("-N2", "srun --het-group=0 ./server : --het-group=1 -K python3 train.py"), Ids{});
}
