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
# # AF-SEG: segmentation without annotations
#
# Paper 003 (Yu, Dong et al., ISBI 2020) step by step: a coarse classical mask becomes the exact truth of synthetic
# images, and a network trained on those finds what the coarse mask had missed.
#
# By default everything runs on synthetic images. To use your own, set `DATA` to a folder with `images/` and `masks/`,
# or to a DRIVE or CHASE_DB1 folder. This is research software, not a medical device.

# %%
# The set-up cell: covid3dgan/notebooks/setup_cell.txt

# %%
import tempfile
from pathlib import Path

from IPython.display import display

from covid3dgan.data.batches.patches import to_network
from covid3dgan.data.datasets import image_sets, image_split
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.evaluation import protocols
from covid3dgan.evaluation.figures import afseg
from covid3dgan.evaluation.scores import format_mean
from covid3dgan.inference.foreground import load_afseg_networks
from covid3dgan.notebooks import scale
from covid3dgan.training.afseg.backgrounds import coarse_labels, make_backgrounds
from covid3dgan.training.afseg.segmentation_prior import scores_of
from covid3dgan.training.afseg.train_afseg import train_afseg

TASK = "cells"  # or "vessels"
DATA = None  # a folder; None makes synthetic images
SETTINGS = []  # for example ["synthesis.constant_epochs=20"]
SEED = 1

work = Path(tempfile.mkdtemp())
preset = scale.preset(f"afseg/{TASK}/demo", SETTINGS)

# %% [markdown]
# ## Images
# Half of them train, 20 % would serve for choices (none is made here), 30 % are the test.

# %%
if DATA is None:
    DATA = work / "images"
    cohort = {"cells": "blood-cells", "vessels": "angiograms"}[TASK]
    chest_ct.write_cohort(DATA, cohort, seed=SEED, cases=6 if scale.is_short() else 20)
loaded = image_sets.load(image_sets.find(DATA), preset.images)
training, _, test = image_split.split(len(loaded.names), preset.images.split, SEED)
print(f"{len(training)} training and {len(test)} test images")

# %% [markdown]
# ## Step 1: the coarse mask
# A level set that estimates uneven light for cells, Hessian vesselness for vessels.

# %%
weak = coarse_labels(loaded, preset.coarse)

# %% [markdown]
# ## Step 2: clean backgrounds
# The Deep Segmentation Prior is stopped when it marks twice the coarse area; what it marks is inpainted.

# %%
images = loaded.images[training]
backgrounds = make_backgrounds(images, weak[training], preset.background, SEED)
print("stopped at (step, area ratio):", backgrounds.history[-1])
display(afseg.background_figure(images[:3], backgrounds.holes, backgrounds.images))

# %% [markdown]
# ## Step 3: generator, discriminator and segmenter

# %%
run = train_afseg({"image": images, "weak": weak[training], "background": backgrounds.images}, work / "run", preset,
                  scale.training_options(SEED, "float32"))
segmenter, generator, _ = load_afseg_networks(run.path)
generated = generator(to_network(images[:3])).numpy()[..., 0] / 2 + 0.5
display(afseg.synthesis_figure(images[:3], weak[training], generated))

# %% [markdown]
# ## Test images
# `covid3dgan reproduce afseg` adds the supervised upper bound and the paper's numbers.

# %%
if loaded.masks is not None:
    methods = {"coarse": weak[test].astype("float32"), "AF-SEG": scores_of(segmenter, loaded.images[test])}
    results = {name: protocols.afseg(list(maps), list(loaded.masks[test])) for name, maps in methods.items()}
    for name, result in results.items():
        print(f"{name:8}", {metric: format_mean(entry) for metric, entry in result.summary().items()})
    masks = {name: maps[:3] > 0.5 for name, maps in methods.items()}
    display(afseg.segmentation_figure(loaded.images[test[:3]], {**masks, "truth": loaded.masks[test[:3]]},
                                      {name: result.values("dice") for name, result in results.items()}))
