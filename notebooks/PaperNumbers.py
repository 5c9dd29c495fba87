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
# # The papers' numbers beside ours
#
# Every result table of the five papers, as printed, and beside each number what this project measured: from the result
# files in `results/`, and from folders of `covid3dgan reproduce` that you name in `RUNS`. Nothing is trained here.
#
# **Ours on phantoms are not results on patients.** Where the two come near each other, no more than the difficulty
# does. A cell reads *paper* | **ours** [where ours is from]. One training is a first look, not a claim. What may
# not be compared, and why, is in [docs/FIDELITY.md](../docs/FIDELITY.md); numbers of ours that no paper has are in
# [docs/RESULTS.md](../docs/RESULTS.md).

# %%
# The set-up cell: covid3dgan/notebooks/setup_cell.txt

# %%
from covid3dgan.notebooks import paper_numbers
from covid3dgan.notebooks.shown import show_tables
from covid3dgan.notebooks.sources import FOLDER

RESULTS = FOLDER.parent / "results"  # the repository's result files
RUNS = []  # folders of yours, for example ["../runs/s1", "../runs/ssinfnet"]

ours = paper_numbers.from_results(RESULTS)
for run in RUNS:
    ours += paper_numbers.from_run(run)
print(f"{len(ours)} numbers of ours stand beside a printed one")

# %% [markdown]
# ## Paper 001: 3D GAN, pseudo-masks and contrastive UNet (Shabani et al. 2022)
# The published protocol: slice by slice, and only slices with more than 163 infected pixels and 1 % of the lung.

# %%
show_tables("shabani", ours)

# %% [markdown]
# ## Paper 000: GAN + UNet on three data sets (Elmourabit et al.)

# %%
show_tables("elmourabit", ours)

# %% [markdown]
# ## Paper 002: TransUNet (Khali et al.)
# The paper's metric is the best single pixel of each slice, which is near 100 for any network.

# %%
show_tables("khali", ours)

# %% [markdown]
# ## Paper 003: AF-SEG (Yu, Dong et al. 2020)

# %%
show_tables("afseg", ours)

# %% [markdown]
# ## Paper 004: SSInfNet (Fung et al. 2021)
# Ours at a size that trains on a laptop, with slices of 96 x 96 pixels.

# %%
show_tables("ssinfnet", ours)
