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
# # Segmentation2D: a network that learns from the pseudo-masks
#
# The third stage of paper 001. Slices with much and with little difference are told apart by a contrastive loss, and
# a 2D network with ConvLSTM layers (BCDU-Net) learns to draw the pseudo-mask of a slice.
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

run.prepare()
print("GAN:", run.train_gan()["step"], "steps")

# %% [markdown]
# ## High and low slices
# Each slice's sum of differences. The published code takes sums above 95 as high and 65 to 80 as low, which fits its
# own volumes only (F16); by quartiles the rule follows the data.

# %%
from covid3dgan.data.batches.slice_groups import group_slices
from covid3dgan.evaluation.figures.charts import slice_sum_box
from covid3dgan.training.pseudo_slices import load_pseudo_slices

found = load_pseudo_slices(run.prepared / "train", run.gan, preset.pseudo, SEED, preset.segmenter)
sums = found.targets.sum((1, 2), dtype=np.float64)
groups = group_slices(sums, preset.contrastive, found.lung_pixels)
print(f"{len(groups.high)} high and {len(groups.low)} low slices of {len(sums)}: {groups.rule}")
display(slice_sum_box({"all": sums, "high": sums[groups.high], "low": sums[groups.low]}))

# %% [markdown]
# ## Training
# The segmenter with and without the contrastive loss (Table 3). `VARIANTS` in place of `ABLATION` above adds those with
# healthy slices in its pairs (Table 4). In the published notebook the two networks share no weights, so the contrastive
# loss cannot reach the segmenter (F17); where `segmenter.shared_encoder` is set, it does.

# %%
print(preset.segmenter)
print(preset.contrastive)
results = run.train_segmenters()
for name, result in results.items():
    threshold = result["threshold"]
    print(f"{name:26} {result['step']} steps, threshold {threshold['value']:g}"
          f" ({'tuned on the validation cases' if threshold['tuned'] else 'of the preset'})")

# %% [markdown]
# ## What it draws
# Slices of validation cases: image, the network's map, the mask at its threshold, and the true mask.

# %%
from covid3dgan.data.preprocess.prepared_set import open_prepared
from covid3dgan.evaluation.figures.panels import segmentation_panel
from covid3dgan.evaluation.figures.style import hounsfield
from covid3dgan.evaluation.thresholds import binarise
from covid3dgan.inference.lesions import load_segmenter

model = load_segmenter(run.segmenters["GAN + UNet + contrastive"])
rows = []
for case in open_prepared(run.prepared / "validation").cases[:3]:
    true = case.infection > 0.5
    index = int(true.sum((1, 2)).argmax())
    scores = model.scores(case.lung)[index]
    predicted = binarise(scores[None], model.threshold, model.relative)[0] & (case.lung_mask[index] > 0.5)
    dice = 200 * (predicted & true[index]).sum() / max(1, predicted.sum() + true[index].sum())
    rows.append({"image": hounsfield(case.base[index]), "true": true[index], "output": scores, "predicted": predicted,
                 "dice": dice, "label": f"slice {index}"})
display(segmentation_panel(rows))

# %% [markdown]
# ## The threshold
# Dice on the validation cases against the threshold (Table 5). The test cases have no say in it.

# %%
from covid3dgan.evaluation.figures.charts import threshold_curve

chosen = results["GAN + UNet + contrastive"]["threshold"]
if chosen["tuned"]:
    display(threshold_curve(chosen["grid"], [100 * dice for dice in chosen["dice"]], chosen=chosen["value"],
                            relative=chosen["relative"]))
