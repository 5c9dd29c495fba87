"""The lesions of a corrected mask: connected parts, by volume."""

__all__ = ["lesions"]

import numpy as np
from scipy import ndimage

from covid3dgan.app.case_files import ADDED, REMOVED


def lesions(files, threshold=None):
    """[{"ml", "side", "centre" (mm, RAS+), "by_hand"}], the largest first.

    Voxels that share a face, an edge or a corner are one lesion, as in the page.

    Args:
        files: app.case_files.CaseFiles.
        threshold: 1 to 255; None for the network's own.
    """
    grid, hand = files.about["grid"], files.read("hand")
    labels, count = ndimage.label(files.mask(threshold, hand), np.ones((3, 3, 3)))
    affine, voxel = np.array(grid["affine"]), float(np.prod(grid["spacing"])) / 1000
    found = []
    for label, part in enumerate(ndimage.find_objects(labels), 1):
        inside = labels[part] == label
        places = np.argwhere(inside)
        centre = places.mean(0) + [p.start for p in part]
        right = np.mean(places[:, 0] + part[0].start >= grid["middle"])
        found.append({"ml": len(places) * voxel, "side": "right" if right >= 0.5 else "left",
                      "centre": [round(float(v), 1) for v in (affine @ [*centre, 1])[:3]],
                      "by_hand": bool(np.isin(hand[part][inside], (ADDED, REMOVED)).any())})
    return sorted(found, key=lambda lesion: -lesion["ml"])
