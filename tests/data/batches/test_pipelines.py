"""The tf.data pipeline of a training: its order, and what may hold up its end."""

import numpy as np

from covid3dgan.data.batches.pipelines import step_dataset


def test_batches_come_in_the_order_of_the_steps():
    dataset = step_dataset(lambda step: {"step": np.int64(step), "square": np.float32([step, step ** 2])}, 3, 8)
    assert [int(batch["step"]) for batch in dataset] == [3, 4, 5, 6, 7]
    assert [batch["square"].numpy().tolist() for batch in dataset][-1] == [7.0, 49.0]


def test_no_autotune_thread_holds_up_the_end():
    assert step_dataset(lambda step: {"step": np.int64(step)}, 0, 2).options().autotune.enabled is False


def test_a_batch_is_made_once_however_many_arrays_it_holds():
    made = []

    def batch_at(step):
        made.append(step)
        return {name: np.float32(step) for name in ("slice", "target", "pairs", "label", "step")}

    list(step_dataset(batch_at, 0, 4))
    assert sorted(made) == [0, 0, 1, 2, 3]  # the first once more, for its shapes
