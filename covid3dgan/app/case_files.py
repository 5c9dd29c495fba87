"""What is kept of a CT: its lungs' part in canonical order, one file each for HU, scores, lungs and the user's hand.
Where the model has a generator there is one for HU as if it were healthy, too.

The network scores nothing outside the lungs and the page shows their part with a margin, so the part has all that can
be marked. Files are raw voxels, first axis fastest, gzipped: the browser unpacks them without a library.

Scores are bytes so that the mask at threshold T is ``scores >= T``; at the network's own threshold that is exactly the
network's mask. ``hand`` is 0 where the user changed nothing, ADDED or REMOVED; the corrected mask is
``(scores >= T or hand == ADDED) and hand != REMOVED``.
"""

__all__ = ["ADDED", "FILES", "REMOVED", "CaseFiles", "in_bytes"]

import dataclasses
import gzip
import json
import os
import zlib
from pathlib import Path

import numpy as np

from covid3dgan.data import volumes
from covid3dgan.errors import InputError
from covid3dgan.evaluation import metrics
from covid3dgan.files import atomic_path, write_json
from covid3dgan.viewer.stored import frame_for

ADDED, REMOVED = 1, 2
MARGIN_MM = 25.0  # a lesion at the pleura may have been taken for the chest wall
MOST_VOXELS = 250_000_000
FILES = {"ct": np.dtype("<i2"), "scores": np.dtype("u1"), "lungs": np.dtype("u1"), "hand": np.dtype("u1"),
         "healthy": np.dtype("<i2")}
_LEVEL = 1  # scanner noise hardly compresses


def in_bytes(scores, mask, threshold):
    """(bytes, T): scores as uint8 so that ``bytes >= T`` is ``mask``; 0 outside of what may be marked.

    Args:
        scores: float32 in [0, 1].
        mask: where the network marks a lesion, which is above ``threshold``.
    """
    cut = int(np.clip(np.floor(threshold * 255) + 1, 2, 255))
    levels = np.clip(np.rint(np.nan_to_num(scores) * 255), 0, 255).astype(np.uint8)
    return np.where(mask > 0, np.maximum(levels, cut), np.minimum(levels, cut - 1)).astype(np.uint8), cut


@dataclasses.dataclass(frozen=True)
class CaseFiles:
    """The files of one case in ``folder``; ``about`` is what facts.json says.

    ``revision`` of app.store.Store says which corrections are the latest: each save makes a file of its own, which
    counts once the list has its number.

    ``about["grid"]``: ``part`` (start and end per axis), ``shape`` and ``affine`` of the part, ``middle``: its first
    voxel of the patient's right side. ``about["cut"]``: the network's own threshold.
    """

    folder: Path
    revision: int = 0

    @property
    def about(self):
        """facts.json."""
        return json.loads((self.folder / "facts.json").read_text(encoding="utf-8"))

    @property
    def whole(self):
        """Whether the case was made; facts.json is written last."""
        return (self.folder / "facts.json").is_file()

    def make(self, ct, prediction, threshold, about, healthy=None):
        """Writes everything that is made once.

        Args:
            ct: data.volumes.Volume.
            prediction: inference.lesions.Prediction on its grid.
            threshold: the network's.
            about: what else facts.json says.
            healthy: (X, Y, Z) of the CT's grid in HU, as if it were healthy (app.as_if_healthy), or None.
        """
        canonical = ct.canonical()
        lungs, mask, scores = (ct.like(array).canonical().array
                               for array in (prediction.lungs, prediction.mask, prediction.scores))
        frame = frame_for(canonical, lungs, MARGIN_MM)
        cut_out = [array[frame.part] for array in (canonical.array, lungs, mask, scores)]
        hu, lungs, mask, scores = cut_out
        if hu.size > MOST_VOXELS:
            raise InputError(ct.source or "ct", f"lungs of at most {MOST_VOXELS / 1e6:.0f} million voxels",
                             f"{hu.size / 1e6:.0f} million", "resample it to thicker slices")
        levels, cut = in_bytes(np.where(lungs > 0, scores, 0), mask, threshold)
        columns = np.flatnonzero((lungs > 0).any((1, 2)))
        self.folder.mkdir(parents=True)
        self._write("ct", np.clip(np.rint(hu), -32768, 32767))
        if healthy is not None:
            part = ct.like(healthy).canonical().array[frame.part]
            self._write("healthy", np.clip(np.rint(part), -32768, 32767))
        self._write("scores", levels)
        self._write("lungs", (lungs > 0) * 1)
        # The network's mask on the CT's own grid: every later mask takes its place in the world from this file.
        volumes.write(ct.like(prediction.mask), self.folder / "network.nii.gz")
        write_json(self.folder / "facts.json", {
            **about, "cut": cut, "facts": prediction.facts,
            "grid": {"part": [[p.start, p.stop] for p in frame.part], "shape": hu.shape,
                     "affine": frame.affine, "spacing": canonical.spacing,
                     "middle": int(columns.mean().round()) if len(columns) else hu.shape[0] // 2}})

    def path(self, name):
        """The gzipped file of one of ``FILES``; None of the hand where nothing was saved."""
        if name != "hand":
            return self.folder / f"{name}.gz"
        path = self.folder / f"hand-{self.revision}.gz"
        if self.revision and not path.is_file():
            raise InputError(f"{self.folder.name}/{path.name}", "the corrections that were saved last", "no such file",
                             "bring it back from a copy of the work folder")
        return path if self.revision else None

    def read(self, name):
        """(X, Y, Z) of the part in canonical order; ``hand`` is 0 where nothing was saved."""
        shape = self.about["grid"]["shape"]
        path = self.path(name)
        if path is None:
            return np.zeros(shape, np.uint8)
        with gzip.open(path) as packed:
            raw = packed.read()
        return np.frombuffer(raw, FILES[name]).reshape(shape, order="F")

    def write_hand(self, packed):
        """Keeps what the browser sent, gzipped bytes, after a look at every one of them, for the next revision.

        Returns:
            The :class:`CaseFiles` of that revision.
        """
        shape = self.about["grid"]["shape"]
        size = int(np.prod(shape))
        unpack = zlib.decompressobj(wbits=31)
        try:
            raw = unpack.decompress(packed, size + 1)
        except zlib.error as error:
            raise InputError("the corrections", "gzipped voxels", f"damaged ones ({error})", "save again") from None
        if len(raw) != size or not unpack.eof:
            raise InputError("the corrections", f"{size} voxels", f"{len(raw)}{'' if unpack.eof else ' or more'}",
                             "open the case again")
        hand = np.frombuffer(raw, np.uint8)
        if hand.max(initial=0) > REMOVED:
            raise InputError("the corrections", "voxels of 0, 1 and 2", f"{hand.max()}", "open the case again")
        with atomic_path(self.folder / f"hand-{self.revision + 1}.gz") as temporary:
            temporary.write_bytes(packed)
        return dataclasses.replace(self, revision=self.revision + 1)

    def forget_before(self, revision):
        """Removes older corrections."""
        for path in self.folder.glob("hand-*.gz"):
            if int(path.name[5:-3]) < revision:
                path.unlink(missing_ok=True)

    def mask(self, threshold=None, hand=None):
        """The corrected mask of the part, bool; without a threshold at the network's own."""
        hand = self.read("hand") if hand is None else hand
        marked = self.read("scores") >= (threshold or self.about["cut"])
        return (marked | (hand == ADDED)) & (hand != REMOVED)

    def sizes(self, mask):
        """``metrics.sizes`` of a mask of the part."""
        grid = self.about["grid"]
        lungs = volumes.Volume(self.read("lungs"), np.array(grid["affine"]))
        return metrics.sizes(lungs, mask, lungs.array)

    def on_ct(self, array):
        """A mask of the part as a uint8 Volume on the CT's own grid, with its geometry and header."""
        network = volumes.read_mask(self.folder / "network.nii.gz")
        whole = np.zeros(network.canonical().shape, np.uint8)
        whole[tuple(slice(*ends) for ends in self.about["grid"]["part"])] = array
        return network.from_canonical(whole)

    def _write(self, name, array):
        with self.path(name).open("wb") as file, gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as packed:
            packed.write(np.asarray(array, FILES[name]).tobytes(order="F"))
        with self.path(name).open("rb+") as file:
            os.fsync(file.fileno())  # facts.json, which says that all is whole, may not come to the disk before it
