#!/bin/sh
# What every way runs as its driver: notes when it may start, then uses every node once.
date +%s.%N > "$BENCH_DIR/ready"
exec python3 -u "$BENCH_DIR/driver.py"
