"""Learning-rate schedules."""

__all__ = ["ConstantThenLinear"]

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="covid3dgan")
class ConstantThenLinear(keras.optimizers.schedules.LearningRateSchedule):
    """Constant for some steps, then linearly to 0 (paper 003, section 3.1; pix2pix's "linear" policy).

    Args:
        rate: the constant part.
        constant_steps, decay_steps: lengths of the two parts.
    """

    def __init__(self, rate, constant_steps, decay_steps):
        super().__init__()
        self.rate, self.constant_steps, self.decay_steps = float(rate), int(constant_steps), int(decay_steps)

    def __call__(self, step):
        past = tf.cast(step, tf.float32) - float(self.constant_steps)
        return self.rate * (1.0 - tf.clip_by_value(past / max(self.decay_steps, 1), 0.0, 1.0))

    def get_config(self):
        return {"rate": self.rate, "constant_steps": self.constant_steps, "decay_steps": self.decay_steps}
