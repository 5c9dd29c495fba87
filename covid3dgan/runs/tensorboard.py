"""TensorBoard events for runs: scalars and images."""

__all__ = ["Board"]

import tensorflow as tf


class Board:
    """A thin writer; one per run.

    Args:
        path: the log directory.
    """

    def __init__(self, path):
        self._writer = tf.summary.create_file_writer(str(path))

    def scalar(self, name, value, step):
        with self._writer.as_default():
            tf.summary.scalar(name, float(value), step=step)

    def image(self, name, panels, step):
        """``panels``: (N, H, W, 1 or 3) float in [0, 1]."""
        with self._writer.as_default():
            tf.summary.image(name, panels, step=step, max_outputs=len(panels))

    def flush(self):
        self._writer.flush()

    def close(self):
        self._writer.close()
