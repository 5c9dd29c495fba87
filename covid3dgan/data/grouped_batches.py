"""Batches of slices for the TransUNet, half of them highly and half of them little infected (paper 002)."""

__all__ = ["PUBLISHED_SHARE", "grouped_batches", "published_sampler"]

import numpy as np

from covid3dgan.data.pipelines import Indices

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


def grouped_batches(images, targets, groups, options, weights, seed):
    """A function step -> batch.

    Args:
        images, targets: (S, H, W) float32: COVID slices and their pseudo-masks.
        groups: data.slice_groups.SliceGroups of those slices.
        options: presets.khali.TransUnet.
        weights: step -> (contrastive, MSE, sensitivity): the losses' weights at that step.
        seed: the run's seed.

    The batch: ``image`` and ``target`` (B, H, W, 1), ``label`` (B,) with 1 for high, 0 for low and -1 for a slice
    that is not to be contrasted, ``weights`` (3,). The contrasted slices come first.
    """
    if options.sampler == "published":
        sources = published_sampler(groups.positive, groups.negative)
    else:
        sources = tuple((group, np.full(len(group), label, np.int32))
                        for label, group in ((1, groups.positive), (0, groups.negative)))
    half = options.batch_size // (2 if options.only_grouped_slices else 4)
    streams = [(Indices(len(group), half, [seed, 61 + number]), group, labels)
               for number, (group, labels) in enumerate(sources)]
    rest = None if options.only_grouped_slices else Indices(len(images), options.batch_size - 2 * half, [seed, 63],
                                                            "epochs")

    def batch_at(step):
        chosen, labels = [], []
        for indices, group, group_labels in streams:
            at = indices.at(step)
            chosen.append(group[at])
            labels.append(group_labels[at])
        if rest is not None:
            chosen.append(rest.at(step))
            labels.append(np.full(len(chosen[-1]), -1, np.int32))
        chosen = np.concatenate(chosen)
        return {"image": images[chosen][..., None].astype(np.float32),
                "target": targets[chosen][..., None].astype(np.float32),
                "label": np.concatenate(labels), "weights": np.float32(weights(step))}

    return batch_at
