// Other spellings of what test_checks.cpp looks for.
#include "lint/checks.hpp"

#include <gmock/gmock.h>

using namespace railhead;

namespace {

/// Findings of a script with these options and this body, "ID:LINE" each; the body begins on line 3.
std::vector<std::string> found_in(const std::string& options, const std::string& body, int slurm = 0) {
    auto script = read_script("job.sh", "#!/bin/bash\n#SBATCH " + options + "\n" + body + "\n");
    std::vector<std::string> found;
    auto exists = [](auto& path) { return path == "train.py" || path == "env.sh"; };
    for (auto& finding : check_script(script, {.exists = exists, .slurm = slurm}))
        found.push_back(finding.id + finding.where.substr(finding.where.rfind(':')));
    return found;
}

using Found = std::vector<std::string>;

} // namespace

TEST(LintSpellings, takes_no_argument_of_a_program_for_the_program) {
    for (std::string right :
         {"python3 -m pkg data.py", "python3 -um pkg data.py", "python3 /opt/run data.py",
          "python3 - data.py <x", "torchrun --nproc-per-node=8 -m pkg data.py",
          "accelerate launch --module pkg data.py", "python3 -m torch.distributed.run -m pkg data.py",
          "torchrun --no-python ./train.py data.py", "python3-config x.py", "python3 -W ignore train.py y.py",
          "python3 -X dev -u train.py y.py", "srun -n1 python3.11 -m pip install -r x.py"})
        EXPECT_EQ(found_in("-N1", right), Found{}) << right;
    for (std::string wrong :
         {"python3 -W ignore -u none.py", "python3 -m torch.distributed.run none.py", "python3.11 none.py",
          "accelerate launch --num_processes 8 none.py", "python3 -m accelerate.commands.launch none.py"})
        EXPECT_EQ(found_in("-N1", wrong), Found{"no-program:3"}) << wrong;
}

TEST(LintSpellings, puts_in_what_the_script_sets_once) {
    EXPECT_EQ(found_in("-n16", "CMD=\"python3 train.py\"; srun $CMD"), Found{"kill-on-bad-exit:3"});
    EXPECT_EQ(found_in("-n16", "RUN='srun python3'\nexport RUN\n${RUN} train.py"),
              Found{"kill-on-bad-exit:5"});
    EXPECT_EQ(
        found_in("-N2 --ntasks-per-node=8",
                 "T=8; LAUNCH=\"python -m torch.distributed.run --nproc-per-node=$T\"\nsrun -K $LAUNCH x"),
        Found{"torchrun-tasks:4"});
    EXPECT_EQ(found_in("-N2", "RAY=$HOME/venv/bin/ray\nsrun \"$RAY\" start"), Found{"ray-by-hand:4"});
    EXPECT_EQ(found_in("-N1", "PORT=29500\ntorchrun --master-port \"$PORT\" train.py"),
              Found{"fixed-port:4"});
    EXPECT_EQ(found_in("-N1", "PORT=${PORT_OF_JOB:-29500}\ntorchrun --rdzv-endpoint=$H:$PORT train.py"),
              Found{"fixed-port:4"});
    EXPECT_EQ(found_in("-N1", "port=29500\nexport MASTER_PORT=${port}"), Found{"fixed-port:4"});
    EXPECT_EQ(found_in("-N1", "source venv/bin/activate || true\nW=20\nserver &\nsleep $W\npython3 train.py"),
              Found{"sleep-to-wait:6"});
    EXPECT_EQ(found_in("-N2", "A=localhost\nexport MASTER_ADDR=$A"), Found{"master-addr:4"});
}

TEST(LintSpellings, puts_in_nothing_that_may_be_otherwise) {
    for (std::string set : {"P=29500; P=$((P + SLURM_JOB_ID % 1000))",
                            "P=29500; (( P += SLURM_JOB_ID % 1000 ))",
                            "P=29500; let P+=SLURM_JOB_ID",
                            "if $X; then\nP=29500\nfi",
                            "[ -n \"$X\" ] && P=29500",
                            "f() {\nP=29500\n}",
                            "function f {\nP=29500\n}",
                            "case $1 in\n1) P=29500 ;;\nesac",
                            "case $1 in\n1)\nP=29500\n;;\nesac",
                            "P=29500\nsource env.sh",
                            "P=29500\neval \"$(./ports)\"",
                            "P=29500 true",
                            "(P=29500)",
                            "P=29500 | true",
                            "P=29500; read P <x",
                            "P=29500; printf -v P x",
                            "for P in 29500; do true; done",
                            "P=29500; unset P",
                            "echo P=29500",
                            "P=$(ports 29500)",
                            "if grep -q x y; then\nif $X; then\necho done\nfi\nP=29500\nfi"})
        EXPECT_EQ(found_in("-N1", set + "\ntorchrun --master-port $P train.py"), Found{}) << set;
    for (std::string right :
         {"CMD=\"srun torchrun train.py\"\nsbatch --wrap \"$CMD\"", "CMD='srun torchrun train.py'\necho $CMD",
          "OPTS=\"-K --ntasks-per-node=1\"\nsrun $OPTS torchrun train.py", "srun $OPTS torchrun train.py",
          "srun \"${ARGS[@]}\" python3 train.py", "EMPTY=\"\"\n$EMPTY", "A=\"x | y\"\nsrun -K true $A",
          "X=\"$X torchrun\"\necho $X"})
        EXPECT_EQ(found_in("-N2 --ntasks-per-node=8 -c 2", right), Found{}) << right;
    EXPECT_EQ(found_in("-N2 -c2", "srun $OPTS hostname", 2205), Found{});
}

TEST(LintSpellings, knows_what_a_variable_of_options_cannot_hold) {
    EXPECT_EQ(found_in("-N2", "ARGS=(--container-image x)\nsrun -l \"${ARGS[@]}\" python3 /x.py"),
              Found{"kill-on-bad-exit:4"})
        << "and /x.py is in a container";
    EXPECT_EQ(found_in("-N2", "A=\"\"\nif $X; then\nA=--x\nfi\nsrun $A -l python3 /x.py"),
              Found{"kill-on-bad-exit:7"});
    EXPECT_EQ(found_in("-N1", "RUN=\"apptainer exec $IMAGE\"\n$RUN python3 /x.py"), Found{});
    EXPECT_EQ(found_in("-N1", "srun -n $N python3 /x.py"), Found{"no-program:3"});
    for (std::string right :
         {"ARGS=(\n--kill-on-bad-exit=1\n)\nsrun -l \"${ARGS[@]}\" python3 train.py",
          "A=\"\"\nif $X; then\nA=-K\nfi\nsrun $A python3 train.py", "A=$1\nsrun $A python3 train.py",
          "srun \"$@\" python3 train.py", "A=$(options)\nsrun $A python3 train.py"})
        EXPECT_EQ(found_in("-N2", right), Found{}) << right;
}

TEST(LintSpellings, knows_ports_that_are_defaults_or_in_addresses) {
    for (std::string wrong :
         {"export MASTER_PORT=${MASTER_PORT:-29500}", "python3 train.py --dist-url tcp://$A:23456",
          "python3 train.py --init_method=tcp://$A:23456"})
        EXPECT_EQ(found_in("-N1", wrong), Found{"fixed-port:3"}) << wrong;
    for (std::string right :
         {"export MASTER_PORT=${MASTER_PORT:-$PORT}", "export MASTER_PORT=${MASTER_PORT}",
          "python3 train.py --dist-url env://", "python3 train.py --dist-url tcp://$A:$P"})
        EXPECT_EQ(found_in("-N1", right), Found{}) << right;
}

TEST(LintSpellings, knows_devices_in_exports_and_defaults) {
    for (std::string wrong :
         {"srun --export=ALL,NCCL_IB_HCA=mlx5_1 true", "srun --export=NCCL_IB_HCA=mlx5_1,A=1 true",
          "srun --export ALL,NCCL_IB_HCA=mlx5_1 true", ": \"${NCCL_IB_HCA:=mlx5_1}\"",
          "export NCCL_IB_HCA=${NCCL_IB_HCA:-mlx5_1}"})
        EXPECT_EQ(found_in("-N1", wrong), Found{"nccl-ib-hca:3"}) << wrong;
    for (std::string right :
         {"srun --export=ALL,NCCL_IB_HCA==mlx5_1 true", "srun --export=ALL,NCCL_IB_HCA true",
          "srun --export=NCCL_IB_HCA=mlx5_0,A=mlx5_1 true", "export NCCL_IB_HCA=${NCCL_IB_HCA:-=mlx5_1}"})
        EXPECT_EQ(found_in("-N1", right), Found{}) << right;
}

TEST(LintSpellings, knows_addresses_that_are_each_nodes_own) {
    for (std::string wrong : {"printf localhost", "printf 'localhost\\n'", "printf %s localhost", "echo ::1",
                              "echo -n 127.0.0.1"})
        EXPECT_EQ(found_in("-N2", "A=$(x || " + wrong + ")"), Found{"localhost-fallback:3"}) << wrong;
    EXPECT_EQ(found_in("-N2", "A=$(x || echo none localhost)"), Found{}) << "says that there is none";
    for (std::string wrong :
         {"export MASTER_ADDR=0.0.0.0", "srun -K sh -c 'MASTER_ADDR=$HOSTNAME python3 x'",
          "srun -K bash -c 'MASTER_ADDR=$(hostname) true' \"MASTER_ADDR= \"",
          "srun -K bash -c \"MASTER_ADDR=\\$HOSTNAME python3 x\"",
          "srun -K bash -c 'torchrun --nnodes 2 --master_addr $(hostname) train.py'",
          "srun -K bash -c 'torchrun --nnodes 2 --rdzv_endpoint=\"$HOSTNAME:$P\" train.py'"})
        EXPECT_EQ(found_in("-N2", wrong), Found{"master-addr:3"}) << wrong;
    for (std::string right :
         {"srun -K bash -c \"MASTER_ADDR=$HOSTNAME python3 train.py\"",
          "MASTER_ADDR=$(hostname) srun -K bash -c 'echo $(hostname); python3 train.py'",
          "srun -N1 -n1 bash -c 'MASTER_ADDR=$(hostname) python3 train.py'",
          "srun -n1 --exact bash -c 'MASTER_ADDR=localhost python3 train.py' &\nwait",
          "srun -K bash -c 'torchrun --nnodes 1 --master_addr $(hostname) train.py'",
          "srun -K bash -c 'torchrun --nnodes 2 --local_addr $(hostname) --master_addr $M train.py'"})
        EXPECT_EQ(found_in("-N2", right), Found{}) << right;
}

TEST(LintSpellings, knows_a_node_that_is_not_the_first) {
    for (std::string wrong : {"sed -n 2p", "sed -n '$p'", "tail -n 1", "sort -r | head -n1"}) {
        EXPECT_EQ(found_in("-N2", "export MASTER_ADDR=$(scontrol show hostnames | " + wrong + ")"),
                  Found{"master-addr:3"})
            << wrong;
        EXPECT_EQ(found_in("-N2", "H=$(scontrol show hostnames | " + wrong + ")\nexport MASTER_ADDR=$H"),
                  Found{"master-addr:4"})
            << wrong;
    }
    EXPECT_EQ(found_in("-N2", "export MASTER_ADDR=${nodes[-1]}"), Found{"master-addr:3"});
    for (std::string right : {"head -n 1", "sed -n 1p", "sed -n '1p;1q'", "tail -n +1 | head -n 1"})
        EXPECT_EQ(found_in("-N2", "H=$(scontrol show hostnames | " + right + ")\nexport MASTER_ADDR=$H"),
                  Found{})
            << right;
    EXPECT_EQ(found_in("-N2", "H=a\nif x; then H=$(f | tail -n 1); fi\nexport MASTER_ADDR=$H"), Found{});
    EXPECT_EQ(found_in("-N2", "export MASTER_ADDR=${nodes[0]}"), Found{});
}

TEST(LintSpellings, knows_how_long_a_sleep_is) {
    for (std::string wrong : {"sleep 0.5m", "/bin/sleep 10", "sleep $((5 * 2))", "sleep 2.5", "sleep 1h"})
        EXPECT_EQ(found_in("-N1", "server &\n" + wrong + "\npython3 train.py"), Found{"sleep-to-wait:4"})
            << wrong;
    for (std::string right : {"sleep 0.5", "sleep $((RANDOM % 10))", "sleep infinity", "sleep $X"})
        EXPECT_EQ(found_in("-N1", "server &\n" + right + "\npython3 train.py"), Found{}) << right;
    EXPECT_EQ(found_in("-N1", "server &\n$TRAIN\nsleep 5"), Found{}) << "after work";
}

TEST(LintSpellings, knows_other_names_of_launchers) {
    const std::string options = "-N2 --ntasks-per-node=8";
    for (std::string wrong : {"--num_processes 16", "--num-processes=16 --num_machines=2",
                              "--num_processes $((SLURM_NNODES * 8)) --num_machines $SLURM_NNODES"})
        EXPECT_EQ(found_in(options, "srun -K accelerate launch " + wrong + " train.py"),
                  Found{"torchrun-tasks:3"})
            << wrong;
    for (std::string right : {"--num_processes 1", "--num_processes 16 --num_machines 16",
                              "--num_processes $W --num_machines $SLURM_NTASKS", "--config_file=one.yaml"})
        EXPECT_EQ(found_in(options, "srun -K accelerate launch " + right + " train.py"), Found{}) << right;
    EXPECT_EQ(found_in("-N2", "srun -K accelerate launch --num_processes 16 train.py"), Found{});
    EXPECT_EQ(found_in("-N2", "srun -K python -m ray.scripts.scripts start --head"), Found{"ray-by-hand:3"});
}

TEST(LintSpellings, looks_for_files_of_mpirun_source_and_images) {
    for (std::string wrong : {"mpirun ./none", "mpirun -np 4 --mca btl self ./none", "mpiexec -n 4 ./none -x",
                              "A=1 /opt/bin/mpirun --bind-to=core -x A ./none", "source none.sh", ". ./none",
                              "source venv/bin/activate"})
        EXPECT_EQ(found_in("-N1", wrong), Found{"no-program:3"}) << wrong;
    EXPECT_EQ(found_in("-N1", "srun --container-image /img/none.sqsh true"), Found{"no-image:3"});
    for (std::string right :
         {"mpirun -np 4 hostname ./none",
          "mpirun --unknown hostname ./none",
          "mpirun -hostfile ./none true",
          "mpirun --oversubscribe true ./none",
          "mpirun",
          "mpirun -np",
          "make\nmpirun ./none",
          "source env.sh",
          "echo A=1 >none.sh\nsource none.sh",
          "source none.sh || true",
          "source /etc/profile.d/none.sh",
          "source activate none",
          "source $HOME/none.sh",
          "cd x\nsource none.sh",
          "[ -f none.sh ] && . none.sh",
          "if [ -f none.sh ]; then\nsource none.sh\nfi",
          "python3 -m venv v\nsource v/bin/activate",
          "source <(none x.sh)",
          "srun --container-image nvcr.io/x true",
          "enroot import -o /img/new.sqsh docker://x\nsrun --container-image /img/new.sqsh true"})
        EXPECT_EQ(found_in("-N1", right), Found{}) << right;
}
