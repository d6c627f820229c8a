#!/bin/sh
# How long a look at all nodes takes, against srun of `true`, in turn: lines "WAY NANOSECONDS"; and the processor time of a node's look.
timed() { # WAY COMMAND...
    way=$1
    shift
    begin=$(date +%s%N)
    "$@" >/dev/null 2>&1
    [ $? -le 1 ] || echo "$way has failed" # 1: findings
    echo "$way $(($(date +%s%N) - begin))"
}
for _ in $(seq "$BENCH_ROUNDS"); do
    timed srun srun --ntasks-per-node=1 true
    timed railhead railhead check nodes
done
for _ in $(seq "$BENCH_ROUNDS"); do
    python3 -c 'import resource, subprocess
subprocess.run(["railhead", "check", "node"], stdout=subprocess.DEVNULL, check=False)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print("node", int((used.ru_utime + used.ru_stime) * 1e9))'
done
echo "all is done"
