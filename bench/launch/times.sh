#!/bin/bash
# `true` on every node of the job, by each way in turn; a line "WAY SECONDS" for each.
nodes=$SLURM_JOB_NUM_NODES
hangs= # mpirun, with some versions of Slurm
timed() {
    local way=$1 begin
    shift
    begin=$(date +%s%N)
    "$@" >"$way.log" 2>&1 || { echo "$way failed"; cat "$way.log"; return 1; }
    echo "$way $(($(date +%s%N) - begin))"
}
for _ in $(seq "$BENCH_ROUNDS"); do
    timed srun srun --ntasks-per-node=1 --gpus-per-node=0 true || exit 1
    timed railhead railhead run --per-node 1 -- true || exit 1
    if [ -z "$hangs" ]; then
        timed mpirun timeout 60 mpirun -n "$nodes" --map-by ppr:1:node true || hangs=yes
    fi
done
echo "all is done"
