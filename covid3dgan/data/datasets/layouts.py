"""The folder layouts of the public data sets, one function each: root folder -> ``Dataset``, or None if it is another.

docs/DATASETS.md shows each tree with its origin and licence. Files are paired by case id, never by a position in a
path or by the order of two listings.
"""

__all__ = ["LAYOUTS"]

import csv
import json
import re
from dataclasses import replace

from covid3dgan.data.datasets import image_sets
from covid3dgan.data.datasets.cases import (
    IMAGE_SUFFIXES,
    VOLUME_SUFFIXES,
    Case,
    Dataset,
    Pairing,
    case_id,
    data_files,
    stem,
)
from covid3dgan.errors import InputError

# Stored windows, so that the values can be brought back to HU (docs/DATASETS.md).
RADIOPAEDIA_WINDOW = (-1250.0, 250.0)
UESTC_WINDOW = (-1400.0, 100.0)


def mosmed(root):
    """MosMedData: studies/CT-0 .. CT-4 and masks for 50 studies of CT-1."""
    studies = root / "studies" if (root / "studies").is_dir() else root
    groups = [folder for folder in _folders(studies) if re.fullmatch(r"CT-[0-4]", folder.name)]
    if not groups:
        return None
    pairing = Pairing()
    for group in groups:
        for identity, path in pairing.by_id(group).items():
            pairing.add(Case(identity, path, group=group.name))
    pairing.attach("infection", pairing.by_id(root / "masks"), required=False)
    return pairing.dataset("MosMedData", "mosmed", root)


def covid19_ct_seg(root):
    """COVID-19-CT-Seg: 10 CoronaCases and 10 Radiopaedia CTs; their files' names differ between image and mask."""
    images = _first(root, "COVID-19-CT-Seg_20cases", "ct_scans")
    infections = _first(root, "Infection_Mask", "infection_mask")
    if images is None or infections is None:
        return None
    pairing = Pairing()
    for identity, path in pairing.by_id(images, identify=_ct_seg_id).items():
        radiopaedia = identity.startswith("radiopaedia")
        pairing.add(Case(identity, path, group="covid", subset="radiopaedia" if radiopaedia else "coronacases",
                         window=RADIOPAEDIA_WINDOW if radiopaedia else None))
    pairing.attach("infection", pairing.by_id(infections, identify=_ct_seg_id))
    lungs = _first(root, "Lung_Mask", "lung_mask")
    if lungs is not None:
        pairing.attach("lungs", pairing.by_id(lungs, identify=_ct_seg_id))
    return pairing.dataset("COVID-19-CT-Seg", "covid19-ct-seg", root)


def uestc(root):
    """UESTC-COVID-19: part1 (70 CTs, non-experts) and part2 (50, experts), each with image and label."""
    parts = [folder for folder in _folders(root) if re.fullmatch(r"part[12]", folder.name)
             and (folder / "image").is_dir()]
    if not parts:
        return None
    pairing = Pairing()
    labels = {}
    for part in parts:
        for identity, path in pairing.by_id(part / "image").items():
            pairing.add(Case(f"{part.name}_{identity}", path, group="covid", subset=part.name, window=UESTC_WINDOW,
                             trust_image_grid=True))
        for identity, path in pairing.by_id(part / "label").items():
            labels[f"{part.name}_{identity}"] = path
    pairing.attach("infection", labels)
    return pairing.dataset("UESTC-COVID-19", "uestc", root)


def medseg(root):
    """MedSeg: 100 single slices in tr_im, and 9 Radiopaedia CTs in rp_im; labels 1 GGO, 2 consolidation, 3 effusion."""
    stacks = {stem(path): path for path in data_files(root, VOLUME_SUFFIXES)}
    volumes = root / "rp_im"
    if "tr_im" not in stacks and not volumes.is_dir():
        return None
    pairing = Pairing()
    if "tr_im" in stacks:
        pairing.add(Case("tr", stacks["tr_im"], infection=stacks.get("tr_mask"), group="covid", subset="tr",
                         lungs=stacks.get("tr_lungmasks_updated", stacks.get("tr_lungmasks")), kind="stack"))
    if "val_im" in stacks:
        pairing.add(Case("val", stacks["val_im"], group="covid", subset="val", kind="stack"))
    for identity, path in pairing.by_id(volumes).items():
        pairing.add(Case(f"rp_{identity}", path, group="covid", subset="rp"))
    for role, name in (("infection", "rp_msk"), ("lungs", "rp_lung_msk")):
        pairing.attach(role, {f"rp_{identity}": path for identity, path in pairing.by_id(root / name).items()}, False)
    pairing.cases = {identity: replace(case, classes=case.infection) for identity, case in pairing.cases.items()}
    return pairing.dataset("MedSeg", "medseg", root)


def covid_semiseg(root):
    """COVID-SemiSeg (Inf-Net): JPEG slices with PNG masks; training and test sets of binary and multi-class masks."""
    root = root / "Dataset" if (root / "Dataset").is_dir() else root
    if not ((root / "TrainingSet").is_dir() or (root / "TestingSet").is_dir()):
        return None
    pairing = Pairing()
    for subset, lung, multi in (
            ("train", "TrainingSet/LungInfection-Train/Doctor-label", "TrainingSet/MultiClassInfection-Train"),
            ("pseudo", "TrainingSet/LungInfection-Train/Pseudo-label", None),
            ("test", "TestingSet/LungInfection-Test", "TestingSet/MultiClassInfection-Test")):
        part = Pairing(problems=pairing.problems)
        images = part.by_id(root / lung / "Imgs", IMAGE_SUFFIXES, stem)
        if multi and not images:
            images = part.by_id(root / multi / "Imgs", IMAGE_SUFFIXES, stem)
        for identity, path in images.items():
            part.add(Case(identity, path, group="covid", subset=subset, kind="image"))
        part.attach("infection", part.by_id(root / lung / "GT", IMAGE_SUFFIXES, stem), required=subset != "pseudo")
        if multi:
            part.attach("classes", part.by_id(root / multi / "GT", IMAGE_SUFFIXES, stem))
            part.attach("prior", part.by_id(root / multi / "Prior", IMAGE_SUFFIXES, stem))
        for case in part.cases.values():
            pairing.add(replace(case, id=f"{subset}_{case.id}"))
    return pairing.dataset("COVID-SemiSeg", "covid-semiseg", root)


def ictcf(root):
    """iCTCF (HUST-19): JPEG slices without masks, by patient (Patient N/CT) or sorted into nCT, pCT and NiCT."""
    patients = [folder for folder in _folders(root) if re.fullmatch(r"Patient[ _]?\d+", folder.name)]
    kinds = [folder for folder in _folders(root) if folder.name in ("nCT", "pCT", "NiCT")]
    if not patients and not kinds:
        return None
    pairing = Pairing()
    for folder in patients:
        name = folder.name.replace(" ", "_")
        for series in [folder, *_folders(folder)]:
            for path in data_files(series, IMAGE_SUFFIXES):
                inner = "" if series == folder else f"{series.name}_"
                pairing.add(Case(f"{name}_{inner}{stem(path)}", path, patient=name, kind="image"))
    for folder in kinds:
        for path in data_files(folder, IMAGE_SUFFIXES):
            pairing.add(Case(f"{folder.name}_{stem(path)}", path, subset=folder.name, kind="image"))
    return pairing.dataset("iCTCF", "ictcf", root)


def plain(root):
    """images/ and masks/, with lungs/ where there is one: NIfTI files, DICOM folders or 2D pictures.

    Who is healthy is in cohort.json (written with phantoms) or in cases.csv with the columns id and group; its column
    patient, where there is one, says which CTs are of one patient.
    """
    images = root / "images"
    if not images.is_dir():
        return None
    pairing = Pairing()
    known = _case_table(root)
    found = pairing.by_id(images)
    pictures = pairing.by_id(images, IMAGE_SUFFIXES)
    series = {folder.name: folder for folder in _folders(images)}
    for kind, paths in (("volume", found), ("volume", series), ("image", pictures)):
        for identity, path in paths.items():
            group, patient = known.get(identity, known.get("*", (None, None)))
            pairing.add(Case(identity, path, group=group, patient=patient, kind=kind))
    suffixes = VOLUME_SUFFIXES + IMAGE_SUFFIXES
    pairing.attach("infection", pairing.by_id(root / "masks", suffixes))
    pairing.attach("lungs", pairing.by_id(root / "lungs", suffixes))
    return pairing.dataset(root.name, "plain", root)


def drive(root):
    """DRIVE: photographs of the fundus in training/ and test/, vessels in 1st_manual/ (paper 003's kind of task)."""
    return _image_set(root, "DRIVE", "drive")


def chase(root):
    """CHASE_DB1: photographs of the fundus beside their vessels, of which the first observer's count."""
    return _image_set(root, "CHASE_DB1", "chase")


def _image_set(root, name, layout):
    """What ``image_sets`` knows under that layout, with the true mask under the role of the infection."""
    cases = image_sets.cases_of(root, layout)
    if not cases:
        return None
    return Dataset(name, layout, root, tuple(Case(case.name, case.image, case.mask, subset=case.part, kind="image")
                                             for case in cases))


LAYOUTS = {"mosmed": mosmed, "covid19-ct-seg": covid19_ct_seg, "uestc": uestc, "medseg": medseg,
           "covid-semiseg": covid_semiseg, "ictcf": ictcf, "drive": drive, "chase": chase, "plain": plain}


def _ct_seg_id(path):
    """coronacases_007 for coronacases_org_case007.nii, radiopaedia_10_85902_1 for
    radiopaedia_org_covid-19-pneumonia-10_85902_1-dcm.nii; masks have the short names already."""
    name = stem(path).lower()
    radiopaedia = re.search(r"radiopaedia.*?(\d+_\d+_\d+)(-dcm)?$", name)
    if radiopaedia:
        return f"radiopaedia_{radiopaedia[1]}"
    corona = re.search(r"case(?:s|s_org)?[-_]?(?:case)?(\d+)$", name)
    return f"coronacases_{int(corona[1]):03d}" if corona else case_id(path)


def _case_table(root):
    """{case id: (group, patient or None)} from cases.csv, or {"*": (group, None)} from phantoms' cohort.json."""
    table, cohort = root / "cases.csv", root / "cohort.json"
    try:
        if table.is_file():
            with open(table, newline="", encoding="utf-8-sig") as handle:
                rows = [[cell.strip() for cell in row] for row in csv.reader(handle) if any(map(str.strip, row))]
            identity, group = rows[0].index("id"), rows[0].index("group")
            patient = rows[0].index("patient") if "patient" in rows[0] else None
            return {case_id(row[identity]): (row[group], row[patient] or None if patient is not None else None)
                    for row in rows[1:]}
        if cohort.is_file():
            name = json.loads(cohort.read_text(encoding="utf-8"))["cohort"]
            return {"*": ("healthy" if name == "healthy" else "covid", None)}
    except (ValueError, IndexError, KeyError, TypeError, csv.Error) as error:
        raise InputError(table if table.is_file() else cohort, "a table with the columns id and group, or a cohort",
                         f"something else ({error})", "repair or remove it") from None
    return {}


def _folders(folder):
    if not folder.is_dir():
        return []
    return sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))


def _first(root, *names):
    return next((root / name for name in names if (root / name).is_dir()), None)

