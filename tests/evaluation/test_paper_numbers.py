"""Every number of paper_numbers.json against the papers' texts: each table is parsed and nothing may be left over."""

import json
import os
import re
from pathlib import Path

import pytest

from covid3dgan.evaluation import paper_tables

BESIDE = Path(__file__).resolve().parents[3] / "shared"
# What comes from code, from other papers or from arithmetic; the notes of the shared folder have those.
NOT_IN_A_TEXT = {("001_notebooks",), ("002", "authors_code_output"), ("002", "quartiles"),
                 ("003", "implied_foreground"), ("004", "inf_net_published")}
PLACES = {"Radiopedia": "Radiopaedia", "Radiopeadia": "Radiopaedia", "MosmedData": "MosmedData"}
METRICS = {"DSC": "dice", "Dice": "dice", "Dice score": "dice", "Dice Score": "dice", "SPC": "specificity",
           "Specificity": "specificity", "Spécificité": "specificity", "SEN": "sensitivity",
           "Sensitivity": "sensitivity", "Sensibilité": "sensitivity", "F1": "f1", "IoU": "iou", "Recall": "recall",
           "Precision": "precision", "AUC": "auc", "Accuracy": "accuracy"}


@pytest.fixture(scope="module")
def texts():
    """{number of a paper: its text}; skipped where the papers are absent."""
    folder = Path(os.environ.get("COVID3DGAN_SHARED_PAPERS", BESIDE / "papers"))
    if not folder.is_dir():
        pytest.skip("the papers' texts are not here (set COVID3DGAN_SHARED_PAPERS)")
    return {path.name[:3]: path.read_text(encoding="utf-8") for path in folder.glob("*.txt")}


@pytest.fixture(scope="module", params=["ours", "shared"])
def stored(request):
    """The content of the package's file and of the shared one."""
    if request.param == "ours":
        return paper_tables.numbers()
    path = BESIDE / "specs" / "paper_numbers.json"
    if not path.is_file():
        pytest.skip("the shared file of paper numbers is not here")
    return json.loads(path.read_text(encoding="utf-8"))


# === Out of the texts ===

def table(text, header):
    """The rows below the line that starts with ``header`` (tabs part its cells), as lists of cells; the line too."""
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(header))
    rows = []
    for line in lines[first:]:
        if "\t" not in line:
            break
        rows.append([re.sub(r"<[^>]*>|\*\*|\$|\\pm", "", cell).strip() for cell in line.split("\t")])
    return rows


def filled(rows, column=0):
    """Cells of a column that stand once for several rows, written into each."""
    last = ""
    for row in rows:
        last = row[column] = row[column] or last
    return rows


def entry(cell):
    """{"mean": ..., "std": ...} of "63.69 ± 17.5"; None of a dash."""
    found = re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", cell)
    return None if not found else {"mean": float(found[0]), "std": float(found[1])}


def number(text, pattern):
    return float(re.search(pattern, text, re.S).group(1))


def paper_001(text):
    kinds = {"Healthy": "healthy", "COVID": "covid"}
    data = []
    for place, task, cases, kind, rate in table(text, "Datasets\tTask")[1:]:
        name = place.split(" [")[0]
        data.append({"dataset": PLACES.get(name, name), "task": task.lower(), "cases": int(cases), "kind": kinds[kind],
                     **({"infection_rate": float(rate)} if rate[0].isdigit() else {})})
    methods = {"Our model": "ours", "GAS net [10]": "GASNet", "Label-free [13]": "Label-free",
               "COPLE-Net": "COPLE-Net (supervised)", "nnU-Net": "nnU-Net (supervised)"}
    rows = table(text, "\t\tScore\tUESTC")
    compared = {}
    for _, method, metric, *cells in filled(rows[1:], 1):
        for place, cell in zip(("UESTC", "Radiopaedia", "Mosmed"), cells):
            if entry(cell):
                compared.setdefault(methods[method], {}).setdefault(place, {})[METRICS[metric]] = entry(cell)

    def of_three_places(marker, names):
        start = text.index(marker)
        found = {}
        for name, *cells in table(text[start:], "\tUESTC")[2:]:
            found[names[name]] = {place: {metric: entry(cells[3 * p + m]) for m, metric in
                                          enumerate(("dice", "specificity", "sensitivity"))}
                                  for p, place in enumerate(("UESTC", "Radiopaedia", "Mosmed"))}
        return found

    thresholds = table(text, "Threshold\t0.1")
    return {
        "table1_data": data, "table2_comparison": compared,
        "table3_ablation": of_three_places("\nTable 3\n", {
            "GAN": "GAN", "GAN + UNet": "GAN + UNet", "GAN + UNet + Contrastive losses": "GAN + UNet + contrastive"}),
        "table4_pairs": of_three_places("\nTable 4\n", {
            "Low infection vs high infection": "low vs high", "Healthy vs High infection": "healthy vs high",
            "Healthy vs low infection": "healthy vs low"}),
        "table5_threshold": dict(zip(thresholds[0][1:], map(float, thresholds[1][1:]))),
        "text": {"mosmed_dice_in_text": number(text, r"dice scores of 61\.71%, ([\d.]+)%, and 63\.69%"),
                 "sensitivity_gain_mosmed": number(text, r"increased sensitivity of (\d+)%"),
                 "dice_gain_mosmed": number(text, r"and a dice score of (\d+)%")}}


def paper_000(text):
    def settings(header_of, names):
        head, row = table(text[text.index(header_of):], "Hyper-parameter")
        kinds = {"optimizer": str, "loss": str.lower, "batch_size": int, "epochs": int, "decay_steps": int}
        return {names[key]: kinds.get(names[key], float)(value) for key, value in zip(head[1:], row[1:])}

    names = {"Optimizer": "optimizer", "learning rate": "learning_rate", "loss function": "loss",
             "batch size": "batch_size", "epoch": "epochs", "decay step": "decay_steps", "decay rate": "decay_rate"}
    results = {}
    rows = table(text, "Metric\tMosmed")
    for metric, *cells in rows[1:]:
        for place, cell in zip(rows[0][1:], cells):
            results.setdefault(PLACES.get(place, place), {})[METRICS[metric]] = entry(cell)
    rows = table(text, "Modèle\tMétrique")
    compared = {}
    for method, metric, *cells in filled(rows[1:]):
        for place, cell in zip(rows[0][2:], cells):
            if entry(cell):
                compared.setdefault(re.sub(r"\s*\[\d\]", "", method), {}).setdefault(PLACES.get(place, place), {})[
                    METRICS[metric]] = entry(cell)
    assert compared.pop("Notre Approche") == results  # Table 6 repeats Table 5
    return {
        "table1_data": [{"dataset": PLACES.get(place, place), "task": {"Training": "train", "Test": "test"}[task],
                         "cases": int(cases), "kind": kind.lower()}
                        for task, place, cases, kind in filled(table(text, "Training / Test")[1:])],
        "table2_gan": settings("Table 2. ", names), "table3_unet": settings("Table 3. ", names),
        "table4_encoder": settings("Table 4. ", names), "table5_results": results, "table6_comparison": compared}


def paper_002(text):
    rows = table(text, "Metric\tGAN + Perlin Noise")
    found = {"TransUNET": {}, "UNET": {}}
    for metric, *cells in rows[2:]:
        for name, mean, std in zip(found, cells[::2], cells[1::2]):
            found[name][METRICS[metric]] = {"mean": float(mean), "std": float(std)}
    scans = re.search(r"(\d+) Covid-positive CT-scans and (\d+) Covid-negative", text)
    return {"table1": found, "text": {"TransUNET_dice": number(text, r"TransUNET achieved an average Dice score of "
                                                               r"([\d.]+)%")},
            "temperature": number(text, r"we found that \S+ is equal to ([\d.]+\d)"),
            "scans": {"covid": int(scans[1]), "healthy": int(scans[2])}}


def paper_003(text):
    rows = table(text, "Datasets\tCell dataset")
    columns = [("cells", "level set"), ("cells", "supervised U-Net"), ("cells", "AF-SEG"),
               ("vessels", "Hessian"), ("vessels", "supervised U-Net"), ("vessels", "AF-SEG")]
    assert rows[2][1:] == ["Level Set", "U-Net", "Proposed", "Hessian Analysis", "U-Net", "Proposed"]
    found = {}
    for metric, *cells in rows[3:]:
        for (task, method), cell in zip(columns, cells):
            found.setdefault(task, {}).setdefault(method, {})[METRICS[metric]] = entry(cell)
    return {"table1": found}


CLASSES = {"GGO": "GGO", "Cons": "consolidation", "Background": "background", "Overall": "overall"}


def paper_004(text):
    data = {(split, source): (int(images), int(patients))
            for split, source, _, images, patients in filled(table(text, "Data split")[1:])}
    single, columns = {}, [METRICS[name] for name in table(text, "Methods\t\tF1")[0][2:]]
    for method, kind, *cells in filled(table(text, "Methods\t\tF1")[1:]):
        for metric, cell in zip(columns, cells):
            single.setdefault(method.removeprefix("Single "), {}).setdefault(metric, {})[
                {"Mean": "mean", "Error": "ci95"}[kind]] = float(cell)
    multi, rows = {}, table(text, "Methods\t\tU-Net")
    for label, metric, *cells in filled(rows[2:]):
        for method, mean, error in zip(rows[0][2::2], cells[::2], cells[1::2]):
            multi.setdefault(CLASSES[label], {}).setdefault(method, {})[METRICS[metric]] = {
                "mean": float(re.search(r"[\d.]+", mean)[0]), "ci95": float(error)}
    return {
        "table1_data": {
            "train": {"MedSeg": data["Training", "Med-Seg"][0], "ICTCF (unlabelled)": data["Training", "ICTCF"][0]},
            "validation": data["Validation", "Med-Seg"][0], "test": data["Testing", "Med-Seg"][0],
            "patients": {"MedSeg train": data["Training", "Med-Seg"][1], "ICTCF": data["Training", "ICTCF"][1],
                         "validation": data["Validation", "Med-Seg"][1], "test": data["Testing", "Med-Seg"][1]}},
        "table2_single": single, "table3_multi": multi}


PAPERS = {"000": paper_000, "001": paper_001, "002": paper_002, "003": paper_003, "004": paper_004}


# === Against what is stored ===

def leaves(content, path=()):
    """{path: value} of every number and word, lists by their positions."""
    if isinstance(content, (dict, list)):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        return {at: value for key, part in items for at, value in leaves(part, (*path, key)).items()}
    return {path: content}


def in_a_text(path):
    return not any(path[:len(start)] == start for start in NOT_IN_A_TEXT) and \
        path[1] not in ("title", "unit", "spread", "metric")


@pytest.mark.parametrize("paper", PAPERS)
def test_every_number_is_the_texts_and_none_of_the_texts_is_missing(paper, texts, stored):
    printed = leaves(PAPERS[paper](texts[paper]), (paper,))
    held = {path: value for path, value in leaves({paper: stored[paper]}).items() if in_a_text(path)}
    assert len(printed) > 20 or paper == "002"
    assert {path: (held.get(path), printed.get(path)) for path in {*held, *printed}
            if held.get(path) != printed.get(path)} == {}


def test_numbers_that_no_text_has_are_named():
    """Whatever is stored and not parsed above stands in the list of its sources."""
    unparsed = {path[:1] if path[0] not in PAPERS else path[:2] for path in leaves(paper_tables.numbers())
                if path[0] not in PAPERS or path[1:2] and not in_a_text(path)
                and path[1] not in ("title", "unit", "spread", "metric")}
    assert unparsed == NOT_IN_A_TEXT


def test_a_wrong_digit_is_found(texts):
    """The precision's error of SInfNet's consolidation was once 0.058 in both files."""
    printed = leaves(paper_004(texts["004"]))
    assert printed["table3_multi", "consolidation", "SInfNet", "precision", "ci95"] == 0.084
    assert len([path for path in printed if path[0] == "table3_multi"]) == 4 * 3 * 4 * 2
