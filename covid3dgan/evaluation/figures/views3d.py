"""Lung and infection seen from outside (paper 001, Fig. 4): a small ray caster over the voxels, drawn by matplotlib.

Rays run through the smoothed masks; where a ray first enters a mask it is shaded by the mask's gradient. The lungs
are translucent and denser at their rims, so that the infection inside can be seen.
"""

__all__ = ["lung_view", "render"]

import itertools
import math

import numpy as np
from scipy import ndimage

from covid3dgan.errors import InputError
from covid3dgan.evaluation.figures.style import heading, new_figure, styled

_LUNG = np.array([0.36, 0.60, 0.86])
_INFECTION = np.array([0.84, 0.16, 0.14])
_LIGHT = np.array([-0.45, -0.55, -0.70]) / math.sqrt(0.45 ** 2 + 0.55 ** 2 + 0.70 ** 2)


class _Camera:
    """An orthographic camera: where the pixels and the steps of its rays lie in (slice, row, column) millimetres."""

    def __init__(self, box, azimuth, elevation, size):
        a, e = math.radians(azimuth), math.radians(elevation)
        self.away = np.array([-math.sin(e), math.cos(e) * math.cos(a), math.cos(e) * math.sin(a)])
        self.right = np.array([0.0, -math.sin(a), math.cos(a)])
        self.down = np.cross(self.right, self.away)
        corners = np.array(list(itertools.product(*zip(*box)))) @ np.stack([self.down, self.right, self.away], axis=1)
        low, high = corners.min(axis=0), corners.max(axis=0)
        self.pixel = float((high - low)[:2].max()) / size
        self.step = 2 * self.pixel  # along the ray the entry is interpolated, so half the samples do
        self.shape = tuple(int(math.ceil(n)) for n in (high - low) / (self.pixel, self.pixel, self.step))
        self._origin = np.stack([self.down, self.right, self.away], axis=1) @ low

    def sample(self, volume, spacing):
        """(rows, columns, steps) of the picture: ``volume`` (slices, rows, columns) along every ray."""
        return ndimage.affine_transform(volume, *self._to_voxels(spacing), output_shape=self.shape, order=1)

    def voxels(self, row, column, step, spacing):
        """Voxel coordinates (3, n) of picture coordinates."""
        matrix, offset = self._to_voxels(spacing)
        return matrix @ np.stack([row, column, step]) + offset[:, None]

    def _to_voxels(self, spacing):
        matrix = np.stack([self.down * self.pixel, self.right * self.pixel, self.away * self.step], axis=1)
        start = self._origin + matrix @ np.full(3, 0.5)
        return matrix / spacing[:, None], start / spacing - 0.5


def render(lung, infection, spacing, azimuth=25.0, elevation=15.0, size=280, box=None):
    """Picture of the lungs (translucent blue) with the infection (red) inside, on white.

    Args:
        lung, infection: masks (slices, rows, columns); slices run from the feet to the head.
        spacing: mm per slice, row and column.
        azimuth, elevation: of the viewer in degrees; 0, 0 looks along the rows' axis from row 0.
        size: pixels along the longer side.
        box: (low, high) corners in mm that the picture holds; around the lungs if None.

    Returns:
        float array (rows, columns, 3) in [0, 1], and the size of a pixel in mm.
    """
    spacing = np.asarray(spacing, float)
    lung, infection = np.asarray(lung) > 0.5, np.asarray(infection) > 0.5
    if lung.ndim != 3 or lung.shape != infection.shape or not lung.any():
        raise InputError("lung", f"a mask of the infection's shape {infection.shape} that is not empty",
                         f"shape {lung.shape}, {int(lung.sum())} voxels", "pass both masks of one CT")
    camera = _Camera(_box(lung | infection, spacing) if box is None else box, azimuth, elevation, size)
    picture = np.ones((*camera.shape[:2], 3))
    lung_depth, lung_facing, lung_light = _surface(lung, 1.2 * spacing.min() / spacing + 0.3, spacing, camera)
    # Lesions can be a few voxels large: they are smoothed only as much as shading needs.
    depth, _, light = _surface(infection, 0.55, spacing, camera)
    hit, veil = np.isfinite(depth), np.isfinite(lung_depth)
    picture[hit] = _INFECTION * (0.45 + 0.55 * light[hit])[:, None] + 0.25 * (light[hit] ** 20)[:, None]
    # A thin shell, clear where it faces the viewer and dense at the rim. It covers lesions at the pleura as well, or
    # its smoothing would let patches of them through.
    density = (0.30 + 0.60 * (1 - lung_facing[veil]) ** 2)[:, None]
    shell = _LUNG * (0.75 + 0.25 * lung_light[veil])[:, None]
    picture[veil] = picture[veil] * (1 - density) + shell * density
    return np.clip(picture, 0, 1), camera.pixel


def _box(mask, spacing):
    inside = np.argwhere(mask)
    return (inside.min(axis=0) - 1) * spacing, (inside.max(axis=0) + 2) * spacing


def _surface(mask, sigma, spacing, camera):
    """Where the rays enter ``mask``, smoothed by ``sigma`` voxels.

    Returns:
        (rows, columns) each: depth in steps (inf where nothing is met), |normal . view|, light; the last two in [0, 1].
    """
    smooth = ndimage.gaussian_filter(mask.astype(np.float32), sigma)
    values = camera.sample(smooth, spacing)
    entered = values > 0.5
    first = entered.argmax(axis=2)
    rows, columns = np.nonzero(entered.any(axis=2))
    last = first[rows, columns]
    inner, outer = values[rows, columns, last], values[rows, columns, np.maximum(last - 1, 0)]
    exact = last - np.where(last > 0, (inner - 0.5) / np.maximum(inner - outer, 1e-6), 0)
    at = camera.voxels(rows, columns, exact, spacing)
    gradient = np.stack([ndimage.map_coordinates(np.gradient(smooth, step, axis=axis), at, order=1, mode="nearest")
                         for axis, step in enumerate(spacing)])
    normal = -gradient / (np.linalg.norm(gradient, axis=0) + 1e-6)
    towards_light = np.stack([camera.right, camera.down, camera.away], axis=1) @ _LIGHT
    depth = np.full(camera.shape[:2], np.inf)
    facing, light = np.zeros(camera.shape[:2]), np.zeros(camera.shape[:2])
    depth[rows, columns] = exact
    facing[rows, columns] = np.abs(camera.away @ normal)
    light[rows, columns] = np.clip(towards_light @ normal, 0, 1)
    return depth, facing, light


@styled
def lung_view(views, spacing, azimuth=25.0, elevation=15.0, size=280, title=None):
    """3D views beside each other at one scale, predicted beside true (paper 001, Fig. 4).

    Args:
        views: heading -> (lung mask, infection mask), each (slices, rows, columns).
        spacing: mm per slice, row and column.
    """
    spacing = np.asarray(spacing, float)
    box = _box(np.any([np.asarray(mask) > 0.5 for pair in views.values() for mask in pair], axis=0), spacing)
    pictures = {heading: render(*pair, spacing, azimuth, elevation, size, box) for heading, pair in views.items()}
    pictures = _cropped(pictures)
    rows, columns = next(iter(pictures.values()))[0].shape[:2]
    figure = new_figure(2.7 * len(views), 2.7 * rows / columns + (0.7 if title else 0.4))
    for axes, (name, (picture, pixel)) in zip(figure.subplots(1, len(views), squeeze=False)[0], pictures.items()):
        axes.imshow(picture, interpolation="bilinear")
        axes.set_axis_off()
        heading(axes, name, 2.7)
        bar = 50 / pixel
        axes.plot([2, 2 + bar], [rows - 4] * 2, color="black", linewidth=2, solid_capstyle="butt")
        axes.annotate("5 cm", (2 + bar / 2, rows - 8), ha="center", va="bottom", fontsize=8)
    if title:
        figure.suptitle(title, fontweight="bold")
    return figure


def _cropped(pictures, margin=12):
    """The same pictures without the white border that all of them share."""
    drawn = np.any([picture.min(axis=2) < 1 for picture, _ in pictures.values()], axis=0)
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    part = (slice(max(rows[0] - 2, 0), None), slice(max(columns[0] - margin, 0), columns[-1] + margin))
    return {heading: (picture[part], pixel) for heading, (picture, pixel) in pictures.items()}
