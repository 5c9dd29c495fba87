"""Which real cases each paper's preset takes, on a folder with MosMedData's names and numbers but empty files."""

import pytest

from covid3dgan import presets
from covid3dgan.errors import InputError
from covid3dgan.presets.stages import Cohort
from covid3dgan.systems import cohorts
from covid3dgan.systems.cohorts import open_cohorts, spread

GRADES = {"CT-0": range(1, 255), "CT-1": range(255, 939), "CT-2": range(939, 1064), "CT-3": range(1064, 1109),
          "CT-4": range(1109, 1111)}
MASKED = range(255, 305)


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


@pytest.fixture(scope="module")
def mosmed(tmp_path_factory):
    """MosMedData alone."""
    root = tmp_path_factory.mktemp("data")
    for grade, numbers in GRADES.items():
        for number in numbers:
            touch(root / "MosMedData/studies" / grade / f"study_{number:04d}.nii.gz")
    for number in MASKED:
        touch(root / "MosMedData/masks" / f"study_{number:04d}_mask.nii.gz")
    return root


@pytest.fixture(scope="module")
def both(mosmed):
    """And COVID-19-CT-Seg beside it."""
    root = mosmed.parent / "both"
    root.mkdir()
    (root / "MosMedData").symlink_to(mosmed / "MosMedData")
    names = [f"coronacases_{number:03d}" for number in range(1, 11)]
    names += [f"radiopaedia_{number}_85902_1" for number in range(1, 11)]
    for name in names:
        for folder in ("COVID-19-CT-Seg_20cases", "Infection_Mask", "Lung_Mask"):
            touch(root / "COVID-19-CT-Seg" / folder / f"{name}.nii.gz")
    return root


def opened(root, name, *settings, **options):
    return open_cohorts(root, root / "unused", 0, preset=presets.override(presets.get(name), settings), **options)


def counts(found):
    healthy = sum(case.healthy for case in found.train)
    return healthy, len(found.train) - healthy, {name: len(cases) for name, cases in found.tests.items()}


def test_paper_001_trains_on_all_that_has_no_mask(both):
    found = opened(both, "shabani/paper")
    assert counts(found) == (254, 806, {"Mosmed": 50, "Radiopaedia": 9}) and len(found.validation) == 10
    assert not any(case.infection for case in found.train)
    assert found.described["train"] == "MosMedData: 254 healthy, 806 with COVID-19"
    assert counts(open_cohorts(both, both / "unused", 0))[:2] == (254, 806)


def test_paper_000_takes_250_healthy_cases_and_what_is_left_of_850(both):
    found = opened(both, "elmourabit/paper", tests=("Mosmed", "Radiopaedia"))
    assert counts(found) == (250, 846, {"Mosmed": 10, "Radiopaedia": 10})
    assert found.described["train"] == "MosMedData: 250 healthy, 846 with COVID-19 (850 are asked for)"
    assert found.described["Mosmed"] == "Mosmed, 50 cases, 10 of them"
    assert not {case.id for case in found.train} & {case.id for case in found.tests["Mosmed"]}
    assert sum(case.infection is not None for case in found.train) == 40  # masks that nothing reads


@pytest.mark.parametrize("most, expected", [(None, 100), (50, 50)])
def test_paper_002_takes_51_healthy_and_100_or_50_covid_cases(mosmed, most, expected):
    settings = [] if most is None else [f"cohort.covid={most}"]
    found = opened(mosmed, "khali/paper", *settings, tests=("Mosmed",), validated=False)
    assert counts(found) == (51, expected, {"Mosmed": 50}) and found.validation == ()
    assert {case.group for case in found.train if not case.healthy} == {"CT-1", "CT-2"}  # K09
    assert found.described["train"] == f"MosMedData: 51 healthy, {expected} with COVID-19 of CT-1 and CT-2"
    every = opened(mosmed, "khali/paper", "cohort.grades=", "cohort.covid=none", validated=False)
    assert {case.group for case in every.train} == set(GRADES)


def test_the_published_code_trains_on_what_it_scores_and_says_so(mosmed):
    found = opened(mosmed, "khali/published", tests=("Mosmed",), validated=False)
    trained = {case.id for case in found.train if not case.healthy}
    assert trained == {case.id for case in found.tests["Mosmed"]} and len(trained) == 50
    assert "WHICH ARE THOSE THAT ARE SCORED" in found.described["train"]


def test_numbers_are_upper_limits_and_spread_over_the_cases(both):
    assert spread("abcdefghi", 3) == ("a", "e", "i") and spread("ab", 3) == ("a", "b") == spread("ab", None)
    assert spread("abc", 1) == ("a",)
    found = opened(both, "shabani/paper", "cohort.healthy=2", "cohort.covid=3", "cohort.test=4")
    assert counts(found) == (2, 3, {"Mosmed": 4, "Radiopaedia": 4})
    assert {case.group for case in found.train} == {"CT-0", "CT-1", "CT-4"}


def test_without_coronacases_a_recipe_that_validates_is_refused(mosmed):
    with pytest.raises(InputError, match=r"the covid19-ct-seg data set \(validation\)"):
        opened(mosmed, "khali/improved")


def test_phantoms_are_limited_in_the_same_way(tmp_path, monkeypatch):
    from covid3dgan.data.datasets.cases import Case

    def case(name, group):
        return Case(name, tmp_path / name, infection=tmp_path, group=group)

    train = tuple(case(f"h{k}", "healthy") for k in range(4)) + tuple(case(f"c{k}", "covid") for k in range(4))
    made = cohorts.Cohorts(train, (), {"Mosmed": (case("m0", "covid"), case("m1", "covid"))}, True, {"Mosmed": "two"})
    monkeypatch.setattr(cohorts, "_phantoms", lambda *arguments: made)
    chosen = cohorts._chosen(made, Cohort(healthy=2, covid=9, grades=("CT-1",), test=1), None)
    assert counts(chosen) == (2, 4, {"Mosmed": 1})
    assert chosen.described == {"Mosmed": "two, 1 of them", "train": "phantoms: 2 healthy, 4 with COVID-19"}
    assert cohorts._chosen(made, Cohort(), None) == made
