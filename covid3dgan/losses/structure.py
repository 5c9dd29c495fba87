"""Inf-Net's losses (paper 004, Eq. 4 and 5): boundary-weighted IoU plus cross-entropy on every map, and the edge's."""

import tensorflow as tf

from covid3dgan.errors import check_choice

__all__ = ["BCE_KINDS", "boundary_weights", "infnet_loss", "structure_loss"]

BCE_KINDS = ("plain", "weighted")
WINDOW = 31


def boundary_weights(mask):
    """1 + 5 |local mean - mask|: up to 6 near the mask's border, 1 far from it.

    Args:
        mask: (B, H, W, 1) in [0, 1]; the local mean runs over 31 x 31 pixels and counts zeros beyond the image.
    """
    reach = WINDOW // 2
    mean = tf.pad(mask, [[0, 0], [reach, reach], [reach, reach], [0, 0]])
    for window in ((WINDOW, 1), (1, WINDOW)):  # rows, then columns: a fifteenth of the work of 31 x 31 at once
        mean = tf.nn.avg_pool2d(mean, window, 1, "VALID")
    return 1.0 + 5.0 * tf.abs(mean - mask)


def structure_loss(logits, mask, bce="plain"):
    """Weighted IoU loss plus cross-entropy (Eq. 4 with lambda = 1), averaged over the images; a scalar.

    Args:
        logits, mask: (B, H, W, 1); the mask may be soft.
        bce: "weighted" is what Inf-Net's code means to do; "plain" is what it does, since it asks PyTorch for
            ``reduce="none"`` where ``reduction="none"`` was meant, so the weights cancel in that term (I13).
    """
    check_choice("bce", bce, BCE_KINDS)
    weights = boundary_weights(mask)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=mask, logits=logits)
    found = tf.sigmoid(logits)
    axes = (1, 2, 3)
    both = tf.reduce_sum(weights * found * mask, axes)
    either = tf.reduce_sum(weights * (found + mask), axes) - both
    iou = 1.0 - (both + 1.0) / (either + 1.0)
    if bce == "plain":
        return tf.reduce_mean(iou) + tf.reduce_mean(entropy)
    return tf.reduce_mean(iou + tf.reduce_sum(weights * entropy, axes) / tf.reduce_sum(weights, axes))


def infnet_loss(maps, mask, edge, bce="plain"):
    """Eq. 5: the structure loss of the four maps and the edge's cross-entropy, all with weight 1.

    Args:
        maps: the dict of logits that ``build_infnet`` returns.
        mask, edge: (B, H, W, 1) in [0, 1].

    Returns:
        (total, edge loss), scalars.
    """
    edge_loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=edge, logits=maps["edge"]))
    return edge_loss + tf.add_n([structure_loss(maps[n], mask, bce) for n in ("sg", "s5", "s4", "s3")]), edge_loss
