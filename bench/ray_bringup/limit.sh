#!/bin/bash
# The limit of the unchanged `ray start`: each begins at the earliest moment at which it can do anything, nobody supervises,
# nothing is checked, and the end is a SIGKILL.
date +%s.%N > "$BENCH_DIR/begin"
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n1)
export HEAD_IP
HEAD_IP=$(getent hosts "$head" | cut -d' ' -f1)
srun --ntasks-per-node=1 --kill-on-bad-exit=0 bash "$BENCH_DIR/limit_node.sh"
