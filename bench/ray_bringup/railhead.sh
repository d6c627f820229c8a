#!/bin/bash
# Railhead.
date +%s.%N > "$BENCH_DIR/begin"
railhead ray -- sh "$BENCH_DIR/driver.sh"
