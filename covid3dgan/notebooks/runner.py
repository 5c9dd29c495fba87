"""Executes a user's copy of a published notebook on today's stack, without changing the file."""

__all__ = ["default_paths", "run_notebook"]

import importlib.util
import logging
import os
import re
import sys
import time
from pathlib import Path

from covid3dgan import environment, progress
from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.files import atomic_write_text, refuse_overwrite, sha256, write_json
from covid3dgan.notebooks.kernel import kernel_client
from covid3dgan.notebooks.placeholders import parse_maps
from covid3dgan.notebooks.recorder import read_events
from covid3dgan.notebooks.run_report import RunReport

EXTENSION = "covid3dgan.notebooks.extension"
_KERAS = re.compile(r"\b(?:keras|tensorflow|tensorflow_addons)\b")
_NO_FILE = re.compile(r"(?i)no (?:such )?file or (?:directory|no access).*?([^\s'\"]+)['\"]?$|unable to open file: "
                      r"name = '([^']+)'", re.S)
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def default_paths(file, out=None):
    """(executed notebook, report, working directory) for a notebook; by default all beside it."""
    file = Path(file)
    out = Path(out) if out else file.with_name(f"{file.stem}.executed.ipynb")
    return out, out.with_suffix(".json"), out.with_name(f"{out.stem}_files")


def run_notebook(file, maps=(), steps=None, out=None, keep_going=False, phantoms=6, phantom_size=(112, 112, 40), seed=0,
                 overwrite=False, announce=progress.say, hidden=()):
    """Executes ``file`` in a kernel of this Python and writes the executed copy and its report.

    Args:
        file: the notebook.
        maps: ``PLACEHOLDER=PATH`` strings, see `placeholders.Placeholders`.
        steps: cap of loop counts such as ``nb_epoch``; None runs them in full.
        out: the executed notebook to write; FILE.executed.ipynb by default.
        keep_going: run the cells after a failing one as well.
        phantoms, phantom_size: how many cases of each kind stand in for missing data, and their voxels.
        seed: of the phantoms, and of the kernel's random numbers.
        overwrite: replace an earlier result.
        announce: gets the sentences that say what is run, and where.
        hidden: packages to treat as not installed.

    Returns:
        RunReport.
    """
    file = Path(file)
    _check_counts(steps, phantoms)
    notebook = _read(file)
    executed, report_path, work = _places(file, out, overwrite)
    mapped = parse_maps(maps)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    source = "\n".join(cell.source for cell in code)
    events, plan = work / ".events.jsonl", work / ".plan.json"
    events.unlink(missing_ok=True)
    write_json(plan, {"work": str(work), "notebook_folder": str(file.resolve().parent), "maps": mapped, "steps": steps,
                      "phantoms": phantoms, "phantom_size": list(phantom_size), "seed": seed, "events": str(events),
                      "keras": bool(_KERAS.search(source)), "source": source, "hidden": sorted(hidden)})
    announce(f"Running the code of {file} ({len(code)} cells). A notebook can do whatever you can do: read it first.")
    announce(f"kernel: {sys.executable}; working directory: {work}; the notebook itself is not changed")
    announce(_expected_time(source, steps))

    report = RunReport(
        notebook=str(file), executed=str(executed), report=str(report_path), working_directory=str(work),
        kernel={"python": sys.executable, "packages": environment.versions()}, sha256=sha256(file),
        options={"steps": steps, "maps": mapped, "phantoms": phantoms, "seed": seed, "keep_going": keep_going})
    try:
        _execute(notebook, code, plan, events, work, keep_going, report)
    except KeyboardInterrupt:
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # the cell's own interrupt, in a hundred lines
        announce(f"what ran is in {executed}")
        raise
    finally:
        report.unused_maps = _unused(mapped, report.events)
        _write(notebook, report)
        plan.unlink(missing_ok=True)
        events.unlink(missing_ok=True)
    return report


def _expected_time(source, steps):
    """A sentence on how long it will take on two cores, by what the notebook trains."""
    three, two = "Conv3D" in source, "Conv2D" in source and ".fit(" in source or "train_on_batch" in source
    if steps is None and (three or two):
        return "without --steps every loop runs in full: 10,000 steps of the 3D GAN take days without a GPU"
    if three:
        return f"it trains 3D networks: about {2 + steps} minutes on two cores; Ctrl-C keeps what has run"
    return f"about {'two minutes' if two else 'a minute'} on two cores; Ctrl-C keeps what has run"


def _check_counts(steps, phantoms):
    if steps is not None and steps < 1:
        raise ArgumentError("--steps", "a whole number of at least 1", steps, "leave it out to run every loop in full")
    if phantoms < 1:
        raise ArgumentError("--phantoms", "a whole number of at least 1", phantoms, "correct the value")


def _places(file, out, overwrite):
    """``default_paths``, checked: nothing is replaced unasked, and the working directory is there."""
    executed, report_path, work = default_paths(file, out)
    if executed.suffix != ".ipynb":
        raise ArgumentError("--out", "a name that ends in .ipynb", executed.name, "correct the name")
    if executed.resolve() == file.resolve():
        raise ArgumentError("--out", "another file than the notebook itself", str(executed), "name another")
    for path in (executed, report_path):
        refuse_overwrite(path, overwrite)
    work.mkdir(parents=True, exist_ok=True)
    return executed, report_path, work.resolve()


def _unused(mapped, events):
    """The placeholders that no path of the notebook was replaced by."""
    used = {event["what"] for event in events if event["kind"] == "mapping" and event["how"].endswith("(--map)")}
    return [key for key in mapped if not any(_mentions(what, key) for what in used)]


def _read(file):
    missing = [name for name in ("nbformat", "nbclient", "ipykernel") if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError("notebook run", "the packages nbformat, nbclient and ipykernel", f"no {', no '.join(missing)}",
                         "run pip install 'covid3dgan[notebook]'")
    import nbformat

    if not file.is_file():
        raise InputError(file, "a notebook", "no such file", "check the path")
    try:
        notebook = nbformat.read(file, as_version=4)
        nbformat.validate(notebook)
    except Exception as error:  # nbformat raises many kinds for a file that is no notebook
        raise InputError(file, "a Jupyter notebook (.ipynb)", f"{type(error).__name__}: {_first_line(error)}",
                         "check the file") from error
    return notebook


def _execute(notebook, code, plan, events, work, keep_going, report):
    """Runs every code cell, filling ``report``; the kernel ends with the last one."""
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    for cell in code:
        cell.outputs, cell.execution_count = [], None
    client = kernel_client(notebook, work)
    seen = 0
    environ = {**os.environ, "COVID3DGAN_NOTEBOOK_PLAN": str(plan), "TF_CPP_MIN_LOG_LEVEL": "3",
               "PYTHONPATH": os.pathsep.join(filter(None, [str(Path(__file__).resolve().parents[2]),
                                                           os.environ.get("PYTHONPATH")]))}
    stop = None
    log = work / "kernel.log"
    with open(log, "wb") as handle, client.setup_kernel(env=environ, cwd=str(work), cleanup_kc=True, stderr=handle,
                                                        stdout=handle):
        _prepare(client)
        bar = progress.bar(total=len(code), description="cells", unit="cell")
        client.show = lambda line: bar.set_postfix_str(line[:60])
        for number, cell in enumerate(code, 1):
            entry = {"number": number, "status": "not run", "seconds": 0.0, "error": None,
                     "first_line": (cell.source.strip().splitlines() or [""])[0][:80]}
            report.cells.append(entry)
            if stop:
                continue
            bar.set_postfix_str(entry["first_line"][:60])
            started = time.perf_counter()
            try:
                client.execute_cell(cell, notebook.cells.index(cell))
                entry["status"] = "done"
            except CellExecutionError as error:
                entry.update(status="failed", error=_ANSI.sub("", f"{error.ename}: {error.evalue}").strip()
                             + _hint(error))
                stop = None if keep_going else "stopped at the first failure"
            except DeadKernelError:
                entry.update(status="failed", error=f"the kernel died, most often for want of memory; see {log}")
                stop = "the kernel died"
            except KeyboardInterrupt:
                entry.update(status="failed", error="interrupted")
                report.ended = f"interrupted; what ran is in {report.executed}"
                raise
            entry["seconds"] = round(time.perf_counter() - started, 2)
            found = read_events(events, seen)
            seen += len(found)
            for event in found:
                report.add(event, number)
            bar.update(1)
        bar.close()
    report.ended = stop
    if stop != "the kernel died":
        log.unlink()


def _hint(error):
    """What to do about a file that is not there."""
    found = _NO_FILE.search(error.evalue) if error.ename in ("FileNotFoundError", "OSError") else None
    if not found:
        return ""
    name = (found[1] or found[2]).rstrip("/").rpartition("/")[2]
    return f" (--map '{name}=PATH' names your own)"


def _prepare(client):
    """Loads the extension in the kernel, in a cell that the notebook does not have."""
    import nbformat
    from nbclient.exceptions import CellExecutionError

    load = nbformat.v4.new_code_cell(
        f"assert get_ipython().extension_manager.load_extension({EXTENSION!r}) is None")
    client.nb.cells.append(load)
    try:
        client.execute_cell(load, len(client.nb.cells) - 1, store_history=False)
    except CellExecutionError as error:
        raise RuntimeError(f"the kernel could not be prepared: {error.ename}: {error.evalue}") from error
    finally:
        client.nb.cells.remove(load)


def _write(notebook, report):
    """The executed notebook, with the report as its first cell, and the report as JSON beside it."""
    import nbformat

    note = nbformat.v4.new_markdown_cell(report.markdown())
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        note.pop("id", None)
    notebook.cells.insert(0, note)
    notebook.metadata["covid3dgan"] = {"notebook": report.notebook, "sha256": report.sha256}
    atomic_write_text(report.executed, nbformat.writes(notebook))
    write_json(report.report, report.as_dict())


def _mentions(what, key):
    """Whether an event's text came from the placeholder ``key``."""
    plain = key.strip("'\"").removeprefix("./").rstrip("/").casefold()
    return plain in what.casefold()


def _first_line(error):
    return (str(error).splitlines() or [""])[0][:120]
