#!/bin/bash
# torchrun on every node, by hand as in PyTorch's documentation, and by Railhead, in turn.
export TORCHINDUCTOR_CACHE_DIR=$PWD/cache OMP_NUM_THREADS=1
head=$(srun --nodes=1 --ntasks=1 hostname --ip-address)
for round in $(seq "$BENCH_ROUNDS"); do
    echo "begin $(date +%s.%N)"
    srun --ntasks-per-node=1 torchrun --nnodes="$SLURM_JOB_NUM_NODES" --nproc-per-node=1 --rdzv-id="$round" --rdzv-backend=c10d \
        --rdzv-endpoint="${head%% *}:$((29500 + round))" "$HOME/allreduce.py" 2>by_hand.log | sed 's/^.*reduced/by_hand reduced/'
    echo "begin $(date +%s.%N)"
    railhead torchrun --nproc-per-node 1 -- "$HOME/allreduce.py" 2>railhead.log | sed 's/^.*reduced/railhead reduced/'
done
echo "all is done"
