#!/bin/bash
# slurm-basic.sh of Ray's documentation, with the driver of this benchmark and, as the other ways, without a dashboard.
date +%s.%N > "$BENCH_DIR/begin"
nodes=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
# shellcheck disable=SC2206 # as in the documentation
nodes_array=($nodes)
head_node=${nodes_array[0]}
head_node_ip=$(srun --nodes=1 --ntasks=1 -w "$head_node" hostname --ip-address)
port=6379
ip_head=$head_node_ip:$port
export ip_head RAY_ADDRESS=$ip_head
srun --nodes=1 --ntasks=1 -w "$head_node" \
    ray start --head --node-ip-address="$head_node_ip" --port=$port \
    --num-cpus=16 --num-gpus=8 --include-dashboard=false --block &
sleep 10
worker_num=$((SLURM_JOB_NUM_NODES - 1))
for ((i = 1; i <= worker_num; i++)); do
    node_i=${nodes_array[$i]}
    srun --nodes=1 --ntasks=1 -w "$node_i" \
        ray start --address "$ip_head" \
        --num-cpus=16 --num-gpus=8 --block &
    sleep 5
done
sh "$BENCH_DIR/driver.sh"
