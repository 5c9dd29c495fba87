# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # GAN3D: what would these lungs look like without the lesions?
#
# The second stage of paper 001. A generator sees a COVID CT and paints a pseudo-healthy one; a discriminator compares
# it with healthy CTs; and the generator learns on healthy CTs to remove noise that was added to them. What it changed
# in a COVID CT is the pseudo-mask. Nobody has drawn a mask.
#
# The four notebooks Preprocess, GAN3D, Segmentation2D and Evaluation share one run folder (`runs/notebooks`) and do
# what `covid3dgan reproduce shabani` does, stage by stage and with the same numbers. Each does the stages before it
# where they are missing, and opens their results where they are there: run them in order, or open the last one at
# once.
#
# By default everything runs on phantoms at a size for a laptop. For your own CTs set `DATA`. This is research
# software, not a medical device. Results on phantoms say nothing about patients.

# %%
# The set-up cell: covid3dgan/notebooks/setup_cell.txt

# %%
import csv

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

from covid3dgan.notebooks import scale
from covid3dgan.systems.shabani import ABLATION, Reproduction

PRESET = "shabani/demo"  # "shabani/improved" for the full size, "shabani/published" for the authors' own settings
SETTINGS = []  # for example ["gan.steps=1000"]
DATA = None  # your folder with the data sets (docs/DATASETS.md); None makes phantoms
SEED = 0

preset = scale.preset(PRESET, SETTINGS)
run = Reproduction(scale.run_folder(), preset, scale.training_options(SEED), data=DATA, sizes=scale.cohort_sizes(),
                   variants=ABLATION)  # VARIANTS has the pairs of Table 4 as well

# %% [markdown]
# ## The two networks
# The published generator has 7,861,643 parameters at full size, the discriminator 282,378; the demo's are smaller.

# %%
from covid3dgan import models

generator = models.build_generator(variant=preset.gan.generator, input_shape=(*preset.gan.volume_shape, 1),
                                   width=preset.gan.generator_width, head=preset.gan.generator_head)
print(f"generator: {generator.count_params():,} parameters, volumes of {preset.gan.volume_shape}")
print(preset.gan)

# %% [markdown]
# ## Noise on healthy lungs
# The published code adds Perlin noise to 8 of 32 slices (F30). `gan.noise=lesions` paints soft three-dimensional
# patches inside the lungs instead, so that what is removed later looks like what was removed in training.

# %%
from covid3dgan.data.noise import healthy_noise
from covid3dgan.data.preprocess.prepared_set import open_prepared

run.prepare()
healthy = open_prepared(run.prepared / "train").only("healthy")
volume, lungs = healthy.array("lung")[:1], healthy.array("lung_mask")[:1]
rng = np.random.default_rng(SEED)
noisy = {"published": healthy_noise.published(volume, rng), "lesions": healthy_noise.lesions(volume, lungs, rng)}
figure, axes = plt.subplots(1, 3, figsize=(7, 2.6))
changes = [np.abs(image - volume)[0].sum((1, 2)) for image in noisy.values()]
middle = int((changes[0] * changes[1]).argmax())  # a slice where both have changed much
for panel, (title, image) in zip(axes, {"healthy": volume, **noisy}.items()):
    panel.imshow(image[0, middle], cmap="gray", vmin=0, vmax=1)
    panel.set_title(title)
    panel.axis("off")
plt.show()

# %% [markdown]
# ## Training
# An interrupted training goes on where it stopped when this cell runs again.

# %%
result = run.train_gan()
print(f"{result['step']} steps, {result['seconds']:.0f} s, checkpoints in {run.gan.relative_to(run.out.parent)}")

# %% [markdown]
# The losses: reconstruction of healthy lungs, and the two players of the game. A discriminator loss near zero means
# that it tells every generated volume from a healthy one.

# %%
with open(run.gan / "metrics.csv", newline="", encoding="utf-8") as handle:
    rows = list(csv.DictReader(handle))
figure, axes = plt.subplots(figsize=(6, 3))
for name in ("reconstruction_loss", "discriminator_loss", "generator_loss"):
    axes.plot([int(row["step"]) for row in rows], [float(row[name]) for row in rows], label=name.replace("_", " "))
axes.set_yscale("log")
axes.set_xlabel("step")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Pseudo-healthy CTs and pseudo-masks
# Cases that the GAN has not seen. The difference should lie in the lesions and nowhere else; the spread over several
# latent noises z shows how sure the generator is (F32).

# %%
from covid3dgan.evaluation.figures import pseudo_masks
from covid3dgan.inference.pseudo_masks import load_generator, make_pseudo_masks

trained, _, step = load_generator(run.gan)
cases = open_prepared(run.prepared / "validation")
masks = make_pseudo_masks(trained, cases.array("lung"), cases.array("lung_mask"), preset.pseudo, SEED)
display(pseudo_masks.draw(cases.array("lung")[:3], masks, cases.ids[:3]))

# %%
infected, lungs = cases.array("infection") > 0.5, cases.array("lung_mask") > 0.5
inside, outside = masks.difference[infected].mean(), masks.difference[lungs & ~infected].mean()
print(f"mean difference: {inside:.4f} inside lesions, {outside:.4f} in the rest of the lungs")
