"""Training of the multi-class U-Net (paper 004, Eq. 6 and 7), and of the plain U-Nets that it is compared with."""

__all__ = ["MultiTraining"]

import keras
import tensorflow as tf

from covid3dgan import compat
from covid3dgan.losses import multi_class_loss
from covid3dgan.training.keep_best import BestScore
from covid3dgan.training.updates import minimise

MOMENTUM = 0.7  # of SGD, as in the code
LOOKAHEAD_PERIOD, LOOKAHEAD_STEP = 5, 0.5  # the defaults of the code's package


class MultiTraining(keras.Model):
    """A U-Net and its ``train_step``.

    Args:
        network, best: two U-Nets of one shape; ``best`` holds the weights that did best.
        options: presets.ssinfnet.Multi.
        loss: "bce" or "focal".
        lookahead: wrap SGD in Lookahead.
    """

    def __init__(self, network, best, options, loss, lookahead):
        super().__init__(name="multi_training")
        self.network, self.best, self.options = network, best, options
        self.kind, self.lookahead = loss, lookahead
        self.score = BestScore(name="score")
        self.built = True

    def compile(self):
        """SGD with momentum or Adam, inside Lookahead where asked for."""
        options = self.options
        inner = (keras.optimizers.Adam(options.learning_rate) if options.optimizer == "adam"
                 else keras.optimizers.SGD(options.learning_rate, momentum=MOMENTUM))
        if self.lookahead:
            inner = compat.Lookahead(inner, LOOKAHEAD_PERIOD, LOOKAHEAD_STEP)
        self.descent = compat.loss_scaling(inner)
        super().compile(optimizer=self.descent, **compat.compile_kwargs())
        compat.build_optimizer(self.descent, self.network.trainable_variables)

    def networks(self):
        """Name -> model, for checkpoints."""
        return {"network": self.network, "best": self.best, "score": self.score}

    def optimizers(self):
        """Name -> optimizer, for checkpoints."""
        return {self.options.optimizer: self.descent}

    def call(self, inputs, training=False):
        return self.network(inputs, training=training)

    def train_step(self, batch):
        """One step; returns the loss."""
        def objective():
            return self._loss(batch["image"], batch["target"], training=True), None

        return {"loss": minimise(self.descent, self.network.trainable_variables, objective)[0]}

    def _loss(self, image, target, training):
        logits = tf.cast(self.network(image, training=training), tf.float32)
        options = self.options
        # The U-Net that finds infection as one class is trained here too, as coded; it has no classes to weigh.
        weights = options.class_weights if target.shape[-1] > 1 else None
        return multi_class_loss(logits, target, self.kind, options.gamma, options.alpha, weights)

    @tf.function(reduce_retracing=True)
    def validation_loss(self, image, target):
        """The loss in inference mode, a scalar."""
        return self._loss(image, target, training=False)
