"""Inf-Net's training on infection masks (paper 004, Eq. 4 and 5): multi-scale steps and clipped gradients.

A U-Net can be trained in the same way; it has one map and no edge.
"""

__all__ = ["InfNetTraining", "decayed_rate"]

import keras
import tensorflow as tf

from covid3dgan import compat
from covid3dgan.losses import infnet_loss, structure_loss
from covid3dgan.models.blocks.infnet_layers import resize_align_corners
from covid3dgan.training.keep_best import BestScore
from covid3dgan.training.updates import minimise

STRIDE = 32
LARGEST_GRADIENT = 0.5  # of every single value, as in Inf-Net's code


def decayed_rate(options, epoch):
    """The learning rate of an epoch (from 1).

    The published loop multiplies the rate by 0.1^(epoch // 50) at every epoch anew, so it falls tenfold per epoch from
    the 50th on and training stops in effect.
    """
    if options.decay == "none":
        return options.learning_rate
    return options.learning_rate * 0.1 ** sum(e // 50 for e in range(1, epoch + 1))


class InfNetTraining(keras.Model):
    """A network and its ``train_step``: one optimizer step per scale.

    Args:
        network, best: two Inf-Nets (or U-Nets) of one shape; ``best`` holds the weights that did best.
        options: presets.ssinfnet.Single.
    """

    def __init__(self, network, best, options):
        super().__init__(name="infnet_training")
        self.network, self.best, self.options = network, best, options
        self.score = BestScore(name="score")
        self.built = True

    def compile(self):
        """Adam with every gradient value held within LARGEST_GRADIENT."""
        self.adam = compat.loss_scaling(keras.optimizers.Adam(self.options.learning_rate, clipvalue=LARGEST_GRADIENT))
        super().compile(optimizer=self.adam, **compat.compile_kwargs())
        compat.build_optimizer(self.adam, self.network.trainable_variables)

    def networks(self):
        """Name -> model, for checkpoints."""
        return {"network": self.network, "best": self.best, "score": self.score}

    def optimizers(self):
        """Name -> optimizer, for checkpoints."""
        return {"adam": self.adam}

    def call(self, inputs, training=False):
        return self.network(inputs, training=training)

    def train_step(self, batch):
        """Steps at every scale of the preset in turn; returns the mean losses."""
        getattr(self.adam, "inner_optimizer", self.adam).learning_rate = batch["learning_rate"]
        size = batch["image"].shape[1]
        tensors = (batch["image"], batch["mask"], batch["edge"])
        found = []
        for scale in self.options.scales:
            side = max(STRIDE, round(size * scale / STRIDE) * STRIDE)
            # As published, image and both targets are resized alike, so that the targets become soft.
            found.append(self._step(*(tensors if side == size else [resize_align_corners(t, side, side)
                                                                    for t in tensors])))
        loss, edge = (tf.add_n(values) / len(found) for values in zip(*found))
        return {"loss": loss, "edge_loss": edge}

    @tf.function(reduce_retracing=True)
    def _step(self, image, mask, edge):
        def objective():
            return self._loss(image, mask, edge, training=True)

        return minimise(self.adam, self.network.trainable_variables, objective)

    def _loss(self, image, mask, edge, training):
        """(total, edge loss)."""
        maps = self.network(image, training=training)
        if not isinstance(maps, dict):
            return structure_loss(tf.cast(maps, tf.float32), mask, self.options.bce), tf.constant(0.0)
        return infnet_loss({name: tf.cast(m, tf.float32) for name, m in maps.items()}, mask, edge, self.options.bce)

    @tf.function(reduce_retracing=True)
    def validation_loss(self, image, mask, edge):
        """The mean loss of the maps in inference mode, a scalar; the published code leaves the edge out here."""
        total, edge_loss = self._loss(image, mask, edge, training=False)
        return (total - edge_loss) / (4.0 if isinstance(self.network.output, dict) else 1.0)
