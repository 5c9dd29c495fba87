"""AF-SEG's end-to-end training of generator, discriminator and segmenter (paper 003, section 2.3, Eq. 1 to 5).

Each step, on patches of an image x, its coarse label w and its inpainted background b:

* generator: G(x) keeps x inside w (L1, weight mu) and passes for clean background outside it;
* discriminator: (1 - w) b is real, (1 - w) G(x) is not;
* segmenter: finds w in G(x). Since no unlabelled foreground is left in G(x), w is its true mask.
"""

__all__ = ["AfSeg", "PatchSegmenter", "build_afseg", "build_patch_segmenter"]

import keras
import tensorflow as tf

from covid3dgan import compat, models
from covid3dgan.losses import afseg as losses
from covid3dgan.training.schedules import ConstantThenLinear
from covid3dgan.training.updates import minimise


class AfSeg(keras.Model):
    """The three networks and their ``train_step``.

    Args:
        generator: (B, H, W, 1) in [-1, 1] -> the same.
        discriminator: (B, H, W, 1) -> logits per patch.
        segmenter: (B, H, W, 1) in [-1, 1] -> probabilities.
        options: presets.afseg.Synthesis.
    """

    def __init__(self, generator, discriminator, segmenter, options):
        super().__init__(name="afseg")
        self.generator, self.discriminator, self.segmenter = generator, discriminator, segmenter
        self.options = options
        self.built = True

    def compile(self, generator_optimizer, discriminator_optimizer, segmenter_optimizer):
        """Builds each optimizer for the variables of its network."""
        super().compile(optimizer=generator_optimizer, **compat.compile_kwargs())
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.segmenter_optimizer = segmenter_optimizer
        for name, optimizer in self.optimizers().items():
            compat.build_optimizer(optimizer, self.networks()[name].trainable_variables)

    def networks(self):
        """Name -> model, for checkpoints."""
        return {"generator": self.generator, "discriminator": self.discriminator, "segmenter": self.segmenter}

    def optimizers(self):
        """Name -> optimizer, for checkpoints."""
        return {"generator": self.generator_optimizer, "discriminator": self.discriminator_optimizer,
                "segmenter": self.segmenter_optimizer}

    def call(self, inputs, training=False):
        """Probabilities of foreground in real images."""
        return self.segmenter(inputs, training=training)

    def train_step(self, batch):
        """One update of each network; the generator's comes first, so its one forward pass serves all three."""
        logs, generated = self.generator_phase(batch)
        logs.update(self.discriminator_phase(batch, generated))
        logs.update(self.segmenter_phase(batch, generated))
        return logs

    def generator_phase(self, batch):
        """Eq. 5 without the discriminator's part; returns the logs and the generated images."""
        image, weak, background = batch["image"], batch["weak"], batch["background"]
        options = self.options

        def objective():
            generated = self.generator(image, training=True)
            fake = self.discriminator(losses.outside(weak, generated), training=True)
            adversarial = losses.generator_loss(options.adversarial_loss, fake)
            shape = losses.shape_loss(weak, generated, image, options.shape_mean)
            clean = losses.background_loss(weak, generated, background)
            total = (options.adversarial_weight * adversarial + options.shape_weight * shape
                     + options.background_weight * clean)
            if options.segmentation_to_generator:
                total += losses.segmentation_loss(weak, self.segmenter(generated, training=True))
            return total, (generated, adversarial, shape, clean)

        _, (generated, adversarial, shape, clean) = minimise(
            self.generator_optimizer, self.generator.trainable_variables, objective)
        return {"generator_loss": adversarial, "shape_loss": shape, "background_distance": clean}, generated

    def discriminator_phase(self, batch, generated):
        """Eq. 2 and 3: only the discriminator's weights change."""
        real = losses.outside(batch["weak"], batch["background"])
        fake = losses.outside(batch["weak"], generated)

        def objective():
            scores = self.discriminator(tf.concat([real, fake], 0), training=True)
            of_real, of_fake = tf.split(scores, 2)
            return losses.discriminator_loss(self.options.adversarial_loss, of_real, of_fake), None

        loss, _ = minimise(self.discriminator_optimizer, self.discriminator.trainable_variables, objective)
        return {"discriminator_loss": loss}

    def segmenter_phase(self, batch, generated):
        """Eq. 4 on pairs of a generated image and its coarse label."""
        shown = self.shown(batch, generated)

        def objective():
            return losses.segmentation_loss(batch["weak"], self.segmenter(shown, training=True)), None

        loss, _ = minimise(self.segmenter_optimizer, self.segmenter.trainable_variables, objective)
        return {"segmentation_loss": loss}

    def shown(self, batch, generated):
        """What the segmenter sees: the generated images, under our aids with other contrasts or a cleaner background.

        A coarse method finds the clear part of the foreground, so without ``fade`` (A11) the segmenter never meets
        faint parts. Until the generator has learnt to remove all other foreground the segmenter would learn to
        overlook it; ``segmenter_background`` "inpainted" (A20) puts the generated foreground on the clean background.
        """
        background = batch["background"]
        reach = _with_rim(batch["weak"], self.options.rim)
        shown = generated
        if self.options.fade < 1.0:
            share = batch["share"]
            shown += reach * (1.0 - share) * (background - generated)
            # A mean of two noises is fainter than either, which would give faint foreground away.
            shown += reach * tf.sqrt(2.0 * share * (1.0 - share)) * _grain(background)
        if self.options.segmenter_background == "inpainted":
            shown = background + reach * (shown - background)
        return shown


def _with_rim(weak, rim):
    """The label, widened by ``rim`` pixels and softened at its new edge: the blurred edge of an object is its own."""
    if not rim:
        return weak
    return tf.nn.avg_pool2d(tf.nn.max_pool2d(weak, 2 * rim + 1, 1, "SAME"), 3, 1, "SAME")


def _grain(image):
    """The image's noise, moved so that it is another sample of it."""
    return tf.roll(image - tf.nn.avg_pool2d(image, 5, 1, "SAME"), (5, 7), (1, 2))


class PatchSegmenter(keras.Model):
    """A segmenter trained on (image, label) patches: Table 1's supervised U-Net, and the Deep Segmentation Prior.

    Args:
        segmenter: (B, H, W, 1) in [-1, 1] -> probabilities.
    """

    def __init__(self, segmenter):
        super().__init__(name="patch_segmenter")
        self.segmenter = segmenter
        self.built = True

    def compile(self, optimizer):
        """Builds the optimizer for the segmenter's variables."""
        super().compile(optimizer=optimizer, **compat.compile_kwargs())
        self.segmenter_optimizer = optimizer
        compat.build_optimizer(optimizer, self.segmenter.trainable_variables)

    def networks(self):
        """Name -> model, for checkpoints."""
        return {"segmenter": self.segmenter}

    def optimizers(self):
        """Name -> optimizer, for checkpoints."""
        return {"segmenter": self.segmenter_optimizer}

    def call(self, inputs, training=False):
        """Probabilities of foreground."""
        return self.segmenter(inputs, training=training)

    def train_step(self, batch):
        """Binary cross-entropy between the segmenter's output and ``batch["label"]``."""
        def objective():
            return losses.segmentation_loss(batch["label"], self.segmenter(batch["image"], training=True)), None

        loss, _ = minimise(self.segmenter_optimizer, self.segmenter.trainable_variables, objective)
        return {"segmentation_loss": loss}


def build_afseg(options, constant_steps, decay_steps):
    """A compiled :class:`AfSeg`.

    Args:
        options: presets.afseg.Synthesis.
        constant_steps, decay_steps: of the learning rate.
    """
    shape = (None, None, 1)
    network = AfSeg(
        models.build_afseg_generator(shape, options.generator_width, options.generator_depth,
                                     options.generator_backbone, options.generator_head),
        models.build_afseg_discriminator(shape, options.discriminator_width, options.discriminator_levels),
        models.build_afseg_segmenter(shape, options.segmenter_width, options.segmenter_depth), options)
    network.compile(*(_adam(options.learning_rate, options.beta_1, constant_steps, decay_steps) for _ in range(3)))
    return network


def build_patch_segmenter(width, depth, learning_rate, beta_1=0.9, constant_steps=0, decay_steps=0):
    """A compiled :class:`PatchSegmenter`; without ``decay_steps`` the learning rate stays constant."""
    network = PatchSegmenter(models.build_afseg_segmenter((None, None, 1), width, depth))
    network.compile(_adam(learning_rate, beta_1, constant_steps, decay_steps))
    return network


def _adam(rate, beta_1, constant_steps, decay_steps):
    if decay_steps:
        rate = ConstantThenLinear(rate, constant_steps, decay_steps)
    return compat.loss_scaling(keras.optimizers.Adam(rate, beta_1=beta_1))
