"""The outputs that the project's own notebooks carry, so that GitHub and Colab show something before anything is run.

``make notebooks-outputs`` executes every notebook and writes it with what its cells printed and drew;
``python -m covid3dgan.notebooks.outputs Quickstart --scale short`` does so with one. What is kept is portable: no
paths of this machine, no progress bars, pictures as PNG.
"""

__all__ = ["MOST_BYTES", "RUN", "STAGES", "execute", "main", "note", "portable"]

import argparse
import contextlib
import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from covid3dgan import environment
from covid3dgan.errors import ArgumentError
from covid3dgan.files import atomic_write_text
from covid3dgan.notebooks import scale, sources

MOST_BYTES = 1_000_000  # of an .ipynb; GitHub shows none that is much larger
STAGES = ("Preprocess", "GAN3D", "Segmentation2D", "Evaluation")  # they share one run, and go in this order
RUN = "runs/notebooks"  # in the folder to work in
# Stages of that run, and what calls them in a notebook.
_CALLS = {"preprocess": "run.prepare()", "GAN": "run.train_gan()", "segmenter": "run.train_segmenters()",
          "scores": "run.score()", "predictions": "run.predict()", "report": "run.report("}
_LOGS = re.compile(r"^WARNING:tensorflow:.*\n?", re.MULTILINE)  # TensorFlow's hints, which go to standard output
_PATHS = ("text/plain", "text/html", "text/markdown")


def execute(source, work, environ=()):
    """The notebook of a source with its outputs; nbclient raises CellExecutionError where a cell fails.

    Args:
        source: one of `sources.sources()`.
        work: the folder that the kernel runs in; what is temporary and the run of paper 001 lie there, too.
        environ: environment variables on top of this process's.

    Returns:
        The nbformat notebook; each code cell's metadata has the seconds that it took and the sha256 of what was run.
    """
    import nbformat

    from covid3dgan.notebooks.kernel import kernel_client

    work = Path(work).resolve()
    for folder in (work / "notebooks", work / "tmp"):
        folder.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.reads(sources.as_ipynb(source), as_version=4)
    client = kernel_client(notebook, work / "notebooks")
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    with client.setup_kernel(env={**os.environ, "PYTHONPATH": path, "TMPDIR": str(work / "tmp"),
                                  scale.FOLDER: str(work / RUN), "TF_CPP_MIN_LOG_LEVEL": "3",
                                  **dict(environ)},
                             cwd=str(work / "notebooks"), cleanup_kc=True, stderr=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL):
        for index, cell in enumerate(notebook.cells):
            started = time.perf_counter()
            client.execute_cell(cell, index)
            if cell.cell_type == "code":
                cell.metadata[sources.METADATA] = {"sha256": sources.executed_hash(cell.source),
                                                   "seconds": round(time.perf_counter() - started, 1)}
    return notebook


def portable(notebook, work):
    """Takes out what belongs to this machine or moment: standard error (bars, logs, warnings with paths), TensorFlow's
    hints, and paths.

    Args:
        notebook: from `execute`, changed in place.
        work: the folder that it ran in; paths below it become relative.
    """
    here = re.compile(re.escape(str(Path(work).resolve())) + r"/(?:tmp/tmp\w+/)?")
    for cell in notebook.cells:
        kept = []
        for output in cell.get("outputs", ()):
            if output.output_type == "stream":
                if output.name == "stderr":
                    continue
                output.text = _LOGS.sub("", here.sub("", output.text))
                if not output.text:
                    continue
                if kept and kept[-1].output_type == "stream":
                    kept[-1].text += output.text
                    continue
            for kind in _PATHS:
                if kind in output.get("data", {}):
                    output.data[kind] = here.sub("", output.data[kind])
            kept.append(output)
        if cell.cell_type == "code":
            cell.outputs = kept
    return notebook


def note(facts):
    """The paragraph under the title of an executed notebook.

    Args:
        facts: what `_write` puts into the notebook's metadata.
    """
    versions = ", ".join(f"{label} {facts['versions'][key]}" for key, label in (
        ("python", "Python"), ("tensorflow", "TensorFlow"), ("keras", "Keras")) if key in facts["versions"])
    size = f" at {scale.SCALES[facts['scale']]}" if facts["scale"] else ""
    in_order = sorted(facts["opened"].items(), key=lambda item: list(_CALLS).index(item[0].partition(":")[0]))
    opened = ", ".join(f"{stage} ({_minutes(seconds)})" for stage, seconds in in_order)
    opened = f" Stages that had been done before were opened here, which had taken: {opened}." if opened else ""
    return (f"**The outputs below** were made by `make notebooks-outputs`{size}. They took "
            f"{_minutes(facts['processor_seconds'])} of processor time ({_minutes(facts['seconds'])} on the clock, "
            f"beside whatever else the machine did) on {facts['cores']} cores of an {facts['processor']}, with "
            f"{versions}.{opened}")


def _minutes(seconds):
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def _write(source, chosen, work):
    """Executes one source at the scale ``chosen`` and writes its .ipynb; returns the facts."""
    import nbformat

    text = source.read_text(encoding="utf-8")
    opened = {stage: seconds for stage, seconds in _stages_done(work).items()
              if _CALLS.get(stage.partition(":")[0], "-") in text}
    started, before = time.perf_counter(), _processor_seconds()
    notebook = portable(execute(source, work, {scale.VARIABLE: chosen}), work)
    facts = {"scale": chosen if "scale." in text else None,  # one that trains nothing has no size
             "opened": opened, "seconds": round(time.perf_counter() - started, 1),
             "processor_seconds": round(_processor_seconds() - before, 1), "processor": environment.processor_name(),
             "cores": os.cpu_count(), "versions": environment.versions()}
    text = nbformat.writes(sources.annotated(notebook, facts, note(facts))) + "\n"
    atomic_write_text(source.with_suffix(".ipynb"), text)
    if len(text.encode()) > MOST_BYTES:
        raise ArgumentError(source.stem, f"a notebook of at most {MOST_BYTES} bytes", len(text.encode()),
                            "show fewer or smaller pictures")
    return facts


def _stages_done(work):
    """Stage -> seconds of the run of paper 001 in ``work``, so far."""
    path = Path(work) / RUN / "stages.json"
    done = json.loads(path.read_text(encoding="utf-8"))["done"] if path.is_file() else {}
    return {stage: found["seconds"] for stage, found in done.items() if found["seconds"] >= 1}


def _processor_seconds():
    """Of the kernels that have ended."""
    import resource  # not on Windows

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(arguments=None):
    """The command line; notebooks are executed one after the other, those of paper 001 in one run."""
    parser = argparse.ArgumentParser(prog="python -m covid3dgan.notebooks.outputs", description=__doc__.splitlines()[0])
    names = [source.stem for source in sources.sources()]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; all if none is named")
    parser.add_argument("--scale", choices=tuple(scale.SCALES), default="small")
    parser.add_argument("--work", help="folder to work in, kept for the next call; by default a temporary one")
    args = parser.parse_args(arguments)
    unknown = sorted(set(args.names) - set(names))
    if unknown:
        parser.error(f"expected names of {', '.join(names)}, found {', '.join(unknown)}")
    chosen = set(args.names or names)
    with contextlib.nullcontext(args.work) if args.work else tempfile.TemporaryDirectory() as work:
        for name in [*(name for name in STAGES if name in chosen), *sorted(chosen - set(STAGES))]:
            facts = _write(sources.FOLDER / f"{name}.py", args.scale, work)
            print(f"{name}: {facts['processor_seconds']:.0f} s of processor time, {facts['seconds']:.0f} s", flush=True)


if __name__ == "__main__":
    main()
