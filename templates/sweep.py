"""A hyperparameter sweep as Ray tasks: 4 learning rates x 3 batch sizes of a classifier of handwritten digits.

Each task holds two GPUs of its own, and tasks are spread over the nodes of the job. Replace `train` by your training.
"""

import os
import sys
import time

import ray

LEARNING_RATES = (0.001, 0.003, 0.01, 0.03)
BATCH_SIZES = (16, 64, 256)
EPOCHS = 10
GPUS_PER_TASK = 2


@ray.remote(num_gpus=GPUS_PER_TASK, scheduling_strategy="SPREAD")
def train(learning_rate: float, batch_size: int) -> dict:
    import numpy
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier

    began = time.monotonic()
    digits = load_digits()  # comes with scikit-learn: no download
    images, test_images, labels, test_labels = train_test_split(digits.data / 16, digits.target, random_state=0)
    model = MLPClassifier(hidden_layer_sizes=(64,), learning_rate_init=learning_rate, batch_size=batch_size, random_state=0)
    order = numpy.random.default_rng(0)
    for _ in range(EPOCHS):
        places = order.permutation(len(images))
        for start in range(0, len(images) - batch_size + 1, batch_size):  # whole batches only
            batch = places[start : start + batch_size]
            model.partial_fit(images[batch], labels[batch], classes=range(10))
    return {
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "accuracy": model.score(test_images, test_labels),
        "node": os.environ.get("SLURMD_NODENAME", os.uname().nodename),
        "gpus": ray.get_gpu_ids(),
        "seconds": time.monotonic() - began,
    }


def main() -> int:
    ray.init()  # RAY_ADDRESS and the token are in the environment
    nodes = int(os.environ["RAILHEAD_NUM_NODES"])
    print(f"{nodes} nodes, {ray.cluster_resources().get('GPU', 0):.0f} GPUs", flush=True)
    pending = [train.remote(rate, size) for rate in LEARNING_RATES for size in BATCH_SIZES]
    results = []
    print("learning rate  batch  accuracy  seconds  node      GPUs", flush=True)
    while pending:
        (done,), pending = ray.wait(pending)
        found = ray.get(done)
        results.append(found)
        gpus = ",".join(str(gpu) for gpu in sorted(found["gpus"]))
        print(
            f"{found['learning_rate']:13g}  {found['batch_size']:5d}  {found['accuracy']:8.4f}  {found['seconds']:7.1f}  "
            f"{found['node']:8}  {gpus}",
            flush=True,
        )
    best = max(results, key=lambda found: found["accuracy"])
    print(f"best: accuracy {best['accuracy']:.4f} with learning rate {best['learning_rate']:g} and batch size {best['batch_size']}")

    used = sorted({found["node"] for found in results})
    print(f"work was done on {len(used)} of {nodes} nodes: {', '.join(used)}")
    if len(used) < min(nodes, len(results)):
        print("sweep.py: some nodes of the job did no work", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
