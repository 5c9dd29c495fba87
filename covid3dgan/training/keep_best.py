"""Keeping the weights that did best on the validation part, in a way that a resumed run repeats bit for bit."""

__all__ = ["BestScore", "KeepBest"]

import keras

WORST = 1e30  # finite, so that it survives JSON and comparisons


@keras.saving.register_keras_serializable(package="covid3dgan")
class BestScore(keras.layers.Layer):
    """Two numbers that travel in checkpoints like weights: the best validation loss and the step it was seen at."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.build()

    def build(self, input_shape=None):
        if self.built:
            return
        self.loss = self.add_weight(name="loss", shape=(), initializer=keras.initializers.Constant(WORST),
                                    trainable=False)
        self.step = self.add_weight(name="step", shape=(), initializer="zeros", trainable=False)
        self.built = True

    def call(self, inputs):
        return inputs


class KeepBest(keras.callbacks.Callback):
    """Copies the network's weights whenever the validation loss is the lowest so far.

    A step is judged when the next one begins, after its checkpoint was written: so a run that resumes there judges it
    again, with the same result.

    Args:
        recorder: the RunRecorder.
        network, best: two models of one shape.
        score: a BestScore, saved in the same checkpoints.
        validation_loss: () -> validation loss.
        every: steps between judgements.
        forget: step -> whether what was best until then no longer counts.
    """

    def __init__(self, recorder, network, best, score, validation_loss, every, forget=lambda step: False):
        super().__init__()
        self.recorder, self.network, self.best, self.score = recorder, network, best, score
        self.validation_loss, self.every, self.forget = validation_loss, every, forget

    def on_train_batch_begin(self, batch, logs=None):
        step = self.recorder.step
        if step and step % self.every == 0:
            self._compare(step)
        if self.forget(step):
            self.score.loss.assign(WORST)

    def on_train_end(self, logs=None):
        if self.recorder.step >= self.recorder.last_step:
            self._compare(self.recorder.step)
            self.recorder.save()

    def _compare(self, step):
        value = float(self.validation_loss())
        if value < float(self.score.loss.numpy()):
            self.best.set_weights(self.network.get_weights())
            self.score.loss.assign(value)
            self.score.step.assign(float(step))
