#!/bin/bash
# One node of the limit. Task 0 is the head and runs the driver.
log=$BENCH_DIR/ray.$SLURM_PROCID
: > "$log"
common="--block --num-cpus=16 --num-gpus=8 --min-worker-port=0 --max-worker-port=0 --disable-usage-stats"
if [ "$SLURM_PROCID" = 0 ]; then
    # shellcheck disable=SC2086 # words
    ray start --head --node-ip-address="$HEAD_IP" --port=7001 --include-dashboard=false $common > "$log" 2>&1 &
else
    until (: < "/dev/tcp/$HEAD_IP/7001") 2> /dev/null; do sleep 0.05; done
    # shellcheck disable=SC2086 # words
    ray start --address="$HEAD_IP:7001" $common > "$log" 2>&1 &
fi
ray=$!
tail -n +1 -F "$log" 2> /dev/null | grep -q -m1 'Ray runtime started'
: > "$BENCH_DIR/up.$SLURM_PROCID"
if [ "$SLURM_PROCID" = 0 ]; then
    until [ "$(find "$BENCH_DIR" -name 'up.*' | wc -l)" = "$SLURM_NTASKS" ]; do sleep 0.05; done
    RAY_ADDRESS=$HEAD_IP:7001 sh "$BENCH_DIR/driver.sh"
    : > "$BENCH_DIR/over"
fi
until [ -e "$BENCH_DIR/over" ]; do sleep 0.05; done
kill -KILL $ray
scancel -s KILL "$SLURM_JOB_ID.$SLURM_STEP_ID"
