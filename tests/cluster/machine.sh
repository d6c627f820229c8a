#!/bin/sh
# machine.sh ROOT: writes what the kernel would show, below ROOT, of a machine of four GPUs, each with an adapter on its
# PCIe switch and CPUs of its own; the adapters count the other way around, and a fifth one, for storage, is far away.
root=$1

function_at() { # WAY VENDOR CLASS CPUS
    folder=$root/sys/devices/$1
    mkdir -p "$folder" "$root/sys/bus/pci/devices"
    echo "$2" >"$folder/vendor"
    echo "$3" >"$folder/class"
    echo 0 >"$folder/numa_node"
    echo "$4" >"$folder/local_cpulist"
    printf '\336\020\040\040' >"$folder/config"
    ln -sfn "$folder" "$root/sys/bus/pci/devices/$(basename "$1")"
}

adapter_at() { # NAME WAY CPUS
    function_at "$2" 0x15b3 0x020700 "$3"
    port=$folder/infiniband/$1/ports/1
    mkdir -p "$port" "$root/sys/class/infiniband"
    echo '4: ACTIVE' >"$port/state"
    echo InfiniBand >"$port/link_layer"
    echo '400 Gb/sec (4X NDR)' >"$port/rate"
    ln -sfn "$folder" "$folder/infiniband/$1/device"
    ln -sfn "$folder/infiniband/$1" "$root/sys/class/infiniband/$1"
}

for gpu in 0 1 2 3; do
    bus=$((gpu + 1))
    way=pci0000:${bus}0/0000:${bus}0:01.0/0000:${bus}1:00.0
    function_at "$way/0000:${bus}2:00.0" 0x10de 0x030200 $((gpu % 2))
    adapter_at mlx5_$((3 - gpu)) "$way/0000:${bus}3:00.0" $((gpu % 2))
done
adapter_at mlx5_4 pci0000:50/0000:50:01.0/0000:51:00.0 0-1
mkdir -p "$root/proc/net"
printf 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\neth0\t00000000\t0\t3\t0\t0\t100\t00000000\n' >"$root/proc/net/route"
