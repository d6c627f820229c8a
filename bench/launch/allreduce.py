"""Says when the first all-reduce over all ranks has ended."""

import time

import torch
import torch.distributed as dist

dist.init_process_group("gloo")
total = torch.ones(1)
dist.all_reduce(total)
if dist.get_rank() == 0:
    print(f"reduced {time.time()} over {int(total)} ranks", flush=True)
dist.barrier()
dist.destroy_process_group()
