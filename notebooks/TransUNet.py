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
# # TransUNet beside UNet
#
# Paper 002 (Khali et al.) step by step: the GAN and the pseudo-masks of paper 001, then a UNet and a TransUNet that
# learn from the same pseudo-masks, and what the paper's Table 1 measures.
#
# By default everything runs on phantoms at demo size. To use the real data sets, set `DATA` to a folder that holds
# them (docs/DATASETS.md). This is research software, not a medical device.

# %%
# The set-up cell: covid3dgan/notebooks/setup_cell.txt

# %%
import json
import tempfile
from pathlib import Path

import numpy as np
from IPython.display import display

from covid3dgan import models
from covid3dgan.evaluation.figures.temperature_chart import temperature_chart
from covid3dgan.losses import enhanced_contrastive_loss, fit_temperature
from covid3dgan.notebooks import paper_numbers, scale
from covid3dgan.notebooks.shown import show_figures, show_tables
from covid3dgan.systems import khali

DATA = None  # a folder with the data sets; None makes phantoms
SETTINGS = []  # for example ["transunet.steps=100", "segmenter.steps=100", "gan.steps=100"]
SEED = 1

work = Path(tempfile.mkdtemp())
preset = scale.preset("khali/demo", SETTINGS)

# %% [markdown]
# ## The network
# Three convolutional stages, eight transformer blocks over an 8 x 8 map, and a U-Net decoder: 66,870,129 trainable
# parameters at the published size. The published code multiplies the attention logits by the square root of a head's
# size; every other transformer divides.

# %%
network = models.build_transunet("khali")
print(f"{sum(int(np.prod(w.shape)) for w in network.trainable_weights):,} trainable parameters")
del network

# %% [markdown]
# ## The contrastive loss
# Equation 4 as printed holds no labels: on features whose similarities have equal sums it is log N, whatever they are.
# The code's form separates two groups, and a temperature can be fitted for it. Where the groups are separated, or not
# at all, there is no best temperature and the descent only shows which way the loss falls.

# %%
labels = np.repeat([1, 0], 16)
cloud = np.random.default_rng(SEED).normal(size=(32, 6)).astype("float32")
cloud[:16, 0] += 1.5
for variant in ("eq4_literal", "khali_code", "supcon"):
    print(f"{variant:12} {float(enhanced_contrastive_loss(cloud, labels, variant=variant)):.3f}")
display(temperature_chart(fit_temperature(cloud, labels, rate=0.5, seed=SEED)))

# %% [markdown]
# ## The whole system
# Phantoms, preprocessing, GAN, UNet, TransUNet, Table 1. `covid3dgan reproduce khali` does the same.

# %%
report = khali.reproduce(work / "khali", preset, scale.training_options(SEED, "float32"), data=DATA,
                         sizes=scale.cohort_sizes())
show_tables("khali", paper_numbers.from_run(work / "khali"))

# %% [markdown]
# The figures of the report; report.html has them with all tables.

# %%
show_figures(report)

# %% [markdown]
# ## Side by side
# The first block is what the authors' code measures: the best single pixel of each slice. The others are ordinary
# scores of the same masks.

# %%
tables = json.loads((work / "khali" / "tables.json").read_text(encoding="utf-8"))
for kind in ("pixel_max", "slices", "volumes"):
    for method, scores in tables["scores"].items():
        print(f"{kind:10} {method:10}", {m: f"{e['mean']:.1f}" for m, e in scores[kind].items() if m in (
            "dice", "sensitivity", "specificity")})
