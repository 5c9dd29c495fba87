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
# # Segment: lesions of a CT from Python
#
# `covid3dgan.segment` in whatever form you hold a CT, many CTs with one loaded network, thresholds and scores, lungs of
# your own, and where the network is unsure. No training, and TensorFlow is not needed: `pip install .` is enough.
#
# The CTs are phantoms, whose lesions are known. This is research software, not a medical device. Results on phantoms
# say nothing about patients.

# %%
# The set-up cell: covid3dgan/notebooks/setup_cell.txt

# %%
import dataclasses
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import nibabel
import numpy as np
from IPython.display import display

import covid3dgan
from covid3dgan.data import volumes
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.errors import InputError
from covid3dgan.evaluation.figures.prediction import contact_sheet

MY_CT = None  # a NIfTI file of yours; None makes a phantom
SEED = 2

work = Path(tempfile.mkdtemp())
if MY_CT is None:
    MY_CT = work / "ct.nii.gz"
    volumes.write(chest_ct.generate("coronacases-like", 0, SEED, size=(144, 144, 40)).ct, MY_CT)

# %% [markdown]
# ## One CT
# A path is enough: NIfTI, a DICOM folder, a zip file, or a single slice. Back come four things: `mask` (0 and 1),
# `scores` (how much the network says lesion, voxel by voxel) and `lungs`, all on the CT's own grid and in its own voxel
# order, and `facts`.

# %%
found = covid3dgan.segment(MY_CT)
for name in ("mask", "scores", "lungs"):
    array = getattr(found, name)
    print(f"{name:7} {array.dtype!s:8} {array.shape} from {array.min():.2f} to {array.max():.2f}")
for side in ("", "left_", "right_"):
    infected, lung, share = (found.facts[side + name] for name in ("infection_ml", "lung_ml", "infection_rate_percent"))
    print(f"{side.strip('_') or 'both':7} {infected:7.1f} of {lung:7.1f} ml lung = {share:4.1f} %")

# %%
ct = volumes.read(MY_CT)
print(ct)
display(contact_sheet(ct, found, "a phantom", count=8))

# %% [markdown]
# ## The same CT in other forms
# A `Volume` of this package, an array with its affine, an image of nibabel, of SimpleITK or of ITK. All of them give
# the same mask. Values are Hounsfield units; an affine leads from voxels to RAS+ millimetres, as nibabel's does.

# %%
forms = {"covid3dgan.Volume": ct, "(array, affine)": (ct.array, ct.affine), "nibabel": nibabel.load(MY_CT)}
try:
    import SimpleITK
    forms["SimpleITK"] = SimpleITK.ReadImage(str(MY_CT))
except ImportError:
    print("SimpleITK is not installed here; pip install SimpleITK adds that line")
for name, form in forms.items():
    same = np.array_equal(covid3dgan.segment(form).mask, found.mask)
    print(f"{name:18} {'the same mask' if same else 'ANOTHER MASK'}")

# %% [markdown]
# A bare array is refused, since nobody could say how large its voxels are or which end is the head.

# %%
try:
    covid3dgan.segment(ct.array)
except InputError as error:
    print(error)

# %% [markdown]
# ## Many CTs
# `load_predictor` keeps the network. With a path it loads one that you trained or exported.

# %%
predictor = covid3dgan.load_predictor()
known, marked = [], []
for number in range(4):
    case = chest_ct.generate("coronacases-like", number, SEED, size=(112, 112, 32))
    facts = predictor.predict(case.ct).facts
    known.append(case.rate)
    marked.append(facts["infection_rate_percent"])
    print(f"{case.id}: {facts['infection_ml']:6.1f} ml, {marked[-1]:5.1f} % of the lungs; true {known[-1]:5.1f} %")

# %% [markdown]
# ## Scores and thresholds
# The mask is where the scores are above `predictor.threshold`, inside the lungs. Another threshold is one line.

# %%
slice_number = int(found.scores.sum((0, 1)).argmax())  # along the third axis, head to feet in most files
thresholds = np.linspace(0.05, 0.95, 19)
voxel_ml = np.prod(ct.spacing) / 1000
volume = [voxel_ml * np.count_nonzero((found.scores > value) & (found.lungs > 0)) for value in thresholds]

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2))
drawn = left.imshow(found.scores[:, :, slice_number].T, cmap="magma", vmin=0, vmax=1)
left.set_title(f"scores, slice {slice_number}")
left.axis("off")
figure.colorbar(drawn, ax=left)
right.plot(thresholds, volume)
right.axvline(predictor.threshold, color="#D55E00", label=f"its own, {predictor.threshold:g}")
right.set(xlabel="threshold", ylabel="marked (ml)")
right.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Lungs of your own
# Lungs are found by the built-in method. A mask of yours wins, in any of the forms above: here the left lung alone. The
# CT is cropped to the lungs, so that the network now sees the left one larger and marks a little more or less of it.

# %%
canonical = ct.like(found.lungs).canonical()
half = canonical.array.copy()
half[canonical.shape[0] // 2:] = 0  # in canonical order the first axis runs from the patient's left to the right
one_lung = covid3dgan.segment(ct, lungs=ct.from_canonical(half))
print(f"both lungs: {found.facts['infection_ml']:.1f} ml; with the left lung alone: "
      f"{one_lung.facts['infection_ml']:.1f} ml")

# %% [markdown]
# ## Where the network is unsure
# The spread of its scores when it sees each slice mirrored or moved by a few pixels: large where a small change of the
# image changes the answer. It takes five times as long, and it knows nothing of what the network never learned.

# %%
unsure = dataclasses.replace(predictor, uncertainty=True).predict(ct)
figure, axes = plt.subplots(1, 3, figsize=(8, 3))
panels = (("CT", ct.array, "gray", (-1000, 400)), ("scores", unsure.scores, "magma", (0, 1)),
          ("uncertainty", unsure.uncertainty, "viridis", (0, max(1e-6, float(unsure.uncertainty.max())))))
for panel, (title, array, colours, limits) in zip(axes, panels):
    panel.imshow(array[:, :, slice_number].T, cmap=colours, vmin=limits[0], vmax=limits[1])
    panel.set_title(title)
    panel.axis("off")
plt.show()
