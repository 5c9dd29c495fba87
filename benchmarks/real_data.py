"""The real CTs that `benchmarks.real_cts` measures on, and what is known of each."""

__all__ = ["CASES", "DATA", "SLICES", "Known"]

import dataclasses
from pathlib import Path
from typing import Optional

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "real"


@dataclasses.dataclass(frozen=True)
class Known:
    """What is known of one CT.

    Args:
        path: within the folder of real CTs.
        what: in words.
        normal: the part of the lungs without disease, "both", "left", "right" or "" where there is none.
        held: whether it must pass the limits of `real_cts` in its normal part.
        labels: the file with a label for each slice along the array's third axis.
    """

    path: str
    what: str
    normal: str = "both"
    held: bool = False
    labels: Optional[str] = None

    @property
    def name(self):
        return Path(self.path).name.replace(".nii.gz", "")


CASES = (
    Known("lidc_idri_0314.nii.gz", "normal, one small nodule", held=True),
    Known("dev/normal_ct.nii.gz", "normal", held=True),
    Known("dev/covid_ct.nii.gz", "COVID-19", normal="", labels="dev/covid_ct_labels.json"),
    Known("more/LungDx-A0001_B.nii.gz", "tumour in the left upper lung, soft kernel, 5 mm", normal="right"),
    Known("more/LungDx-A0001_L.nii.gz", "the same CT, lung kernel, 5 mm", normal="right"),
    Known("more/LungDx-A0002_B40f.nii.gz", "tumour in the right lower lung, 8 mm", normal="left"),
    Known("unverified/CMB-CRC-MSB-01068_lung.nii.gz", "normal, contrast, sharp kernel, a nodule left", normal="right"),
    Known("unverified/ACRIN-FLT-Breast-001_a.nii.gz", "upper lungs, normal, smooth, 4.25 mm"),
    Known("unverified/ACRIN-FLT-Breast-013.nii.gz", "lower lungs, normal, smooth, 4 mm"),
    Known("unverified/LungFCP-01-0001.nii.gz", "upper lungs, normal, smooth"),
)
SLICES = "covid_slices"
