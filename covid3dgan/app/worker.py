"""The process that reads CTs and runs the network: one job after the other, with the network loaded once."""

__all__ = ["STAGES", "work"]

import datetime
import os
import re
import shutil
import signal
import threading
import warnings
from multiprocessing import parent_process
from pathlib import Path

import pydicom

from covid3dgan import progress
from covid3dgan.app.as_if_healthy import generator_behind
from covid3dgan.app.case_files import CaseFiles
from covid3dgan.data.preprocess.lungs import lung_mask_for
from covid3dgan.errors import ArgumentError, InputError, InputWarning
from covid3dgan.inference.inputs import find_inputs
from covid3dgan.inference.predictor import load_predictor
from covid3dgan.inference.slices import read_ct

STAGES = ("read", "lungs", "network")


def work(connection, model):
    """Loads the network, says so, then takes jobs until the server goes.

    Args:
        connection: of a pipe. Jobs come as dicts: ``job`` (id), ``source``, ``item``, ``half_done``, ``folder``. Dicts
            go back: ``ready`` or ``fatal`` (an InputError); then for a job ``found``, ``stage``, and ``done`` or
            ``failed``.
        model: as ``load_predictor`` takes it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the server's, which ends this process
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    progress.set_quiet(True)
    try:
        predictor = load_predictor(model)
        if not hasattr(predictor, "lung_method"):
            raise ArgumentError("--model", "a network that finds lesions in CTs",
                                f"one that segments {predictor.noun}s", "name another or leave it out")
        generator = generator_behind(predictor)
    except InputError as error:
        connection.send({"fatal": error})
        return
    connection.send({"ready": predictor.describe()})
    finder = _Finder()
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        _do(job, finder, predictor, generator, connection)


def _do(job, finder, predictor, generator, connection):
    """One job; whatever fails is a sentence for the user."""
    def tell(**what):
        connection.send({"job": job["job"], **what})

    try:
        item, others = finder.find(job["source"], job["item"])
        tell(found=item.id, others=others)
        files = CaseFiles(Path(job["folder"]))
        if not files.whole:
            _make(item, Path(job["half_done"]), files.folder, predictor, generator, tell)
        tell(done=files.about["facts"], about={key: files.about[key] for key in ("patient", "date")})
    except InputError as error:
        tell(failed=_without_place(finder.named(str(error)), job["source"]))
    except MemoryError:
        tell(failed="This CT needs more memory than this machine has; use thicker slices.")
    except OSError as error:
        tell(failed=f"The disk does not take it ({error.strerror or error}); make room and try again.")
    except Exception as error:  # the last resort: the queue goes on
        tell(failed=f"This CT cannot be segmented ({type(error).__name__}: {error}).")
    finally:
        shutil.rmtree(job["half_done"], ignore_errors=True)


def _make(item, half_done, folder, predictor, generator, tell):
    """Everything of a case, in a folder that takes its place when it is whole."""
    if item.problem is not None:
        raise item.problem
    if item.is_picture:
        raise InputError(item.path, "a CT of many slices", "a picture", "use covid3dgan predict for pictures")
    ct = read_ct(item)
    if not hasattr(ct, "canonical"):
        raise InputError(item.path, "a CT of many slices", "one slice", "use covid3dgan predict for single slices")
    tell(stage="lungs", voxels=ct.array.size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)  # they are in the facts
        lungs = lung_mask_for(ct, None, predictor.lungs_by)
        tell(stage="network", voxels=ct.array.size)
        prediction = predictor.predict(ct, ct.like(lungs))
        healthy, why = _healthy(generator, ct, lungs)
    # Sentences on this CT, without where it lies.
    doubts = [text.replace(f"{ct.source}: ", "") for text in prediction.facts["warnings"]]
    prediction.facts["warnings"] = [text[:1].upper() + text[1:] for text in doubts]
    about = {"id": item.id, "input": item.named(item.path), "model": predictor.describe(),
             "lungs": predictor.lungs_by, "healthy": why or True,
             "made": datetime.datetime.now().isoformat(timespec="seconds"), **_who(item)}
    CaseFiles(half_done).make(ct, prediction, predictor.threshold, about, healthy)
    os.replace(half_done, folder)


def _healthy(generator, ct, lungs):
    """(the CT as if it were healthy, None), or (None, the sentence that says why there is none)."""
    made, why = generator
    if made is None:
        return None, why
    try:
        return made.of(ct, lungs), None
    except InputError as error:  # the lesions are found all the same
        return None, "No CT as if healthy: " + str(error).replace(f"{ct.source}: ", "")


def _who(item):
    """The patient and the date of a DICOM series, as its first file says; empty for anything else."""
    found = {"patient": "", "date": "", "series": None}
    if item.series is None:
        return found
    header = pydicom.dcmread(item.series.files[0], stop_before_pixels=True, force=True)
    found["patient"] = str(header.get("PatientID") or header.get("PatientName") or "")[:100]
    date = str(header.get("AcquisitionDate") or header.get("SeriesDate") or header.get("StudyDate") or "")
    if len(date) == 8 and date.isdigit():
        found["date"] = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    return {**found, "series": item.series.facts()}


class _Finder:
    """Lists the CTs of a source, and remembers the latest: a folder with many is read once."""

    def __init__(self):
        self.source, self.inputs = None, []

    def find(self, source, wanted):
        """(inference.inputs.Input, ids of the source's other CTs where none was wanted)."""
        if source != self.source:
            self.source, self.inputs = None, []  # an archive that was unpacked goes with its inputs
            self.inputs = find_inputs(source)
            self.source = source
        if wanted is None:
            return self.inputs[0], [item.id for item in self.inputs[1:]]
        for item in self.inputs:
            if item.id == wanted:
                return item, []
        raise InputError(source, f"the CT {wanted}", "it is not there any more", "add the CT again")

    def named(self, text):
        """A sentence with the name of the upload in the place of where it lies."""
        for item in self.inputs[:1]:
            text = item.named(text)
        return text


def _without_place(text, source):
    """A sentence with the file's name in the place of its path: where uploads lie says nothing to their user."""
    source = Path(source)
    room = source if source.is_dir() else source.parent
    text = text.replace(f"{room}{os.sep}", "")
    return text.replace(str(room), "the upload" if re.fullmatch("[0-9a-f]{16}", room.name) else room.name)


def _end_with_the_server():
    parent_process().join()
    os._exit(1)
