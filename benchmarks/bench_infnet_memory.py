"""Peak memory of paper 004's training steps at published size, each network in a process of its own.

    python benchmarks/bench_infnet_memory.py [--size 352] [--batch 4] [--limit-gb 8]

Prints one line of JSON per network: Inf-Net (three steps at 0.75, 1 and 1.25 of the size, as published), the
multi-class network of SSInfNet, and both inpaintings (network's and coach's turn, crops of 128 x 128).
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
NETWORKS = ("infnet", "multi", "single_inpainting", "multi_inpainting")


def peak(network, size, batch, steps=2):
    """Peak resident memory in GB of this process after ``steps`` training steps."""
    import keras
    import numpy as np

    from covid3dgan import environment, presets
    from covid3dgan.data import slice_batches
    from covid3dgan.data.slices import SliceSet
    from covid3dgan.training import train_ssinfnet
    from covid3dgan.training.inpainting_plan import Moment
    from covid3dgan.training.ssinfnet_networks import build_inpainting, build_multi

    keras.utils.set_random_seed(1)
    preset = presets.get("ssinfnet/published")
    rng = np.random.default_rng(0)
    images = rng.random((batch, size, size)).astype(np.float32)
    slices = SliceSet(images, rng.integers(0, 3, images.shape).astype(np.uint8), np.arange(batch), np.arange(batch))
    options = dataclasses.replace(getattr(preset, {"infnet": "single"}.get(network, network)), batch_size=batch)
    if network == "infnet":
        training = train_ssinfnet._infnet_training(preset, "SInfNet")
        batch_at = slice_batches.single_batches(slices, options, lambda step: 1e-4, 1)
    elif network == "multi":
        training = train_ssinfnet._multi_training(preset, "SSInfNet", lambda: build_multi(preset, "SSInfNet"))
        batch_at = slice_batches.multi_batches(slices, images, options, 1)
    else:
        training = build_inpainting(preset, network.partition("_")[0])
        batch_at = slice_batches.inpainting_batches(
            images, images if network == "multi_inpainting" else None, options,
            lambda step: Moment("coach" if step % 2 else "network", 1e-5, False, False), options.coach_latent, 1)
    for step in range(steps):
        training.train_on_batch(batch_at(step))
    return environment.peak_memory_mb() / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=352)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--limit-gb", type=float, default=8.0)
    parser.add_argument("--network", choices=NETWORKS, help="this one alone, in this process")
    args = parser.parse_args()
    if args.network:
        found = peak(args.network, args.size, args.batch)
        print(json.dumps({"network": args.network, "size": args.size, "batch": args.batch, "peak_gb": round(found, 2),
                          "fits": found <= args.limit_gb}), flush=True)
        return 0
    for network in NETWORKS:
        subprocess.run([sys.executable, __file__, "--network", network, "--size", str(args.size), "--batch",
                        str(args.batch), "--limit-gb", str(args.limit_gb)], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
