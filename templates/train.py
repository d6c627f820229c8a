"""A classifier of handwritten digits with DistributedDataParallel, which goes on from its checkpoint. Replace the model and the data.

On GPUs by NCCL, without by gloo. Each rank takes every WORLD_SIZE-th image.
"""

import argparse
import os

import torch
import torch.distributed as dist
from sklearn.datasets import load_digits  # comes with scikit-learn: no download


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--learning-rate", type=float, default=0.5)
    parser.add_argument("--checkpoint", default="checkpoint.pt")
    return parser.parse_args()


def main() -> None:
    asked = options()
    rank, world, local = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)).to(device)
    first = 0
    if os.path.exists(asked.checkpoint):
        saved = torch.load(asked.checkpoint, map_location=device)
        model.load_state_dict(saved["model"])
        first = saved["epoch"] + 1
    trained = torch.nn.parallel.DistributedDataParallel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=asked.learning_rate)
    digits = load_digits()
    images = torch.tensor(digits.data / 16, dtype=torch.float32, device=device)
    labels = torch.tensor(digits.target, device=device)
    for epoch in range(first, asked.epochs):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(trained(images[rank::world]), labels[rank::world])
        loss.backward()
        optimizer.step()
        if rank == 0 and (epoch % 10 == 9 or epoch == asked.epochs - 1):
            # Whole or not at all: a job may end at any moment.
            torch.save({"model": model.state_dict(), "epoch": epoch}, asked.checkpoint + ".new")
            os.replace(asked.checkpoint + ".new", asked.checkpoint)
    if rank == 0:
        right = (model(images).argmax(dim=1) == labels).sum().item()
        print(f"accuracy {right / len(labels):.3f} after {asked.epochs} epochs on {world} ranks", flush=True)
    dist.barrier()  # who leaves first would take the connections of the others along
    dist.destroy_process_group()
    if device.type == "cpu":
        os._exit(0)  # gloo's threads outlive DDP (torch 2.13): one that frees a tensor while Python ends would abort this rank


if __name__ == "__main__":
    main()
