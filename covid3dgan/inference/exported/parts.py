"""The networks that can be exported: how each is called, what goes in, what comes out, and what makes its mask."""

__all__ = ["PARTS", "CT_NOTE", "Cut", "Exportable", "Part", "preprocessing_facts"]

import dataclasses
from typing import Any, Optional

import covid3dgan
from covid3dgan import environment, presets
from covid3dgan.data.batches.slice_batches import CHANNEL_MEAN, CHANNEL_STD
from covid3dgan.data.datasets.slices import CLASSES, INFECTION
from covid3dgan.presets.preprocessing import HU_RANGE

CT_NOTE = "a CT inside the lungs, 0 outside; 0 is -1000 HU, 1 is 400 HU; 'covid3dgan preprocess' makes it"
GREY_NOTE = "a whole grey slice: 0 and 1 are the ends of hu_window, anterior up, the patient's right on the left"
NORMALISED_NOTE = "three equal channels of a grey slice in [0, 1], minus mean, divided by deviation"


@dataclasses.dataclass(frozen=True)
class Cut:
    """How an output becomes a mask: above ``value``, or above that share of the output's own maximum.

    With ``sure`` a piece of the mask stays where one of its scores exceeds that or it holds ground glass
    (data/classical/sure_lesions.py).
    """

    value: float
    relative: bool = False
    sure: Optional[float] = None


@dataclasses.dataclass(frozen=True)
class Part:
    """One network of a system.

    Args:
        method: name of the SavedModel's signature beside ``serving_default``.
        inputs: names of the network's inputs, in its order.
        output: name of its output; networks with several outputs have their own names.
        domain: what the first input shows: "volume", "slice" (both CTs inside the lungs, in [0, 1]), "grey" (whole
            slices in [0, 1]), "signed" (images in [-1, 1]) or "normalised" (three channels of a slice, and three of a
            prior where the network takes six).
        cut: how an output becomes a mask where the run has no threshold of its own.
        kinds: kinds of runs that hold it; the first part that names a kind is that kind's default.
        predicts: what ``predict`` makes with it: "lesions" of CTs, the "foreground" of images, "classes" of infection
            in either; None where it makes nothing.
    """

    method: str
    inputs: tuple[str, ...]
    output: str
    domain: str
    cut: Cut
    kinds: tuple[str, ...]
    predicts: Optional[str] = None


PARTS = {
    "generator": Part("generate", ("ct", "noise"), "healthy", "volume", Cut(0.05), ("gan",)),
    "discriminator": Part("judge", ("volume",), "verdict", "volume", Cut(0.5), ("discriminator", "gan")),
    "segmenter": Part("segment", ("slice",), "scores", "slice", Cut(0.2, True), ("segmenter",), "lesions"),
    "encoder": Part("encode", ("slice",), "features", "slice", Cut(0.5, True), ("encoder", "segmenter")),
    "transunet": Part("segment", ("slice",), "scores", "slice", Cut(0.5), ("transunet",), "lesions"),
    "infnet": Part("segment", ("image",), "scores", "normalised", Cut(0.0), ("ssinfnet-single",)),
    "infnet-multi": Part("segment", ("image_and_prior",), "classes", "normalised", Cut(0.0), ("ssinfnet-multi",)),
    "ssinfnet": Part("segment", ("slice",), "probabilities", "grey", Cut(0.5), ("ssinfnet-multi", "ssinfnet-single"),
                     "classes"),
    "coach": Part("rate", ("image", "noise"), "scores", "normalised", Cut(0.0), ("ssinfnet-inpainting",)),
    "afseg-segmenter": Part("segment", ("image",), "foreground", "signed", Cut(0.5), ("afseg", "afseg-supervised"),
                            "foreground"),
    "afseg-generator": Part("redraw", ("image",), "image", "signed", Cut(0.0), ("afseg",)),
    "afseg-discriminator": Part("judge", ("image",), "logits", "signed", Cut(0.0), ("afseg",)),
}


@dataclasses.dataclass(frozen=True)
class Exportable:
    """A trained network, ready to be written.

    Args:
        part: its name in ``PARTS``.
        network: functional ``keras.Model`` in float32.
        shapes: input name -> shape without the batch axis, free of None: the sides of a TFLite file and of the test.
        preset: the run's preset, or None for a model file that has none.
        cut: the run's own threshold, or the part's.
        source: run directory or file.
        step: training steps, or None.
    """

    part: str
    network: Any
    shapes: dict
    preset: Any
    cut: Cut
    source: str
    step: Optional[int] = None

    @property
    def spec(self):
        """The part's entry in ``PARTS``."""
        return PARTS[self.part]

    @property
    def channels(self):
        """What each channel of the output scores, where ``predict`` finds classes with it; else nothing."""
        if self.spec.predicts != "classes":
            return ()
        return CLASSES if self.network.output_shape[-1] == len(CLASSES) else INFECTION

    def named(self, outputs):
        """The network's outputs (a tensor or a dictionary) as a dictionary by name."""
        return dict(outputs) if isinstance(outputs, dict) else {self.spec.output: outputs}

    def metadata(self):
        """What is written beside or into every file: preprocessing constants, threshold, preset, origin."""
        return {
            "covid3dgan": covid3dgan.__version__, "part": self.part, "source": self.source, "step": self.step,
            "inputs": {name: {"shape": list(shape)} for name, shape in self.shapes.items()},
            **({"channels": list(self.channels)} if self.channels else {}),
            "threshold": {"value": self.cut.value, "relative": self.cut.relative,
                          **({} if self.cut.sure is None else {"sure": self.cut.sure})},
            "preprocessing": preprocessing_facts(self.spec, self.preset),
            "preset": None if self.preset is None else presets.as_dict(self.preset),
            "versions": environment.versions(),
            "note": "research software, not a medical device",
        }


def preprocessing_facts(spec, preset):
    """The constants that a caller needs to make the network's first input from an image."""
    facts = {"layout": "slices, rows, columns, channel" if spec.domain == "volume" else "rows, columns, channel"}
    if spec.domain in ("volume", "slice"):
        facts.update(input=CT_NOTE, hu_window=list(HU_RANGE), scaled_to=[0.0, 1.0], outside_lungs=0.0)
        if "noise" in spec.inputs:
            facts["noise"] = "uniform in [-0.5, 0.5)"
        if preset is not None:
            facts.update(volume_shape=list(preset.gan.volume_shape), options=presets.as_dict(preset.preprocess))
    elif spec.domain == "signed":
        facts.update(input="a grey image scaled to [-1, 1]", scaled_to=[-1.0, 1.0])
        if preset is not None:
            facts["options"] = presets.as_dict(preset.images)
    else:
        if spec.domain == "grey":
            facts.update(input=GREY_NOTE, scaled_to=[0.0, 1.0])
        else:
            facts.update(input=NORMALISED_NOTE, mean=CHANNEL_MEAN.tolist(), deviation=CHANNEL_STD.tolist())
            facts["prior"] = "channels 4 to 6, where there are six: the infection map in [0, 1], normalised alike"
        if preset is not None:
            facts.update(hu_window=list(preset.slices.window), side=preset.slices.size)
    return facts
