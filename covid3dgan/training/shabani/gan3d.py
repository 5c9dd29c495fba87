"""The 3D GAN's three-phase training (paper 001, section 3.1, Eq. 2, Algorithm 1).

Each step runs, in the preset's order:

* reconstruction: healthy volumes with added noise go in, the healthy volumes are the target (L2, Eq. 2 third term);
* discriminator: real healthy volumes against generated ones;
* generator: COVID volumes go through the generator and the frozen discriminator, which should call them healthy.
"""

__all__ = ["GAN3D", "build_gan"]

import keras
import tensorflow as tf

from covid3dgan import compat, models
from covid3dgan.errors import ArgumentError
from covid3dgan.losses import adversarial
from covid3dgan.models.blocks.given_dropout import GivenDropout
from covid3dgan.models.fast.fused_activations import fuse_activations
from covid3dgan.models.fast.fused_units import FusedUnits
from covid3dgan.models.fast.recompute import Recomputed
from covid3dgan.training.updates import minimise, move_average, share_of_replica


class GAN3D(keras.Model):
    """Generator, discriminator and the three-phase ``train_step``.

    Args:
        generator: (ct, latent) -> pseudo-healthy CT, both (B, D, H, W, 1).
        discriminator: CT -> (B, 2); column 0 generated, column 1 healthy.
        options: presets.stages.Gan.
        averaged: a second generator of the same shape that holds the moving average of the weights, or None.
        accumulate: parts of a batch whose gradients are summed one after the other, which takes less memory.
        recompute: keeps few activations of the generator and computes the others again for the gradients.
    """

    def __init__(self, generator, discriminator, options, averaged=None, accumulate=1, recompute=False):
        super().__init__(name="gan3d")
        self.generator = generator
        self.discriminator = discriminator
        self.scores = GivenDropout(fuse_activations(discriminator))
        self.accumulate = accumulate
        fused = FusedUnits(generator)
        self.generate = Recomputed(fused.fused) if recompute else fused
        self.averaged = averaged
        self.options = options
        self.built = True

    def compile(self, generator_optimizer, discriminator_optimizer, reconstruction_optimizer=None):
        """Builds the optimizers for their variables.

        Args:
            reconstruction_optimizer: the reconstruction's own; by default the generator's, so that one Adam state
                serves both updates as published (F05).
        """
        super().compile(optimizer=generator_optimizer, **compat.compile_kwargs())
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.reconstruction_optimizer = reconstruction_optimizer or generator_optimizer
        compat.build_optimizer(generator_optimizer, self.generator.trainable_variables)
        compat.build_optimizer(discriminator_optimizer, self.discriminator.trainable_variables)
        compat.build_optimizer(self.reconstruction_optimizer, self.generator.trainable_variables)

    def networks(self):
        """Name -> model, for checkpoints."""
        found = {"generator": self.generator, "discriminator": self.discriminator}
        if self.averaged is not None:
            found["averaged"] = self.averaged
        return found

    def optimizers(self):
        """Name -> optimizer, for checkpoints; a shared one appears once."""
        found = {"generator": self.generator_optimizer, "discriminator": self.discriminator_optimizer}
        if self.reconstruction_optimizer is not self.generator_optimizer:
            found["reconstruction"] = self.reconstruction_optimizer
        return found

    def call(self, inputs, training=False):
        """Pseudo-healthy volumes from (ct, latent), by the averaged generator where there is one."""
        return (self.averaged or self.generator)(inputs, training=training)

    def train_step(self, batch):
        """One iteration; returns the three losses and what the collapse monitors need."""
        phases = [self.discriminator_phase, self.generator_phase]  # Algorithm 1
        at = 0 if self.options.update_order == "reconstruction-first" else 2  # F07: as published, or as Algorithm 1
        phases.insert(at, self.reconstruction_phase)
        logs = {}
        for phase in phases:
            # The generator need not wait for the discriminator before it generates: side by side the two phases would
            # take the memory of both.
            with tf.control_dependencies(list(logs.values())):
                logs.update(phase(batch))
        self.update_average(batch["step"])
        return logs

    def reconstruction_phase(self, batch):
        """Healthy-noisy in, healthy out: the step's reconstruction updates; returns their mean."""
        found = [self._reconstruct_once(batch["noisy"][k], batch["clean"][k], batch["latent_reconstruction"][k])
                 for k in range(self.options.reconstructions)]
        return {name: tf.add_n([logs[name] for logs in found]) / len(found) for name in found[0]}

    def _reconstruct_once(self, noisy, clean, latent):
        def distance(noisy, clean, latent):
            output = tf.cast(self.generate([noisy, latent], training=True), tf.float32)
            error, noise = output - clean, tf.abs(noisy - clean)
            voxels = tf.abs(error) if self.options.reconstruction_loss == "mae" else tf.square(error)
            if self.options.reconstruction_focus:
                # Noise covers little of a volume: without extra weight there, the identity is nearly optimal.
                voxels *= 1.0 + self.options.reconstruction_focus * tf.cast(noise > 0.02, tf.float32)
            return self._mean(voxels), (tf.reduce_mean((noisy - output) * (noisy - clean)),
                                        tf.reduce_mean(tf.square(noise)))

        loss, (removed, added) = minimise(self.reconstruction_optimizer, self.generator.trainable_variables, distance,
                                          noisy, clean, latent, parts=self.accumulate)
        # 1 when all the noise is gone, 0 when the generator has learned the identity.
        return {"reconstruction_loss": loss, "noise_removed": removed / (added + 1e-12)}

    def _mean(self, voxels):
        """The mean error of the voxels (B, D, H, W, 1); or each volume's norm, as Algorithm 1 prints it (F39)."""
        if self.options.reconstruction_loss != "norm":
            return tf.reduce_mean(voxels)
        return tf.reduce_mean(tf.sqrt(tf.reduce_sum(voxels, axis=[1, 2, 3, 4]) + 1e-12))  # a root has no slope at 0

    def discriminator_phase(self, batch):
        """Real healthy volumes against generated ones; only the discriminator's weights change."""
        masks = self._masks(batch, rows=2)

        def loss_and_accuracy(covid, latent, healthy, *masks):
            generated = tf.stop_gradient(tf.cast(self.generate([covid, latent], training=False), tf.float32))
            size = tf.shape(generated)[0]
            labels = tf.concat([tf.ones(size, tf.int32), tf.zeros(size, tf.int32)], 0)
            masks = [tf.concat([mask[:, 0], mask[:, 1]], 0) for mask in masks]
            scores = tf.cast(self.scores([tf.concat([healthy, generated], 0)], masks), tf.float32)
            right = tf.equal(tf.argmax(scores, -1, tf.int32), labels)
            return (adversarial.discriminator_loss(self.options.adversarial_loss, scores, labels),
                    tf.reduce_mean(tf.cast(right, tf.float32)))

        loss, right = minimise(self.discriminator_optimizer, self.discriminator.trainable_variables, loss_and_accuracy,
                               batch["covid"], batch["latent_discriminator"], batch["healthy"], *masks,
                               parts=self.accumulate)
        return {"discriminator_loss": loss, "discriminator_accuracy": right}

    def generator_phase(self, batch):
        """The generated volumes should pass for healthy; only the generator's weights change."""
        masks = self._masks(batch, rows=1)

        def loss_and_means(covid, latent, *masks):
            output = tf.cast(self.generate([covid, latent], training=True), tf.float32)
            # The published stack trains through the discriminator with its dropout on.
            scores = tf.cast(self.scores([output], [mask[:, 0] for mask in masks]), tf.float32)
            loss = adversarial.generator_loss(self.options.adversarial_loss, scores)
            return self.options.adversarial_weight * loss, {
                "output_mean": tf.reduce_mean(output), "input_mean": tf.reduce_mean(covid),
                "change": tf.reduce_mean(tf.abs(output - covid))}

        loss, means = minimise(self.generator_optimizer, self.generator.trainable_variables, loss_and_means,
                               batch["covid_again"], batch["latent_generator"], *masks, parts=self.accumulate)
        return {"generator_loss": loss, **means}

    def _masks(self, batch, rows):
        """The discriminator's dropout for this device's share of the batch, each (B, rows, units).

        Drawn for the whole batch, so that a batch split over devices or over time meets the same masks.
        """
        whole = self.scores.masks(self.options.batch_size * rows, batch["key"] * tf.constant([2, 1], batch["key"].dtype)
                                  + tf.constant([rows - 1, 0], batch["key"].dtype))
        whole = [tf.reshape(mask, (self.options.batch_size, rows, *mask.shape[1:])) for mask in whole]
        return share_of_replica(whole)

    def update_average(self, step):
        """The moving average of the generator's weights, quicker at first so that early weights are forgotten."""
        if self.averaged is not None:
            move_average(self.averaged, self.generator, self.options.ema_decay, step)


def build_gan(options, accumulate=1, recompute=False):
    """A compiled :class:`GAN3D` for a preset's ``gan`` stage; ``accumulate`` and ``recompute`` keep its numbers."""
    if options.batch_size % accumulate:
        raise ArgumentError("--accumulate", f"a number that divides the batch of {options.batch_size}", f"{accumulate}",
                            "change it or gan.batch_size")
    shape = (*options.volume_shape, 1)

    def generator(name):
        return models.build_generator(variant=options.generator, input_shape=shape, width=options.generator_width,
                                      head=options.generator_head, name=name)

    network = GAN3D(generator("generator"),
                    models.build_discriminator(variant=options.discriminator, input_shape=shape,
                                               width=options.discriminator_width,
                                               return_logits=adversarial.uses_logits(options.adversarial_loss)),
                    options, generator("averaged") if options.ema_decay else None, accumulate, recompute)
    if network.averaged is not None:
        network.averaged.set_weights(network.generator.get_weights())
        network.averaged.trainable = False

    def adam(rate):
        return compat.loss_scaling(keras.optimizers.Adam(rate, global_clipnorm=options.clip_norm))

    network.compile(adam(options.generator_learning_rate), adam(options.discriminator_learning_rate),
                    None if options.shared_optimizer else adam(options.generator_learning_rate))
    return network

