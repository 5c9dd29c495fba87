"""tf.data pipelines whose batch at step k is a pure function of (seed, k).

That is what makes a resumed run equal to an uninterrupted one: nothing of a pipeline needs saving, it simply
starts at step k. Batches are made by numpy in tf.data's worker threads, ahead of the training step.
"""

__all__ = ["GAN_AXES", "Indices", "gan_batches", "latent_noise", "step_dataset"]

import numpy as np

from covid3dgan import streams
from covid3dgan.data.noise import healthy_noise
from covid3dgan.errors import InputError
from covid3dgan.presets.stages import latent_shape

LATENT_RANGE = 0.5  # z is uniform in [-0.5, 0.5) (section 3.1)
# The batch axis of what ``gan_batches`` gives, where it is not the first; None: not split among devices.
GAN_AXES = {"clean": 1, "noisy": 1, "latent_reconstruction": 1, "step": None, "key": None}


class Indices:
    """Which samples make up the batch at a step.

    Args:
        count: number of samples there are.
        batch_size: samples per batch.
        seed: any sequence of ints; different streams use different seeds.
        sampling: "random" draws each batch anew without replacement within it, as the published loop does;
            "epochs" walks through shuffled passes, so that every sample is used equally often.
    """

    def __init__(self, count, batch_size, seed, sampling="random"):
        if count < 1:
            raise InputError("training data", "at least one sample", "none", "check the data set and its filters")
        self.count, self.batch_size, self.seed, self.sampling = count, batch_size, list(seed), sampling

    def at(self, step):
        """Indices of the batch at ``step``, shape (batch_size,); repeats only where there are too few samples."""
        if self.sampling == "random":
            rng = np.random.default_rng([*self.seed, step])
            return rng.choice(self.count, self.batch_size, replace=self.count < self.batch_size)
        positions = step * self.batch_size + np.arange(self.batch_size)
        order = {e: np.random.default_rng([*self.seed, e]).permutation(self.count)
                 for e in set((positions // self.count).tolist())}
        return np.array([order[p // self.count][p % self.count] for p in positions.tolist()])


def latent_noise(volume_shape, count, rng):
    """Latent noise for ``count`` volumes: (count, D/16, H/16, W/16, 10) float32, uniform in [-0.5, 0.5)."""
    return rng.uniform(-LATENT_RANGE, LATENT_RANGE, (count, *latent_shape(volume_shape))).astype(np.float32)


def gan_batches(healthy, covid, lungs_healthy, options, seed):
    """A function step -> dict of arrays for one three-phase update (float32, channels last).

    Args:
        healthy, covid: (N, D, H, W) float32 in [0, 1]; arrays or memory maps.
        lungs_healthy: (N, D, H, W) lung masks of the healthy volumes; read only for the lung-restricted noise.
        options: presets.stages.Gan.
        seed: the run's seed.

    The dict holds ``clean`` and ``noisy`` (R, B, D, H, W, 1) for the R reconstructions, ``healthy`` and ``covid``
    (B, D, H, W, 1) for the discriminator, ``covid_again`` for the generator (the same values unless F06 asks for a
    fresh batch), latent noise for each phase, and ``key`` (seed, step) for what is drawn within the step.
    """
    size, repeats = options.batch_size, options.reconstructions
    orders = {name: Indices(len(source), count, [seed, stream]) for name, source, count, stream in (
        ("clean", healthy, size * repeats, streams.GAN_CLEAN), ("healthy", healthy, size, streams.GAN_HEALTHY),
        ("covid", covid, size, streams.GAN_COVID), ("covid_again", covid, size, streams.GAN_COVID_AGAIN))}

    def take(source, indices):
        return np.stack([source[i] for i in indices]).astype(np.float32)

    def at(step):
        rng = np.random.default_rng([seed, streams.GAN_STEP, step])
        chosen = orders["clean"].at(step)
        clean, lungs = take(healthy, chosen), None
        if options.noise != "published":
            lungs = np.stack([lungs_healthy[i] for i in chosen])
        if options.flip:
            mirrored = rng.random(len(chosen)) < 0.5
            clean[mirrored] = clean[mirrored, :, :, ::-1]
            if lungs is not None:
                lungs[mirrored] = lungs[mirrored, :, :, ::-1]
        noisy = _noisy(clean, lungs, options, rng)
        covid_batch = take(covid, orders["covid"].at(step))
        # A copy: TensorFlow may reuse the memory of a tensor that it thinks is its own.
        again = take(covid, orders["covid_again"].at(step)) if options.fresh_covid_batch else covid_batch.copy()
        shape = (repeats, size, *options.volume_shape)
        batch = {"clean": clean.reshape(shape), "noisy": noisy.reshape(shape), "covid": covid_batch,
                 "healthy": take(healthy, orders["healthy"].at(step)), "covid_again": again}
        batch = {name: value[..., None] for name, value in batch.items()}
        latent = latent_noise(options.volume_shape, size * repeats, rng)
        batch["latent_reconstruction"] = latent.reshape(repeats, size, *latent.shape[1:])
        for phase in ("discriminator", "generator"):
            batch[f"latent_{phase}"] = latent_noise(options.volume_shape, size, rng)
        batch["step"] = np.int64(step)
        batch["key"] = np.array([seed, step], np.int64)
        return batch

    return at


def _noisy(clean, lungs, options, rng):
    """The healthy-noisy volumes of a batch (F30); some stay clean where the preset asks for identity examples."""
    noisy = healthy_noise.published(clean, rng) if lungs is None else healthy_noise.lesions(clean, lungs, rng)
    untouched = rng.random(len(clean)) < options.identity_probability
    noisy[untouched] = clean[untouched]
    return noisy.astype(np.float32)


def step_dataset(batch_at, first, last, workers=2):
    """A tf.data.Dataset of ``batch_at(step)`` for the steps first, first + 1, ..., last - 1.

    Args:
        batch_at: step -> dict of numpy arrays, a pure function of the step.
        workers: batches made side by side; their order stays that of the steps.
    """
    # Loaded here alone: exported networks are read without TensorFlow, and what reads them needs this file's rules.
    import tensorflow as tf

    example = batch_at(first)
    names = list(example)
    dtypes = [tf.as_dtype(example[name].dtype) for name in names]

    def values_at(step):
        batch = batch_at(int(step))
        return [batch[name] for name in names]

    def make(step):
        values = tf.numpy_function(values_at, [step], dtypes)
        for value, name in zip(values, names):
            value.set_shape(example[name].shape)
        return dict(zip(names, values))

    dataset = tf.data.Dataset.range(first, last).map(make, num_parallel_calls=workers, deterministic=True).prefetch(2)
    # Nothing here is left to autotune; but its thread may miss the iterator's end and hold it up for a minute.
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
