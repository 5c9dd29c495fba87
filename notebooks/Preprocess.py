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
# # Preprocess: from CTs to network-ready volumes
#
# The first stage of paper 001 (Shabani et al. 2022). A CT becomes four volumes of one shape: the lung image, the lung
# mask, the whole image, and the infection mask where one is known.
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

# %% [markdown]
# ## The cases
# Which cases train, which choose thresholds, which are held out. Phantoms are named after the paper's data sets; their
# lesions are as frequent and as dense as the paper's Table 1 says.

# %%
for role, text in run.cohorts.described.items():
    print(f"{role:15} {text}")

# %% [markdown]
# ## Preparing them
# Resampling, a window of -1000 to 400 HU scaled to 0 to 1, lung mask, crop to the lungs, resizing. What the paper's
# text, its code and this project do differently is in docs/FIDELITY.md (F09 to F13), and each is a field of the preset.
# `lung_level` is this project's own: it evens out how deeply a patient breathed in (docs/METHODS.md).

# %%
print(preset.preprocess)
counts = run.prepare()
print("cases per role:", counts["counts"])
for problem in counts["left_out"]:
    print("left out:", problem)

# %% [markdown]
# ## Are these lungs, the right way up?
# One row per case: lungs outlined in blue, infection in red. Every panel shows the same grey window.

# %%
from covid3dgan.data.preprocess.prepared_set import open_prepared
from covid3dgan.evaluation.figures.prepared import contact_sheet

cases = open_prepared(run.prepared / "train")
shown = [*cases.only("healthy").cases[:2], *cases.only("covid").cases[:3]]
display(contact_sheet(shown))

# %% [markdown]
# ## How much lung is infected
# Means over the cases. The infection of the training cases is shown here only; no network sees it.

# %%
for role in counts["counts"]:
    group = open_prepared(run.prepared / role)
    rates = [100 * (case.infection > 0.5).sum() / (case.lung_mask > 0.5).sum() for case in group.cases
             if case.infection is not None]
    spacing = np.mean([case.spacing for case in group.cases], 0)
    print(f"{role:12} {len(group):3} cases, voxels of {' x '.join(f'{s:.1f}' for s in spacing)} mm"
          + (f", {np.mean(rates):.1f} % of the lung infected" if rates else ""))
