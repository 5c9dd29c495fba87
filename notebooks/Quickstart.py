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
# First the network that comes along marks lesions in a CT: no training, no drawn mask, seconds. Then the whole
# pipeline of paper 001 trains one of your own: a 3D GAN paints the lungs without lesions, the difference trains a 2D
# network, and that network marks lesions in CTs it has not seen.
#
# By default the CT is a phantom, and training is at a size for a laptop (minutes). For your own CT set `MY_CT`. This is
# research software, not a medical device. Results on phantoms say nothing about patients.

# %%
# The set-up cell: covid3dgan/notebooks/setup_cell.txt

# %%
import tempfile
from pathlib import Path

import numpy as np
from IPython.display import display

import covid3dgan
from covid3dgan.data import volumes
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.evaluation.figures.prediction import contact_sheet
from covid3dgan.notebooks import scale

MY_CT = None  # a CT of yours: a NIfTI file, a DICOM folder or a zip file; None makes a phantom
SEED = 0

work = Path(tempfile.mkdtemp())

# %% [markdown]
# ## A CT
# Phantoms are synthetic chests in Hounsfield units. Their lesions are known, which no patient's are.

# %%
truth = None
if MY_CT is None:
    case = chest_ct.generate("coronacases-like", 0, SEED, size=(160, 160, 48))
    truth = case.infection.array > 0
    volumes.write(case.ct, work / "ct.nii.gz")
    print(f"{case.rate:.1f} % of this phantom's lungs are infected")
path = MY_CT or work / "ct.nii.gz"
ct = volumes.read(path) if truth is not None or Path(path).is_dir() or ".nii" in str(path) else None

# %% [markdown]
# ## Its lesions, by the network that comes along
# What it learned from, and how good it is on what: [docs/MODEL_CARD.md](../docs/MODEL_CARD.md). The command
# `covid3dgan predict` does the same for files and folders.

# %%
found = covid3dgan.segment(path)
for name, value in found.facts.items():
    if isinstance(value, float):
        print(f"{name:30} {value:8.1f}")
for text in found.facts["warnings"]:
    print("warning:", text)

# %% [markdown]
# Lungs are outlined in blue, lesions in red, seen as radiologists do: the patient's right is on the left.

# %%
if ct is not None:
    display(contact_sheet(ct, found, Path(path).name, count=8))

# %% [markdown]
# The mask lies on the CT's own grid, whatever its orientation: here it is written as NIfTI, to open beside the CT in
# any viewer (`covid3dgan view` makes a page for the browser).

# %%
if ct is not None:
    written = volumes.write(ct.like(found.mask), work / "lesions.nii.gz")
    print(volumes.read_mask(work / "lesions.nii.gz"))


# %% [markdown]
# ## How good is it?
# On a phantom the truth is known. One case shows that everything works, not how well.

# %%
def dice(mask):
    return 2 * np.count_nonzero((mask > 0) & truth) / max(1, np.count_nonzero(mask) + np.count_nonzero(truth))


if truth is not None:
    print(f"Dice of the network that comes along: {dice(found.mask):.3f} on one phantom")

# %% [markdown]
# ## Training one yourself
# Phantoms, GAN, pseudo-masks, segmenter, threshold; one segmenter is enough here. The notebooks Preprocess, GAN3D,
# Segmentation2D and Evaluation look at each stage, in the same folder (`runs/notebooks`): what one of them has done the
# others open.

# %%
from covid3dgan.systems.shabani import FULL, Reproduction

preset = scale.preset("shabani/demo")
run = Reproduction(scale.run_folder(), preset, scale.training_options(SEED), sizes=scale.cohort_sizes(),
                   variants=(FULL,))
print(run.prepare()["counts"])
print("GAN:", run.train_gan()["step"], "steps")
print("segmenter:", run.train_segmenters()[FULL]["step"], "steps")
run.close()

# %% [markdown]
# The same call takes it, and so does `covid3dgan predict --model`. It has learned from phantoms, and this CT is one;
# the network that comes along has learned from real lungs. Which is better on a patient, this does not say.

# %%
mine = covid3dgan.segment(path, model=run.segmenters[FULL])
if ct is not None:
    display(contact_sheet(ct, mine, "trained above", count=8))
if truth is not None:
    print(f"Dice of the network trained above: {dice(mine.mask):.3f} on the same phantom")
