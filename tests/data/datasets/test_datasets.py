"""Data sets found by their folder layouts, with files paired by case id."""

import json

import numpy as np
import pytest
from nifti_files import chest, save_ct

from covid3dgan.data.datasets import opening
from covid3dgan.data.datasets.cases import case_id
from covid3dgan.data.datasets.layouts import LAYOUTS
from covid3dgan.errors import ArgumentError, InputError, InputWarning

# The names that the published archives really hold: CTs and masks of one case are named differently.
CT_SEG_NAMES = {
    "coronacases_org_001": "coronacases_001", "coronacases_org_case007": "coronacases_007",
    "case009": "coronacases_009", "coronacases_org_case010": "coronacases_010", "coronacases_002": "coronacases_002",
    "radiopaedia_org_covid-19-pneumonia-10_85902_1-dcm": "radiopaedia_10_85902_1",
    "radiopaedia_org_covid-19-pneumonia-10_85902_3-dcm": "radiopaedia_10_85902_3",
    "radiopaedia_org_covid-19-pneumonia-4_85506_1-dcm": "radiopaedia_4_85506_1",
    "radiopaedia_29_86490_1": "radiopaedia_29_86490_1", "radiopaedia_29_86491_1": "radiopaedia_29_86491_1",
}


def touch(*paths):
    """Empty files: opening a data set reads nothing but listings."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def make_mosmed(root):
    for group, numbers in (("CT-0", (1, 2)), ("CT-1", (255, 256, 257)), ("CT-2", (939,)), ("CT-3", (1064,)),
                           ("CT-4", (1109,))):
        touch(*(root / "studies" / group / f"study_{n:04d}.nii.gz" for n in numbers))
    touch(root / "masks" / "study_0257_mask.nii.gz", root / "masks" / "study_0255_mask.nii.gz",
          root / "masks" / "._study_0255_mask.nii.gz", root / "dataset_registry.xlsx")


def make_ct_seg(root):
    for image, mask in CT_SEG_NAMES.items():
        touch(root / "COVID-19-CT-Seg_20cases" / f"{image}.nii.gz", root / "Lung_Mask" / f"{mask}.nii.gz",
              root / "Infection_Mask" / f"{mask}.nii.gz", root / "Lung_and_Infection_Mask" / f"{mask}.nii.gz")


def make_uestc(root):
    for part, numbers in (("part1", (1, 2, 10)), ("part2", (1, 2))):
        touch(*(root / part / kind / f"{n}.nii.gz" for n in numbers for kind in ("image", "label")))


def make_medseg(root):
    touch(*(root / f"{name}.nii.gz" for name in ("tr_im", "tr_mask", "tr_lungmasks_updated", "val_im")))
    touch(*(root / kind / f"{n}.nii.gz" for n in (1, 2, 9) for kind in ("rp_im", "rp_msk", "rp_lung_msk")))


def make_semiseg(root):
    for folder, numbers in (("TrainingSet/LungInfection-Train/Doctor-label", (1, 2)),
                            ("TrainingSet/LungInfection-Train/Pseudo-label", (1, 30)),
                            ("TestingSet/LungInfection-Test", (18, 6))):
        touch(*(root / "Dataset" / folder / "Imgs" / f"{n}.jpg" for n in numbers),
              *(root / "Dataset" / folder / "GT" / f"{n}.png" for n in numbers))
    for folder, numbers in (("TrainingSet/MultiClassInfection-Train", (1, 2)),
                            ("TestingSet/MultiClassInfection-Test", (18, 6))):
        touch(*(root / "Dataset" / folder / kind / f"{n}.png" for n in numbers for kind in ("GT", "Prior")))


def make_ictcf(root):
    touch(*(root / "Patient 1" / "CT" / f"IMG-0001-{n:05d}.jpg" for n in (1, 2)), root / "Patient 12" / "CT" / "a.jpg",
          root / "nCT" / "nCT1.jpg", root / "pCT" / "pCT1.jpg", root / "NiCT" / "NiCT7.jpg")


def make_plain(root):
    touch(*(root / "images" / f"case_{n}_ct.nii.gz" for n in (2, 10, 1)), *(root / "masks" / f"case_{n}_seg.nii"
                                                                            for n in (1, 2, 10)),
          *(root / "lungs" / f"case_{n}.nii.gz" for n in (1, 2, 10)))


def make_drive(root):
    """As published: the test part has no manual masks."""
    touch(*(root / "training" / path for path in ("images/21_training.tif", "1st_manual/21_manual1.gif",
                                                  "mask/21_training_mask.gif")),
          root / "test" / "images" / "01_test.tif", root / "test" / "mask" / "01_test_mask.gif")


def make_chase(root):
    touch(*(root / f"Image_01{name}" for name in ("L.jpg", "L_1stHO.png", "L_2ndHO.png", "R.jpg", "R_1stHO.png",
                                                  "R_2ndHO.png")))


MAKERS = {"mosmed": make_mosmed, "covid19-ct-seg": make_ct_seg, "uestc": make_uestc, "medseg": make_medseg,
          "covid-semiseg": make_semiseg, "ictcf": make_ictcf, "drive": make_drive, "chase": make_chase,
          "plain": make_plain}


def by_id(dataset):
    return {case.id: case for case in dataset}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("depth", ["", "unpacked", "unpacked/again"])
def test_each_layout_is_found_by_itself(layout, depth, tmp_path, recwarn):
    MAKERS[layout](tmp_path / depth)
    dataset = opening.open_dataset(tmp_path)
    assert dataset.layout == layout
    assert len(dataset) > 0
    assert dataset.problems == ()
    assert not recwarn.list
    assert opening.open_dataset(tmp_path, layout).cases == dataset.cases


def test_drive_is_one_data_set_of_two_parts(tmp_path):
    make_drive(tmp_path)
    cases = by_id(opening.open_dataset(tmp_path))
    assert {identity: case.subset for identity, case in cases.items()} == {"01_test": "test", "21_training": "training"}
    assert cases["21_training"].infection.name == "21_manual1.gif" and cases["01_test"].infection is None
    assert {case.kind for case in cases.values()} == {"image"}


def test_mosmed(tmp_path):
    make_mosmed(tmp_path)
    dataset = opening.open_dataset(tmp_path)
    assert dataset.name == "MosMedData"
    cases = by_id(dataset)
    assert [c.id for c in dataset] == sorted(cases)
    assert cases["study_0001"].group == "CT-0" and cases["study_0001"].healthy is True
    assert cases["study_0257"].infection == tmp_path / "masks" / "study_0257_mask.nii.gz"
    assert cases["study_0256"].infection is None and cases["study_0256"].healthy is False
    assert {c.id for c in dataset.select(annotated=True)} == {"study_0255", "study_0257"}
    assert len(dataset.select(healthy=False, annotated=False)) == 4  # the papers' training cases with COVID


def test_covid19_ct_seg_pairs_by_id_although_the_names_differ(tmp_path):
    make_ct_seg(tmp_path)
    cases = by_id(opening.open_dataset(tmp_path))
    assert set(cases) == set(CT_SEG_NAMES.values())
    for image, mask in CT_SEG_NAMES.items():
        case = cases[mask]
        assert case.image.name == f"{image}.nii.gz"
        assert case.infection == tmp_path / "Infection_Mask" / f"{mask}.nii.gz"
        assert case.lungs == tmp_path / "Lung_Mask" / f"{mask}.nii.gz"
        assert case.group == "covid"
    assert cases["coronacases_009"].subset == "coronacases" and cases["coronacases_009"].window is None
    assert cases["radiopaedia_10_85902_3"].subset == "radiopaedia"
    assert cases["radiopaedia_10_85902_3"].window == (-1250, 250)


def test_uestc_keeps_the_two_parts_apart(tmp_path):
    make_uestc(tmp_path)
    dataset = opening.open_dataset(tmp_path)
    assert [c.id for c in dataset] == ["part1_1", "part1_2", "part1_10", "part2_1", "part2_2"]
    assert all(c.infection.name == c.image.name and c.infection.parts[-3] == c.subset for c in dataset)
    assert dataset.cases[0].window == (-1400, 100)


def test_medseg(tmp_path):
    make_medseg(tmp_path)
    cases = by_id(opening.open_dataset(tmp_path))
    assert set(cases) == {"tr", "val", "rp_1", "rp_2", "rp_9"}
    assert cases["tr"].kind == "stack" and cases["tr"].lungs.name == "tr_lungmasks_updated.nii.gz"
    assert cases["rp_9"].kind == "volume"
    assert cases["rp_9"].infection == cases["rp_9"].classes == tmp_path / "rp_msk" / "9.nii.gz"
    assert cases["rp_9"].lungs == tmp_path / "rp_lung_msk" / "9.nii.gz"
    assert cases["val"].infection is None


def test_covid_semiseg(tmp_path):
    make_semiseg(tmp_path)
    cases = by_id(opening.open_dataset(tmp_path))
    assert set(cases) == {"train_1", "train_2", "pseudo_1", "pseudo_30", "test_6", "test_18"}
    test = cases["test_18"]
    assert (test.subset, test.kind) == ("test", "image")
    assert [p.relative_to(tmp_path / "Dataset" / "TestingSet").as_posix()
            for p in (test.image, test.infection, test.classes, test.prior)] == [
        "LungInfection-Test/Imgs/18.jpg", "LungInfection-Test/GT/18.png", "MultiClassInfection-Test/GT/18.png",
        "MultiClassInfection-Test/Prior/18.png"]
    assert cases["pseudo_30"].classes is None


def test_ictcf_knows_the_patient(tmp_path):
    make_ictcf(tmp_path)
    cases = by_id(opening.open_dataset(tmp_path))
    assert len(cases) == 6
    assert cases["Patient_1_CT_IMG-0001-00002"].patient == "Patient_1"
    assert cases["NiCT_NiCT7"].subset == "NiCT" and cases["NiCT_NiCT7"].patient is None


def test_plain_pairs_by_id_in_natural_order(tmp_path):
    make_plain(tmp_path)
    dataset = opening.open_dataset(tmp_path)
    assert [c.id for c in dataset] == ["case_1", "case_2", "case_10"]
    for case in dataset:
        assert case_id(case.infection) == case_id(case.lungs) == case.id
        assert case.healthy is None


def test_plain_takes_dicom_folders_and_pictures(tmp_path):
    touch(tmp_path / "images" / "patient7" / "1.dcm", tmp_path / "images" / "slice.png",
          tmp_path / "masks" / "slice.png", tmp_path / "masks" / "patient7_mask.nii.gz")
    cases = by_id(opening.open_dataset(tmp_path))
    assert (cases["patient7"].kind, cases["slice"].kind) == ("volume", "image")
    assert cases["patient7"].infection.name == "patient7_mask.nii.gz"


def test_plain_learns_who_is_healthy(tmp_path):
    make_plain(tmp_path / "a")
    (tmp_path / "a" / "cohort.json").write_text(json.dumps({"cohort": "healthy"}))
    assert {c.healthy for c in opening.open_dataset(tmp_path / "a")} == {True}
    (tmp_path / "a" / "cohort.json").write_text(json.dumps({"cohort": "mosmed-like"}))
    assert {c.group for c in opening.open_dataset(tmp_path / "a")} == {"covid"}
    (tmp_path / "a" / "cases.csv").write_text("id,age,group\ncase_1,60,healthy\ncase_10,50,CT-3\n")
    cases = by_id(opening.open_dataset(tmp_path / "a"))
    assert [cases[f"case_{n}"].healthy for n in (1, 2, 10)] == [True, None, False]
    (tmp_path / "a" / "cases.csv").write_text('id,group,patient\ncase_1_ct,covid,"Doe, J"\ncase_10,CT-3,\n')
    cases = by_id(opening.open_dataset(tmp_path / "a"))
    assert [(cases[f"case_{n}"].group, cases[f"case_{n}"].patient) for n in (1, 2, 10)] == [
        ("covid", "Doe, J"), (None, None), ("CT-3", None)]
    (tmp_path / "a" / "cases.csv").write_text("name,age\ncase_1,60\n")
    with pytest.raises(InputError, match="cases.csv: expected a table with the columns id and group, or a cohort"):
        opening.open_dataset(tmp_path / "a")


def test_one_extra_image_shifts_no_pair(tmp_path):
    make_plain(tmp_path)
    touch(tmp_path / "images" / "case_0_ct.nii.gz")
    with pytest.warns(InputWarning, match="case_0_ct.nii.gz: expected a file with its infection, found none with the "
                      "id 'case_0'; add it or leave the case out. .1 more of the kind"):
        dataset = opening.open_dataset(tmp_path)
    assert [(c.id, c.infection and c.infection.name) for c in dataset] == [
        ("case_0", None), ("case_1", "case_1_seg.nii"), ("case_2", "case_2_seg.nii"), ("case_10", "case_10_seg.nii")]


@pytest.mark.parametrize("layout, extra, text", [
    ("mosmed", "masks/study_9999_mask.nii.gz", "expected an image of the same case, found none with the id 'study_9"),
    ("covid19-ct-seg", "Lung_Mask/coronacases_011.nii.gz", "found none with the id 'coronacases_011'"),
    ("uestc", "part2/label/7.nii.gz", "found none with the id 'part2_7'"),
    ("medseg", "rp_msk/4.nii.gz", "found none with the id 'rp_4'"),
    ("covid-semiseg", "Dataset/TestingSet/LungInfection-Test/GT/99.png", "found none with the id '99'"),
    ("plain", "lungs/case_3.nii.gz", "found none with the id 'case_3'")])
def test_a_mask_without_an_image_is_an_error(layout, extra, text, tmp_path):
    MAKERS[layout](tmp_path)
    touch(tmp_path / extra)
    with pytest.warns(InputWarning, match=text):
        dataset = opening.open_dataset(tmp_path)
    assert [(p.level, p.path) for p in dataset.problems] == [("error", tmp_path / extra)]
    with pytest.raises(InputError, match="expected files that pair by case id"):
        opening.open_dataset(tmp_path, strict=True)


@pytest.mark.parametrize("layout, extra", [
    ("mosmed", "studies/CT-2/study_0255.nii.gz"), ("mosmed", "masks/study_0255.nii"),
    ("covid19-ct-seg", "COVID-19-CT-Seg_20cases/coronacases_001.nii"), ("plain", "images/case_1.nii.gz"),
    ("plain", "masks/case_1.nii.gz"), ("plain", "images/case_1.png")])
def test_two_files_of_one_id_are_an_error(layout, extra, tmp_path):
    MAKERS[layout](tmp_path)
    touch(tmp_path / extra)
    with pytest.warns(InputWarning, match="expected one (image|file) for case '.*', found also .*; remove or rename"):
        dataset = opening.open_dataset(tmp_path)
    assert [p.level for p in dataset.problems] == ["error"]


def test_unknown_layouts_get_the_nearest_name(tmp_path):
    with pytest.raises(ArgumentError, match=r"layout: expected one of mosmed, .*, found 'mosmet' \(nearest: mosmed"):
        opening.open_dataset(tmp_path, "mosmet")


def test_a_folder_of_another_kind_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match="expected a data set .mosmed, .*see docs/DATASETS.md., found none of these"):
        opening.open_dataset(tmp_path)
    make_plain(tmp_path)
    with pytest.raises(InputError, match="found none of these layouts"):
        opening.open_dataset(tmp_path, "mosmed")
    with pytest.raises(InputError, match="expected a folder with a data set, found nothing at that path"):
        opening.open_dataset(tmp_path / "missing")


def test_two_data_sets_in_one_folder_are_not_guessed_between(tmp_path):
    make_plain(tmp_path / "a")
    make_mosmed(tmp_path / "b")
    with pytest.raises(InputError, match="expected one data set, found 2: .*a, .*b; pass one of these folders"):
        opening.open_dataset(tmp_path)


def test_an_unknown_case_is_refused(tmp_path):
    make_plain(tmp_path)
    dataset = opening.open_dataset(tmp_path)
    assert dataset.case("case_2").image.name == "case_2_ct.nii.gz"
    with pytest.raises(InputError, match="expected a case 'case_3', found 3 other cases"):
        dataset.case("case_3")


def mask(where):
    array = np.zeros((6, 5, 4), np.uint8)
    array[where] = 1
    return array


def test_a_case_is_read_on_one_grid(tmp_path):
    save_ct(tmp_path / "images" / "a.nii.gz")
    save_ct(tmp_path / "masks" / "a.nii.gz", mask(1))
    save_ct(tmp_path / "lungs" / "a.nii.gz", mask(slice(0, 3)) * 2)
    case = opening.read_case(opening.open_dataset(tmp_path).cases[0], strict=True)
    np.testing.assert_array_equal(case.ct.array, chest())
    assert (case.infection.array.sum(), case.lungs.array.sum(), case.lungs.array.max()) == (20, 60, 1)
    assert case.infection.header == case.ct.header


def test_a_mask_on_another_grid_is_refused(tmp_path):
    save_ct(tmp_path / "images" / "a.nii.gz")
    save_ct(tmp_path / "masks" / "a.nii.gz", mask(1), affine=np.diag([-0.8, 0.9, 5.0, 1.0]))
    case = opening.open_dataset(tmp_path).cases[0]
    with pytest.raises(InputError, match="expected the grid of its CT, 6 x 5 x 4 voxels of .*, RAS, .*found .*, LAS,"):
        opening.read_case(case)
    save_ct(tmp_path / "masks" / "a.nii.gz", mask(1)[:5])
    with pytest.raises(InputError, match=r"expected the shape of its CT, \(6, 5, 4\), found \(5, 5, 4\)"):
        opening.read_case(case)


def test_uestc_values_come_back_in_hu_on_the_image_grid(tmp_path):
    hu = np.clip(chest(), -1400, 100)
    save_ct(tmp_path / "part2" / "image" / "7.nii.gz", ((hu + 1400) / 1500).astype(np.float32))
    save_ct(tmp_path / "part2" / "label" / "7.nii.gz", mask(1), affine=np.eye(4))
    case = opening.open_dataset(tmp_path).cases[0]
    with pytest.warns(InputWarning, match="found .* of 1 x 1 x 1 mm.*; the CT's is used, as this data set's"):
        read = opening.read_case(case)
    span = hu.max() - hu.min()
    assert read.ct.array.min() >= -1400 and read.ct.array.max() <= 100 and span > 1000
    assert np.corrcoef(read.ct.array.ravel(), hu.ravel())[0, 1] > 0.9999
    np.testing.assert_array_equal(read.infection.affine, read.ct.affine)
    with pytest.raises(InputError, match="the CT's is used"):
        opening.read_case(case, strict=True)


def test_radiopaedia_values_come_back_in_hu(tmp_path):
    make_ct_seg(tmp_path)
    array = np.resize(np.array([0, 51, 255], np.uint8), (6, 5, 4))
    name = "radiopaedia_29_86490_1.nii.gz"
    (tmp_path / "COVID-19-CT-Seg_20cases" / name).unlink()
    save_ct(tmp_path / "COVID-19-CT-Seg_20cases" / name, array)
    for folder in ("Lung_Mask", "Infection_Mask"):
        save_ct(tmp_path / folder / name, mask(1))
    read = opening.read_case(opening.open_dataset(tmp_path).case("radiopaedia_29_86490_1"), strict=True)
    assert set(np.unique(read.ct.array)) == {-1250, -950, 250}


@pytest.mark.parametrize("name, identity", [
    ("study_0255_mask.nii.gz", "study_0255"), ("7.PNG", "7"), ("x-seg.nii", "x"), ("lung_mask_3.nii", "lung_mask_3"),
    ("a_lungmask.nii.gz", "a"), ("ct.nii.gz", "ct"), ("mask.nii.gz", "mask"), ("b_infection_mask.nii", "b")])
def test_case_ids_drop_only_a_role_at_the_end(name, identity):
    assert case_id(name) == identity
