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
# # Quickstart: a CT in, a lesion mask out
#
# A phantom CT is made and checked, prepared, and segmented by the whole pipeline of paper 001: a 3D GAN paints the
# lungs without lesions, the difference trains a 2D network, and that network marks lesions in CTs it has not seen.
# Nobody draws a mask.
#
# By default everything runs on phantoms at a size for a laptop (minutes). For your own CT set `MY_CT`. This is
# research software, not a medical device. Results on phantoms say nothing about patients.

# %%
# The set-up cell: covid3dgan/notebooks/setup_cell.txt

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
from IPython.display import Image, display

from covid3dgan.data import volumes
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.notebooks import scale
from covid3dgan.systems.shabani import FULL, Reproduction

MY_CT = None  # a NIfTI file of yours; None takes a phantom
SEED = 1

work = Path(tempfile.mkdtemp())
preset = scale.preset("shabani/demo")

# %% [markdown]
# ## A CT
# Phantoms are synthetic chests in Hounsfield units. Their lesions are known, which no patient's are. The mask in the
# right panel is that truth.

# %%
case = chest_ct.generate("coronacases-like", 0, SEED, size=(128, 128, 40))
volumes.write(case.ct, work / "ct.nii.gz")
print(case.ct, f"{case.rate:.1f} % of the lung infected")
canonical, truth = case.ct.canonical().array, case.infection.canonical().array > 0
index = int(truth.sum((0, 1)).argmax())
figure, axes = plt.subplots(1, 2, figsize=(7, 3.6))
for panel, overlay in zip(axes, (None, truth[:, :, index])):
    panel.imshow(canonical[:, :, index].T[::-1], cmap="gray", vmin=-1000, vmax=400)
    if overlay is not None:
        panel.contour(overlay.T[::-1], [0.5], colors=["#D55E00"], linewidths=1)
    panel.axis("off")
plt.show()

# %% [markdown]
# ## Training the system
# GAN, pseudo-masks, segmenter. The other notebooks look at each stage; here one segmenter is enough.

# %%
run = Reproduction(work / "run", preset, scale.training_options(SEED), sizes=scale.cohort_sizes(), variants=(FULL,))
print(run.prepare()["counts"])
print("GAN:", run.train_gan()["step"], "steps")
print("segmenter:", run.train_segmenters()[FULL]["step"], "steps")
run.close()

# %% [markdown]
# ## Lesions in a CT
# The mask lies on the CT's own grid, whatever its orientation, with the model and the threshold in a JSON beside it.
# `covid3dgan predict` does the same from the command line, for folders too.

# %%
from covid3dgan.inference.inputs import Input
from covid3dgan.inference.predict_each import predict_each
from covid3dgan.inference.predictor import load_predictor

path = Path(MY_CT) if MY_CT else work / "ct.nii.gz"
predictor = load_predictor(run.segmenters[FULL])
results, problems = predict_each(predictor, [Input("mine", path)], work / "masks", overlay=True)
for problem in problems:
    print("left out:", problem)
for file in sorted((work / "masks").rglob("*.png")):
    display(Image(str(file)))

# %% [markdown]
# ## How good is it?
# On the phantom the truth is known. One case shows that everything works, not how well: see the notebook Evaluation.

# %%
if MY_CT is None:
    predicted = volumes.read_mask(next((work / "masks").glob("*.nii.gz"))).array > 0
    known = case.infection.array > 0
    print(f"Dice {2 * (predicted & known).sum() / max(1, predicted.sum() + known.sum()):.3f} on one phantom")
