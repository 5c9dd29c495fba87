"""Batches of slices for the TransUNet, half of them highly and half of them little infected (paper 002)."""

__all__ = ["PUBLISHED_SHARE", "contrasted", "grouped_batches", "published_sampler"]

import numpy as np

from covid3dgan import streams
from covid3dgan.data.batches.pipelines import Indices

# The code draws "high" slices from the first 116 of 800, which are 400 high and then 400 low ones, and "low" slices
# from the 116 that follow: all of them are high (K20).
PUBLISHED_SHARE = 116 / 800


def published_sampler(high, low):
    """What the code of paper 002 draws its "high" and its "low" slices from: (indices, labels) of each.

    Args:
        high, low: indices of equally many slices of each group.
    """
    stacked = np.concatenate([high, low])
    labels = np.concatenate([np.ones(len(high), np.int32), np.zeros(len(low), np.int32)])
    reach = max(1, round(PUBLISHED_SHARE * len(stacked)))
    return tuple((stacked[part], labels[part]) for part in (slice(0, reach), slice(reach, 2 * reach)))


def contrasted(options):
    """How many slices of a batch are contrasted, half of them high: all as published, or every other one.

    Args:
        options: presets.khali.TransUnet.
    """
    return options.batch_size if options.only_grouped_slices else options.batch_size // 4 * 2


def grouped_batches(images, targets, groups, options, weights, seed, others=None):
    """A function step -> batch.

    Args:
        images, targets: (S, H, W) float32: COVID slices and what the network should make of them.
        groups: data.batches.slice_groups.SliceGroups of those slices.
        options: presets.khali.TransUnet.
        weights: step -> (contrastive, MSE, sensitivity): the losses' weights at that step.
        seed: the run's seed.
        others: step -> dict with ``slice`` and ``target`` (B, H, W, 1), the slices that are not contrasted (as
            ``data.batches.segmenter_batches`` gives them to the UNet); needed unless all slices are.

    The batch: ``image`` and ``target`` (B, H, W, 1), ``label`` (B,) with 1 for high, 0 for low and -1 for a slice
    that is not to be contrasted, ``weights`` (3,), ``step``. The contrasted slices come first.
    """
    if options.sampler == "published":
        sources = published_sampler(groups.positive, groups.negative)
    else:
        sources = tuple((group, np.full(len(group), label, np.int32))
                        for label, group in ((1, groups.positive), (0, groups.negative)))
    half = contrasted(options) // 2
    orders = [(Indices(len(group), half, [seed, stream]), group, labels)
              for stream, (group, labels) in zip((streams.TRANSUNET_HIGH, streams.TRANSUNET_LOW), sources)]

    def batch_at(step):
        drawn = [(group[indices.at(step)], labels[indices.at(step)]) for indices, group, labels in orders]
        chosen, labels = (np.concatenate(parts) for parts in zip(*drawn))
        image, target = images[chosen][..., None].astype(np.float32), targets[chosen][..., None].astype(np.float32)
        if not options.only_grouped_slices:
            other = others(step)
            image, target = np.concatenate([image, other["slice"]]), np.concatenate([target, other["target"]])
            labels = np.concatenate([labels, np.full(len(other["slice"]), -1, np.int32)])
        return {"image": image, "target": target, "label": labels, "weights": np.float32(weights(step)),
                "step": np.int64(step)}

    return batch_at
