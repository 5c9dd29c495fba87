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
# # SSInfNet: a coach, inpainting, then ground glass and consolidation
#
# Paper 004 (Fung et al.) step by step. A coach erases the parts of a CT slice that are hard to paint in, Inf-Net
# learns to paint them, and then learns to segment from few labels. A second network tells ground glass from
# consolidation with the first one's infection map as its prior.
#
# By default everything runs on phantoms, at a size for a laptop. To use MedSeg or COVID-SemiSeg (and iCTCF beside
# it), set `DATA`; see docs/DATASETS.md. This is research software, not a medical device.

# %%
# The set-up cell: covid3dgan/notebooks/setup_cell.txt

# %%
import tempfile
from pathlib import Path

import numpy as np
from IPython.display import display

from covid3dgan.data.batches import slice_batches
from covid3dgan.data.datasets import opening, slices
from covid3dgan.data.phantoms.medseg import phantom_slices
from covid3dgan.evaluation import ssinfnet_tables
from covid3dgan.evaluation.figures import ssinfnet
from covid3dgan.evaluation.scores import format_mean
from covid3dgan.inference.classes import load_network
from covid3dgan.inference.ssinfnet import as_prior, class_probabilities, infection_probability
from covid3dgan.notebooks import scale
from covid3dgan.training.ssinfnet import networks, train_ssinfnet

DATA = None  # a folder with MedSeg; None makes phantoms
SETTINGS = []  # for example ["single.epochs=30"]
SEED = 1

work = Path(tempfile.mkdtemp())
preset = scale.preset("ssinfnet/demo", SETTINGS)
options = scale.training_options(SEED, "float32")

# %% [markdown]
# ## Slices, split by patient
# The paper draws slices at random, so that a patient can be in several parts (`slices.split=image` does that too).

# %%
if DATA is None:
    labelled, unlabelled = phantom_slices(preset.slices, SEED)
else:
    labelled, unlabelled = slices.read_slices(opening.open_dataset(DATA), preset.slices, labelled=True), None
train, validation, test = slices.split_slices(labelled, preset.slices, SEED)
print(f"{len(train)} slices to train on, {len(validation)} to validate, {len(test)} to test")

# %% [markdown]
# ## Inpainting, guided by the coach
# The network and the coach take turns; neither sees a label.

# %%
pictures = train.images if unlabelled is None else np.concatenate([train.images, unlabelled.images])
inpainting = train_ssinfnet.train_inpainting(pictures, work / "inpainting", preset, options,
                                             validation=(validation.images, None))
painter = networks.load_inpainting(inpainting.path)
batch = slice_batches.inpainting_check(test.images, preset.single_inpainting, SEED, 0)
display(ssinfnet.painting_figure(*painter.show(batch, 3)))

# %% [markdown]
# ## Infection as one class: Inf-Net from scratch and after the inpainting

# %%
probability = {}
for method, start in (("SInfNet", None), ("SSInfNet", inpainting.path)):
    run = train_ssinfnet.train_single(train, validation, work / f"single_{method}", preset, options, method, start)
    network = load_network(run.path)[0]
    probability[method] = infection_probability(network, test.images)
    if method == "SInfNet":
        priors = {name: as_prior(infection_probability(network, part.images), preset.multi.prior_minmax)
                  for name, part in (("train", train), ("validation", validation), ("test", test))}
    scores = ssinfnet_tables.infection_scores(probability[method], test.labels, test.patients, preset.single.threshold)
    print(f"{method:9}", {metric: format_mean(entry, "error95") for metric, entry in scores.summary().items()})
display(ssinfnet.roc_figure(probability, test.labels))

# %% [markdown]
# ## Ground glass and consolidation

# %%
start = train_ssinfnet.train_inpainting(train.images, work / "multi_inpainting", preset, options,
                                        priors=priors["train"],
                                        validation=(validation.images, priors["validation"])).path
predicted = {}
for method in ("SInfNet", "SSInfNet"):
    run = train_ssinfnet.train_multi(train, validation, work / f"multi_{method}", preset, options,
                                     (priors["train"], priors["validation"]), method,
                                     start if method == "SSInfNet" else None)
    network = load_network(run.path)[0]
    predicted[method] = np.argmax(class_probabilities(network, test.images, priors["test"]), -1)
    found = ssinfnet_tables.class_scores(predicted[method], test.labels, test.patients)
    print(f"{method:9}", {label: f"F1 {found[label].summary()['f1']['mean']:.3f}" for label in slices.CLASSES})

# %% [markdown]
# The test slices with most infection. `covid3dgan reproduce ssinfnet` adds the U-Nets, the paper's numbers, intervals
# and the significance of the difference.

# %%
chosen = np.argsort(-(test.labels > 0).sum((1, 2)))[:3]
display(ssinfnet.class_figure(test.images[chosen], test.labels[chosen],
                              {method: labels[chosen] for method, labels in predicted.items()}))
