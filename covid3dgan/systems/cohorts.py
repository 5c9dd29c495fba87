"""Where a system's cases come from: the real data sets, or phantom cohorts named after them."""

__all__ = ["CohortSizes", "Cohorts", "DEMO_SIZES", "open_cohorts", "spread"]

import dataclasses
from pathlib import Path

import numpy as np

from covid3dgan import processes, progress
from covid3dgan.data.datasets.cases import Dataset
from covid3dgan.data.datasets.opening import find_dataset, open_dataset
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.presets.stages import Cohort

# Paper 001, Table 1: trained on MosMedData, threshold tuned on CoronaCases, tested on the other three.
TESTS = ("Mosmed", "UESTC", "Radiopaedia")


@dataclasses.dataclass(frozen=True)
class CohortSizes:
    """How many phantoms of each role, and their voxels."""

    healthy: int = 40
    covid: int = 16  # of each of the two training severities
    validation: int = 8
    test: int = 8
    size: tuple = (112, 112, 40)

    @classmethod
    def parse(cls, text):
        """From ``healthy=3,covid=2,size=64x64x24``; what is not named keeps its default."""
        values = {}
        for part in text.split(","):
            name, equals, value = (piece.strip() for piece in part.partition("="))
            numbers = value.split("x") if name == "size" else [value]
            if (not equals or name not in {field.name for field in dataclasses.fields(cls)}
                or len(numbers) != (3 if name == "size" else 1)
                or not all(number.isdigit() and int(number) > 0 for number in numbers)):
                raise ArgumentError("--phantoms", "healthy=COUNT, covid=, validation=, test= and size=XxYxZ",
                                    repr(part), "write for example --phantoms healthy=12,covid=8")
            values[name] = tuple(map(int, numbers)) if name == "size" else int(numbers[0])
        return cls(**values)


DEMO_SIZES = CohortSizes()


@dataclasses.dataclass(frozen=True)
class Cohorts:
    """Cases by role; every value is a tuple of data.datasets.cases.Case.

    ``train`` holds healthy and COVID cases, ``validation`` tunes the threshold, ``tests`` maps the paper's names.
    """

    train: tuple
    validation: tuple
    tests: dict
    phantom: bool
    described: dict


def open_cohorts(data, out, seed, sizes=DEMO_SIZES, preset=None, workers=1, tests=TESTS, validated=True):
    """The cases of a recipe, by role.

    Args:
        data: a folder with the real data sets in sub-folders (docs/DATASETS.md), or None for phantoms.
        out: folder for the phantoms.
        seed: of the phantoms.
        sizes: CohortSizes of the phantoms.
        preset: a preset of presets.shabani.System, whose ``cohort`` says which cases are taken and whose
            ``evaluation`` may limit the Radiopaedia cases (F28); None takes paper 001's, all of them.
        workers: processes that make the phantoms; see processes.each.
        tests: the data sets that are scored, some of TESTS.
        validated: whether real data without CoronaCases, which tune, are refused.
    """
    cohorts = _phantoms(Path(out), seed, sizes, workers, tests) if data is None else _real(Path(data), validated)
    cohorts = dataclasses.replace(cohorts, tests={name: cohorts.tests[name] for name in tests if name in cohorts.tests})
    if preset is None:
        return _chosen(cohorts, Cohort(), None)
    return _chosen(cohorts, preset.cohort, preset.evaluation.radiopaedia_cases)


def _chosen(cohorts, options, radiopaedia):
    """The cases that a preset takes, and the same in words.

    Args:
        options: presets.stages.Cohort.
        radiopaedia: at most so many Radiopaedia cases, the first ones; None: all.
    """
    tests, described = {}, dict(cohorts.described)
    for name, cases in cohorts.tests.items():
        tests[name] = spread(cases, options.test)
        if name == "Radiopaedia" and radiopaedia is not None:
            tests[name] = tests[name][:radiopaedia]
        if len(tests[name]) < len(cases):
            described[name] += f", {len(tests[name])} of them"
    scored = {case.id for cases in tests.values() for case in cases}
    if options.covid_from == "scored":
        covid = [case for cases in tests.values() for case in cases]
    else:
        covid = [case for case in cohorts.train if not case.healthy and case.id not in scored
                 and (not options.grades or cohorts.phantom or case.group in options.grades)]
    healthy, covid = (spread(cases, most) for cases, most in (
        ([case for case in cohorts.train if case.healthy], options.healthy), (covid, options.covid)))
    if dataclasses.replace(options, test=None) != Cohort() or not cohorts.phantom:
        described["train"] = _training_in_words(cohorts, options, healthy, covid)
    return dataclasses.replace(cohorts, train=healthy + covid, tests=tests, described=described)


def _training_in_words(cohorts, options, healthy, covid):
    """Such as: MosMedData: 250 healthy, 846 with COVID-19 (850 are asked for)."""
    parts = []
    for cases, most, kind in ((healthy, options.healthy, "healthy"), (covid, options.covid, "with COVID-19")):
        few = most is not None and len(cases) < most and not cohorts.phantom
        parts.append(f"{len(cases)} {kind}" + (f" ({most} are asked for)" if few else ""))
    said = f"{'phantoms' if cohorts.phantom else 'MosMedData'}: {', '.join(parts)}"
    if options.covid_from == "scored":
        return f"{said}, WHICH ARE THOSE THAT ARE SCORED"
    return f"{said} of {' and '.join(options.grades)}" if options.grades and not cohorts.phantom else said


def spread(cases, most):
    """At most so many of the cases (None: all), evenly over their order, which in MosMedData is by grade."""
    if most is None or len(cases) <= most:
        return tuple(cases)
    return tuple(cases[index] for index in np.linspace(0, len(cases) - 1, most).round().astype(int))


def _phantoms(out, seed, sizes, workers, tests):
    """Training covers two severities, as MosMedData's CT-1 to CT-4 do. Every role has patients (seeds) of its own."""
    plan = {
        "train_healthy": ("healthy", sizes.healthy, 0), "train_mild": ("mosmed-like", sizes.covid, 1),
        "train_severe": ("coronacases-like", sizes.covid, 2), "validation": ("coronacases-like", sizes.validation, 3),
        "Mosmed": ("mosmed-like", sizes.test, 4), "UESTC": ("uestc-like", sizes.test, 5),
        "Radiopaedia": ("radiopaedia-like", sizes.test, 6),
    }
    plan = {role: made for role, made in plan.items() if role not in TESTS or role in tests}
    jobs = [(out / role, cohort, count, seed * 100 + offset, sizes.size)
            for role, (cohort, count, offset) in plan.items() if not (out / role / "cohort.json").is_file()]
    with progress.bar(total=sum(job[2] for job in jobs), description="phantoms", unit="case") as bar:
        for job, made in processes.each(_write_phantoms, jobs, workers):
            if not made:  # its process ended, perhaps for want of memory
                _write_phantoms(job)
            bar.update(job[2])
    # Training and validation may hold cases of one cohort, so the role becomes part of their ids; a test case keeps its
    # file's name, so that `evaluate` finds its reference.
    cases = {role: tuple(case if role in tests else dataclasses.replace(case, id=f"{role}_{case.id}")
                         for case in open_dataset(out / role)) for role in plan}
    described = {role: f"phantoms: {count} x {cohort}" for role, (cohort, count, _) in plan.items()}
    train = cases["train_healthy"] + cases["train_mild"] + cases["train_severe"]
    return Cohorts(train, cases["validation"], {name: cases[name] for name in tests}, True, described)


def _write_phantoms(job):
    """Writes one cohort; True, since it is whole or there is an exception."""
    folder, cohort, count, seed, size = job
    progress.say(f"phantoms: {count} x {cohort} ({folder.name})")
    chest_ct.write_cohort(folder, cohort, count, seed, size, overwrite=True)
    return True


def _real(root, validated):
    """The real data sets found in the sub-folders of ``root``; MosMedData must be there, and CoronaCases if
    ``validated``."""
    if not root.is_dir():
        raise InputError(root, "a folder with the data sets in sub-folders", "no such folder",
                         "see docs/DATASETS.md, or leave --data out to run on phantoms")
    found = {}
    for folder in [root, *sorted(p for p in root.iterdir() if p.is_dir())]:
        dataset = _only(folder)
        if dataset is not None:
            found.setdefault(dataset.layout, dataset)
    for layout, role in (("mosmed", "training"), ("covid19-ct-seg", "validation")):
        if layout not in found and (validated or role == "training"):
            raise InputError(root, f"the {layout} data set ({role}) in a sub-folder",
                             f"only {', '.join(found) or 'no data set'}", "see docs/DATASETS.md for the expected trees")
    mosmed, seg = found["mosmed"], found.get("covid19-ct-seg", ())
    test = tuple(case for case in mosmed if case.infection is not None)
    corona = tuple(case for case in seg if case.id.lower().startswith("corona"))
    tests = {"Mosmed": test, "Radiopaedia": tuple(case for case in seg if case not in corona)}
    if "uestc" in found:
        tests["UESTC"] = tuple(found["uestc"])
    described = {"validation": f"CoronaCases, {len(corona)} cases",
                 **{name: f"{name}, {len(cases)} cases" for name, cases in tests.items()}}
    # What is scored leaves the training cases later: all with a mask, unless the preset scores fewer.
    return Cohorts(tuple(mosmed), corona, tests, False, described)


def _only(folder) -> "Dataset | None":
    try:
        return find_dataset(folder)
    except InputError:
        return None  # several sets below: its own sub-folders are looked at one by one
