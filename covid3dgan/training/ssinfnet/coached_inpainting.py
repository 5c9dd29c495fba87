"""Coach-guided inpainting: the coach erases what is hard to paint in, the network paints it (paper 004, section IV.A).

One step belongs to the network or to the coach, as training/ssinfnet/inpainting_plan.py says. The two play a min-max
game: the network's loss is the painting error, the coach's is one minus it.
"""

__all__ = ["CoachedInpainting"]

import keras
import numpy as np
import tensorflow as tf

from covid3dgan import compat, models
from covid3dgan.losses import coach_loss, inpainting_loss
from covid3dgan.models.infnet import MAPS
from covid3dgan.training.keep_best import BestScore
from covid3dgan.training.updates import minimise

CHANNELS = 3
MOMENTUM, WEIGHT_DECAY = 0.9, 5e-4  # of the network's SGD, as in the code


class CoachedInpainting(keras.Model):
    """Painter, coach and their alternating ``train_step``.

    Args:
        segmenter: the network that is pre-trained; its weights are saved with the painter's.
        painter: shares the segmenter's layers and paints: a dict of maps (Inf-Net) or one tensor (multi-class).
        best: another ``whole(segmenter, painter)``, for the weights that did best.
        coach: from ``build_coach``.
        options: presets.ssinfnet.Inpainting.
    """

    def __init__(self, segmenter, painter, best, coach, options):
        super().__init__(name="coached_inpainting")
        self.segmenter, self.painter, self.coach, self.options = segmenter, painter, coach, options
        self.network = self.whole(segmenter, painter)
        self.best, self.score = best, BestScore(name="score")
        self.built = True

    @staticmethod
    def whole(segmenter, painter):
        """One model with the weights of both, for checkpoints."""
        return keras.Model(segmenter.inputs, [*segmenter.outputs, *painter.outputs], name=f"{segmenter.name}_whole")

    def compile(self):
        """SGD with momentum for the network, Adam for the coach; rates come with the batches."""
        self.network_optimizer = compat.loss_scaling(
            keras.optimizers.SGD(self.options.rates[0], momentum=MOMENTUM))
        self.coach_optimizer = compat.loss_scaling(keras.optimizers.Adam(self.options.coach_rate))
        super().compile(optimizer=self.network_optimizer, **compat.compile_kwargs())
        compat.build_optimizer(self.network_optimizer, self.painter.trainable_variables)
        compat.build_optimizer(self.coach_optimizer, self.coach.trainable_variables)

    def networks(self):
        """Name -> model, for checkpoints."""
        return {"network": self.network, "best": self.best, "score": self.score, "coach": self.coach}

    def optimizers(self):
        """Name -> optimizer, for checkpoints."""
        return {"network": self.network_optimizer, "coach": self.coach_optimizer}

    def call(self, inputs, training=False):
        return self.painter(inputs, training=training)

    def train_step(self, batch):
        """One turn of the network or of the coach; returns its loss and the painting errors."""
        loss, erased, kept = tf.cond(batch["coach_turn"], lambda: self._coach_turn(batch),
                                     lambda: self._network_turn(batch))
        return {"loss": loss, "erased_error": erased, "kept_error": kept,
                "coach_turn": tf.cast(batch["coach_turn"], tf.float32)}

    def _network_turn(self, batch):
        mask = self.binary_mask(batch)
        variables = self.painter.trainable_variables

        def objective():
            painted = self.painter(batch["image"] * mask, training=True)
            loss, erased, kept = self._errors(painted, batch, mask)
            # PyTorch's weight decay is the gradient of this term, batch normalisation included.
            decay = 0.5 * WEIGHT_DECAY * tf.add_n([tf.reduce_sum(tf.square(v)) for v in variables])
            return loss + decay, (loss, erased, kept)

        _prepare(self.network_optimizer, batch)
        return minimise(self.network_optimizer, variables, objective)[1]

    def _coach_turn(self, batch):
        def objective():
            answer = self._ask_coach(batch, training=True)
            mask = models.erasing_mask(answer["scores"], self.options.keep, self.options.coach_sharpness)
            painted = self.painter(batch["image"] * mask, training=False)
            if not self.options.coach_through_network:
                painted = tf.nest.map_structure(tf.stop_gradient, painted)
            _, erased, kept = self._errors(painted, batch, mask)
            shown = erased
            if self.options.coach_sees_mean:
                shown = erased / (CHANNELS * (len(MAPS) if isinstance(painted, dict) else 1))
            loss = coach_loss(shown, answer["mean"], answer["log_variance"], self.options.kl_weight)
            return loss, (loss, erased, kept)

        _prepare(self.coach_optimizer, batch)
        return minimise(self.coach_optimizer, self.coach.trainable_variables, objective)[1]

    def binary_mask(self, batch):
        """What the network sees: the coach's mask, or random cells while there is no trained coach."""
        scores = tf.cond(batch["random_mask"], lambda: batch["random_scores"],
                         lambda: self._ask_coach(batch, training=False)["scores"])
        return models.erasing_mask(scores, self.options.keep, binary=True)

    def _ask_coach(self, batch, training):
        """The coach's scores and bottleneck in float32; it sees the image, never the prior."""
        answer = self.coach([batch["image"][..., :CHANNELS], batch["noise"]], training=training)
        return {name: tf.cast(value, tf.float32) for name, value in answer.items()}

    @tf.function
    def erased_error(self, batch):
        """The painting error on erased pixels in inference mode, a scalar."""
        mask = self.binary_mask(batch)
        return self._errors(self.painter(batch["image"] * mask, training=False), batch, mask)[1]

    def show(self, batch, count):
        """(images, masks, paintings), each (count, H, W) in [0, 1]: the first samples of a batch.

        Inf-Net's painting is that of s3, its finest map.
        """
        batch = {name: value[:count] if np.ndim(value) else value for name, value in batch.items()}
        mask = self.binary_mask(batch)
        painted = self.painter(batch["image"] * mask, training=False)
        painted = np.asarray(painted["s3"] if isinstance(painted, dict) else painted, np.float32)
        if self.options.loss == "cross-entropy":
            painted = np.tanh(painted / 2)  # from a logit of (value + 1) / 2
        return (np.clip((batch["target"][..., 0] + 1) / 2, 0, 1), np.asarray(mask)[..., 0],
                np.clip((painted[..., 0] + 1) / 2, 0, 1))

    def _errors(self, painted, batch, mask):
        """(loss, erased, kept) summed over Inf-Net's heads, or over image and prior."""
        target = batch["target"]
        if isinstance(painted, dict):
            pairs = [(painted[name], batch.get("edge", target) if name == "edge" else target) for name in MAPS]
        else:
            pairs = list(zip(tf.split(painted, 2, -1), tf.split(target, 2, -1)))
        options = self.options
        parts = [inpainting_loss(tf.cast(p, tf.float32), t, mask, options.loss)[1:] for p, t in pairs]
        erased = tf.add_n([e for e, _ in parts])
        # The code overwrites the context term in its loop over Inf-Net's heads: the edge head's alone remains.
        last_only = options.context_heads == "last" and isinstance(painted, dict)
        kept = parts[-1][1] if last_only else tf.add_n([k for _, k in parts])
        return options.reconstruction_weight * erased + options.context_weight * kept, erased, kept


def _prepare(optimizer, batch):
    """Starts the optimizer anew where a round or a rate begins, and sets the rate."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    for variable in compat.optimizer_variables(inner):
        value = tf.convert_to_tensor(variable)
        variable.assign(tf.where(batch["fresh"], tf.zeros_like(value), value))
    inner.learning_rate = batch["learning_rate"]
