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
# # Evaluation: the tables of paper 001, ours beside the authors'
#
# The last stage of paper 001: every method on cases that nothing was tuned on, under the published protocol and per
# volume, with the paper's own numbers beside them.
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
import json

from covid3dgan.notebooks import paper_numbers, scale
from covid3dgan.notebooks.shown import show_figures, show_tables
from covid3dgan.systems.shabani import ABLATION, Reproduction

PRESET = "shabani/demo"  # "shabani/improved" for the full size, "shabani/published" for the authors' own settings
SETTINGS = []  # for example ["gan.steps=1000"]
DATA = None  # your folder with the data sets (docs/DATASETS.md); None makes phantoms
SEED = 0

preset = scale.preset(PRESET, SETTINGS)
run = Reproduction(scale.run_folder(), preset, scale.training_options(SEED), data=DATA, sizes=scale.cohort_sizes(),
                   variants=ABLATION)  # VARIANTS has the pairs of Table 4 as well

run.prepare()
run.train_gan()
print("segmenters:", ", ".join(run.train_segmenters()))

# %% [markdown]
# ## Scores
# Methods: the best single HU threshold (a floor for everything learned), the GAN's difference alone, and the
# segmenters. The published protocol scores slices, and only those with more than 163 infected pixels and more than 1 %
# of the lung infected (F24); the mean over whole volumes leaves nothing out.

# %%
scores = run.score()
print(f"{'':26}" + "".join(f"{name:>27}" for name in run.cohorts.tests))
for method, sets in scores["summaries"].items():
    cells = [f"{summary['published']['dice']['mean'] or float('nan'):.1f} slices, "
             f"{summary['per_volume']['dice']['mean'] or float('nan'):.1f} volumes" for summary in sets.values()]
    print(f"{method:26}" + "".join(f"{cell:>27}" for cell in cells))

# %% [markdown]
# ## Masks as NIfTI
# In each CT's own geometry, to open beside the CT in any viewer.

# %%
predictions = run.predict()
for path in sorted((run.out / "predictions").rglob("*.nii.gz"))[:6]:
    print(path.relative_to(run.out))

# %% [markdown]
# ## The paper's tables with ours beside
# Tables 2 to 5, by the published protocol. Supervised and other people's methods are quoted by the paper.

# %%
result = run.report(f"notebooks/Evaluation.ipynb, preset {preset.name}, seed {SEED}")
run.close()
show_tables("shabani", paper_numbers.from_run(run.out))

# %% [markdown]
# ## The paper's figures, redrawn
# Principal components of the three kinds of images, distances between them, slices, a view in three dimensions, and
# what every phase adds. The file report.html in the run's folder has them with all tables, to read in a browser.

# %%
show_figures(run.out / "report.html")

# %% [markdown]
# ## The numbers to compare
# Mean Dice per volume; `covid3dgan reproduce shabani` with the same preset, seed and data gives the same ones.

# %%
mean_dice = json.loads((run.out / "results.json").read_text(encoding="utf-8"))["mean_dice"]
print(json.dumps(mean_dice, indent=1))
