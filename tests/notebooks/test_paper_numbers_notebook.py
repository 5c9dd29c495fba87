"""The papers' numbers beside ours: paths of result files, units, folders of runs, tables and charts."""

import json

import matplotlib.colors
import pytest

from covid3dgan.errors import InputError
from covid3dgan.notebooks import paper_numbers
from covid3dgan.notebooks.paper_numbers import Ours

ENTRY = {"mean": 61.25, "std": 12.5, "error95": 3.0, "ci95": [50, 70], "n": 40, "cases": 4}


def number(at, values, unit="%", **more):
    return {"what": "w", "on": "o", "metric": "m", "unit": unit, "values": values, "mean": sum(values) / len(values),
            "paper": {"at": at}, **more}


def record(folder, section, name, numbers, kind="phantom"):
    (folder / section).mkdir(parents=True, exist_ok=True)
    (folder / section / f"{name}.json").write_text(json.dumps({"kind": kind, "numbers": numbers}), encoding="utf-8")


@pytest.mark.parametrize("at, system, key", [
    ("001/table3_ablation/GAN/Mosmed/dice", "shabani", ("GAN", "Mosmed", "dice")),
    ("000/table5_results/Radiopaedia/sensitivity", "elmourabit", ("GAN + UNet", "Radiopaedia", "sensitivity")),
    ("002/table1/UNET/specificity", "khali", ("UNET", "Mosmed", "specificity")),
    ("003/table1/vessels/AF-SEG/recall", "afseg", ("AF-SEG", "vessels", "recall")),
    ("004/table2_single/SSInfNet/f1", "ssinfnet", ("SSInfNet", "MedSeg", "f1")),
    ("004/table3_multi/GGO/U-Net/f1", "ssinfnet", ("U-Net", "GGO", "f1"))])
def test_a_result_files_path_names_a_printed_number(tmp_path, at, system, key):
    record(tmp_path, "section", "some", [number(at, [1.0, 3.0], spread=1.41)])
    [ours] = paper_numbers.from_results(tmp_path)
    assert ours == Ours(system, key, 2.0, "%", 1.41, 2, "phantoms", "results/section/some.json")
    assert key in {printed.key for table in paper_numbers.printed(system) for printed in table.numbers}


def test_the_whole_system_stands_in_three_tables_of_paper_001(tmp_path):
    record(tmp_path, "shabani", "demo", [number("001/table3_ablation/GAN + UNet + contrastive/UESTC/dice", [50.0])])
    assert {one.key[0] for one in paper_numbers.from_results(tmp_path)} == {
        "GAN + UNet + contrastive", "Ours", "low vs high"}


def test_numbers_without_a_printed_one_are_left_out(tmp_path):
    numbers = [number("", [1.0]), number("001_notebooks/Segmentation2D/dice", [1.0]), {**number("", [2.0])}]
    del numbers[2]["paper"]
    record(tmp_path, "speed", "demo", numbers)
    assert paper_numbers.from_results(tmp_path) == []


def run_folder(tmp_path, name, content, stages=None):
    (tmp_path / name).write_text(json.dumps({"phantom": True, **content}), encoding="utf-8")
    if stages:
        (tmp_path / "stages.json").write_text(json.dumps({"done": {"scores": {"result": stages}}}), encoding="utf-8")
    return {one.key: one for one in paper_numbers.from_run(tmp_path)}


def test_a_run_of_paper_001_is_read_by_the_published_protocol(tmp_path):
    whole, volumes = {**ENTRY, "mean": 70.0}, {**ENTRY, "mean": 0.5}
    found = run_folder(tmp_path, "results.json", {"preset": "shabani/demo"}, {
        "curve": {"paper": {"0.2": {"per_volume": 0.625}}},
        "summaries": {"GAN": {"Mosmed": {"published": {"dice": ENTRY}, "per_volume": {"dice": volumes}}},
                      "GAN + UNet + contrastive": {"Mosmed": {"published": {"dice": whole}}}}})
    assert found["GAN", "Mosmed", "dice"].mean == 61.25 and found["GAN", "Mosmed", "dice"].spread == 12.5
    assert found["Ours", "Mosmed", "dice"].mean == found["low vs high", "Mosmed", "dice"].mean == 70.0
    assert found["threshold 0.2", "CoronaCases", "dice"].mean == 62.5


@pytest.mark.parametrize("name, content, key, spread", [
    ("tables.json", {"preset": "elmourabit/demo", "scores": {"UESTC": {"dice": ENTRY}}},
     ("GAN + UNet", "UESTC", "dice"), 12.5),
    ("tables.json", {"preset": "khali/demo", "scores": {"UNET": {"pixel_max": {"dice": ENTRY}, "slices": {}}}},
     ("UNET", "Mosmed", "dice"), 12.5),
    ("table1.json", {"preset": "afseg/cells/demo", "methods": {"AF-SEG": {"dice": ENTRY}}},
     ("AF-SEG", "cells", "dice"), 12.5),
    ("tables.json", {"preset": "ssinfnet/demo", "single": {}, "multi": {"SInfNet": {"GGO": {"f1": ENTRY}}}},
     ("SInfNet", "GGO", "f1"), 3.0)])
def test_runs_of_the_other_papers_are_read(tmp_path, name, content, key, spread):
    found = run_folder(tmp_path, name, content)
    assert list(found) == [key] and (found[key].mean, found[key].spread) == (61.25, spread)


def test_a_folder_without_a_finished_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="of a finished reproduce"):
        paper_numbers.from_run(tmp_path)


def table_of(system, name):
    return next(table for table in paper_numbers.printed(system) if table.name == name)


def test_a_cell_has_the_paper_first_and_ours_in_its_unit():
    key = ("GAN", "Mosmed", "dice")
    ours = [Ours("shabani", key, 0.625, "1", 0.1, 3, "phantoms", "results/a.json"),
            Ours("shabani", key, 58.04, "%", None, 1, "phantoms", "mine"),
            Ours("khali", key, 1.0, "%", None, 1, "phantoms", "other system")]
    text = paper_numbers.markdown(table_of("shabani", "Table 3"), "shabani", ours)
    assert "41.2 ± 14.71 \\| **62.5 ± 10.0** [1] \\| **58.0** [2]" in text and "other system" not in text
    assert text.rstrip().splitlines()[-2:] == ["[1] results/a.json: on phantoms, 3 trainings, ± over them  ",
                                               "[2] mine: on phantoms, 1 training"]
    fractions = paper_numbers.markdown(table_of("afseg", "Table 1, cells"), "afseg", [
        Ours("afseg", ("AF-SEG", "cells", "dice"), 91.2, "%", None, 1, "phantoms", "a")])
    assert "0.915 ± 0.029 \\| **0.912** [1]" in fractions and fractions.endswith(
        f"\n* {table_of('afseg', 'Table 1, cells').notes[-1]}")


def test_a_chart_has_the_rows_with_both_numbers_and_a_colour_per_origin():
    assert paper_numbers.chart(table_of("shabani", "Table 3"), "shabani", []) is None
    ours = [Ours("shabani", ("GAN", "Mosmed", "dice"), 0.625, "1", None, 3, "phantoms", "a"),
            Ours("shabani", ("GAN", "Mosmed", "dice"), 50.0, "%", None, 1, "phantoms", "b"),
            Ours("shabani", ("GAN + UNet", "Mosmed", "dice"), 60.0, "%", None, 1, "phantoms", "a")]
    figure = paper_numbers.chart(table_of("shabani", "Table 3"), "shabani", ours)
    [axes] = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["GAN, Mosmed", "GAN + UNet, Mosmed"]
    dots = [(line.get_xdata()[0], line.get_ydata()[0], matplotlib.colors.to_hex(line.get_color()))
            for line in axes.lines if line.get_marker() == "o"]
    assert [(x, y) for x, y, _ in dots] == [(62.5, 0), (50.0, 0), (60.0, 1)]
    assert dots[0][2] == dots[2][2] != dots[1][2]
    assert [round(bar.get_width(), 2) for bar in axes.patches] == [41.2, 55.7]
