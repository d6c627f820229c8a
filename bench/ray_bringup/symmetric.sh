#!/bin/bash
# Ray's own: the same command on every node, which decides its role by the address.
# It cannot be told to leave out the dashboard: --include-dashboard goes to the workers, too, and they refuse it.
date +%s.%N > "$BENCH_DIR/begin"
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n1)
ip=$(srun --nodes=1 --ntasks=1 -w "$head" hostname --ip-address)
srun --ntasks-per-node=1 ray symmetric-run --address "$ip:6379" --min-nodes "$SLURM_JOB_NUM_NODES" \
    --num-cpus=16 --num-gpus=8 -- sh "$BENCH_DIR/driver.sh"
