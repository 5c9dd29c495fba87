"""Presets of paper 003 (Yu, Dong et al. 2020, AF-SEG) and our demo sizes of it.

Where the paper is silent the field names its line of docs/FIDELITY.md (A-number).
"""

__all__ = ["Background", "Coarse", "Images", "Synthesis", "System"]

import dataclasses
from typing import Literal, Optional

from covid3dgan.presets.registry import register


@dataclasses.dataclass(frozen=True)
class Images:
    """From files to grey squares (data/datasets/image_sets.py)."""

    size: int = 512
    channel: Literal["grey", "green"] = "grey"  # A25; photographs of the fundus are always read by their green channel
    median: int = 1  # window; 1: none
    clahe_clip: float = 0.0  # 0: none
    clahe_tiles: int = 8
    split: tuple[float, float, float] = (0.5, 0.2, 0.3)  # training, validation, test


@dataclasses.dataclass(frozen=True)
class Coarse:
    """The coarse segmentation (data/classical/coarse.py); A01."""

    method: Literal["level_set", "hessian"] = "level_set"
    dark: bool = True
    min_area: int = 0
    erosion: int = 1  # A02
    smallest_core: int = 0  # A02: pixels; smaller pieces that the erosion leaves are dropped
    dilate_back: bool = False  # A02: what survives the erosion regains its size
    trim: float = 0.0  # A02: of vessels, the rim with less than this share of the contrast beside it is no label
    initial: Literal["otsu", "box"] = "otsu"
    flat_field: float = 40.0
    sigma: float = 15.0
    warm_up: int = 5  # A01
    scales: tuple[float, ...] = (1.0, 2.0, 3.0, 4.0, 6.0)
    beta: float = 0.5
    c: Optional[float] = None
    threshold: Optional[float] = None  # None: Otsu's
    vessel_filter: Literal["frangi", "elongated"] = "frangi"  # A22
    relative_scales: bool = False  # A22: scales in 1/512 of the image's shorter side, else in pixels
    find_polarity: bool = False  # A23: dark or bright vessels, as the image shows; else by ``dark``
    hysteresis: tuple[float, float] = (1.0, 1.0)  # A24: low and high cut in thresholds; equal: one cut
    smallest_vessel: float = 0.0  # A24: share of the image; smaller pieces are dropped
    border: float = 0.0  # A25: share of the image's side that is no foreground at the edge of the field of view


@dataclasses.dataclass(frozen=True)
class Background:
    """Deep Segmentation Prior and inpainting (training/afseg/segmentation_prior.py, training/afseg/backgrounds.py)."""

    area_multiple: float = 2.0  # lambda
    rate: Literal["image", "set"] = "image"  # A03: the coarse area is each image's own, or the set's mean
    min_area: int = 0  # A19: smaller pieces of the mask stay in the image, so that debris is seen as background
    dilation: int = 1  # pixels, so that no rim of an object stays
    spared: float = 0.0  # A21: share of the pixels outside the label that stays known, however dense the image
    width: int = 16
    depth: int = 2
    patch: int = 256
    batch_size: int = 1
    learning_rate: float = 2e-4
    check_every: int = 10  # A03: the stop rule
    first_check: int = 50
    most_steps: int = 1000
    inpainting: Literal["dip", "fast"] = "dip"
    dip_variant: Literal["kate", "vase", "library", "light", "tiny"] = "kate"  # A04
    dip_steps: int = 6001
    paste: bool = True  # known pixels stay the image's own


@dataclasses.dataclass(frozen=True)
class Synthesis:
    """Generator, discriminator and segmenter, trained end to end (training/afseg/networks.py)."""

    patch: int = 256
    batch_size: int = 1
    patches_per_image: int = 1  # in one epoch
    constant_epochs: int = 50
    decay_epochs: int = 50
    learning_rate: float = 2e-4
    beta_1: float = 0.5  # A07
    shape_weight: float = 50.0  # mu
    shape_mean: Literal["pixels", "foreground"] = "pixels"  # A08
    background_weight: float = 0.0  # A09: L1 to the inpainted background outside the coarse label; the paper has none
    adversarial_weight: float = 1.0
    adversarial_loss: Literal["nonsaturating", "log", "least-squares"] = "nonsaturating"  # A06
    segmentation_to_generator: bool = False  # A10
    segmenter_background: Literal["generated", "inpainted"] = "generated"  # A20
    fade: float = 1.0  # A11: weakest contrast of foreground that the segmenter is shown; 1: never faded
    rim: int = 0  # A11, A20: pixels around the label that go with it, where it follows the edge; 0 where it lies within
    flips: bool = False
    zoom_out: float = 1.0  # A12: patches show up to this many times more of the image; 1: none
    generator_width: int = 64
    generator_depth: int = 8
    generator_backbone: Literal["pix2pix", "classical"] = "pix2pix"  # A05
    generator_head: Literal["image", "residual"] = "image"  # A05
    discriminator_width: int = 64
    discriminator_levels: int = 3
    segmenter_width: int = 64
    segmenter_depth: int = 4
    threshold: float = 0.5  # A15
    tune_threshold: bool = False  # A26: the validation share chooses it, without a true mask; else ``threshold``
    log_every: int = 50
    checkpoint_every: int = 1000


@dataclasses.dataclass(frozen=True)
class System:
    """Every hyper-parameter of AF-SEG."""

    name: str
    summary: str
    task: Literal["cells", "vessels"]
    system: str = "afseg"
    images: Images = Images()
    coarse: Coarse = Coarse()
    background: Background = Background()
    synthesis: Synthesis = Synthesis()


BACKGROUND = Background(spared=0.1)  # A21: of a smear that is half cells, lambda would leave nothing
SYNTHESIS = Synthesis(tune_threshold=True)

register(System(
    name="afseg/cells",
    summary="paper 003 on microscope images; what it leaves open is filled in as docs/FIDELITY.md says",
    task="cells",
    background=BACKGROUND,
    synthesis=SYNTHESIS,
))

VESSEL_IMAGES = Images(median=3, clahe_clip=2.0)
# A02: the Hessian label covers half of the vessels already; one erosion would take half of that.
VESSEL_COARSE = Coarse(method="hessian", erosion=0)

register(System(
    name="afseg/vessels",
    summary="paper 003 on angiograms; what it leaves open is filled in as docs/FIDELITY.md says",
    task="vessels",
    images=VESSEL_IMAGES,
    coarse=VESSEL_COARSE,
    background=BACKGROUND,
    synthesis=SYNTHESIS,
))

DEMO_BACKGROUND = Background(width=8, depth=3, patch=96, batch_size=4, learning_rate=1e-3, first_check=60,
                             most_steps=100, inpainting="fast", spared=0.5)
# Large patches: over a small one instance normalisation hides how bright it is, and dark corners pass for objects.
DEMO_SYNTHESIS = Synthesis(
    patch=192, constant_epochs=20, decay_epochs=25, learning_rate=3e-3, background_weight=50.0, flips=True,
    segmenter_background="inpainted", generator_width=8, generator_depth=3, generator_backbone="classical",
    generator_head="residual", discriminator_width=8, discriminator_levels=2, segmenter_width=12, segmenter_depth=3,
    tune_threshold=True, log_every=20, checkpoint_every=120,
)

register(System(
    name="afseg/cells/demo",
    summary="cells at a size that trains on a laptop: small networks, fast inpainting, named aids",
    task="cells",
    images=Images(size=256),
    # At this size one erosion takes 15 % of the recall: what survives it regains its size, and platelets go.
    coarse=Coarse(smallest_core=25, dilate_back=True),
    # A third of the cells is faint, and the prior ranks the rims of clear ones before them.
    background=dataclasses.replace(DEMO_BACKGROUND, area_multiple=3.0, min_area=80),
    synthesis=dataclasses.replace(DEMO_SYNTHESIS, fade=0.12, rim=1),
))

register(System(
    name="afseg/vessels/demo",
    summary="vessels at a size that trains on a laptop: small networks, fast inpainting, named aids",
    task="vessels",
    images=dataclasses.replace(VESSEL_IMAGES, size=512, channel="green"),
    coarse=dataclasses.replace(VESSEL_COARSE, vessel_filter="elongated", relative_scales=True,
                               scales=(1.5, 2.0, 3.0, 4.5, 6.0, 9.0), find_polarity=True, hysteresis=(0.8, 1.5),
                               smallest_vessel=0.0003, border=0.0125, trim=0.25),
    background=DEMO_BACKGROUND,
    synthesis=dataclasses.replace(DEMO_SYNTHESIS, fade=0.25),
))
