"""Independent jobs side by side, each in a process of its own."""

__all__ = ["each"]

import concurrent.futures
import contextlib
import itertools
import multiprocessing
import os
import signal
import sys
import threading

from covid3dgan import progress

THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS",
                 "TF_NUM_INTEROP_THREADS")
LOOK_EVERY = 1.0  # seconds


def each(work, jobs, workers, threads=1, meanwhile=None, apart=False):
    """Yields (job, ``work(job)``) as they come, and (job, None) where a process ended before its job did.

    What a job raises is raised here; this, an interrupt, and the end of this process end the other jobs, too.

    Args:
        work: a function of one job at the top of its module; it and the jobs are sent to the processes.
        jobs: a list.
        workers: processes; everything happens in this one where one is enough. More than one, and ``apart``, only
            where the caller's own script is guarded by ``__name__``.
        threads: of each process; every one has a job of its own to do, and further threads only wait for each other.
        meanwhile: called about once a second while processes work.
        apart: a process of its own also where one is enough: its memory is free when it ends.
    """
    workers = min(workers, len(jobs))
    if workers <= 1 and not apart:
        for job in jobs:
            yield job, work(job)
        return
    # Spawned, since a fork of a process that has loaded TensorFlow can hang; quiet, since the caller shows progress.
    environment = dict.fromkeys(THREAD_COUNTS, str(threads))
    environment["TF_CPP_MIN_LOG_LEVEL"] = os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3")  # what matters is an exception
    others = multiprocessing.active_children()
    with _environment(environment), concurrent.futures.ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), _begin) as pool:
        # No more jobs than processes are handed over at a time: one that a process holds cannot be taken back.
        left = iter(jobs)
        waiting = {_submit(pool, work, job): job for job in itertools.islice(left, workers)}
        try:
            while waiting:
                done, _ = concurrent.futures.wait(waiting, LOOK_EVERY if meanwhile else None,
                                                  concurrent.futures.FIRST_COMPLETED)
                if meanwhile:
                    meanwhile()
                for future in done:
                    job = waiting.pop(future)
                    for following in itertools.islice(left, 1):
                        waiting[_submit(pool, work, following)] = following
                    try:
                        result = future.result()
                    except concurrent.futures.process.BrokenProcessPool:
                        result = None
                    yield job, result
        finally:
            if waiting:  # an interrupt or an error here: what is still at work stops, and nothing half written stays
                for process in set(multiprocessing.active_children()) - set(others):
                    process.terminate()


def _submit(pool, work, job):
    """A future of ``work(job)``. The new process does not hear Ctrl+C: the caller does, and ends it."""
    heard = signal.getsignal(signal.SIGINT)
    # No other thread may set signals, and what is not Python's handler could not be put back.
    deaf = threading.current_thread() is threading.main_thread() and heard is not None
    if deaf:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return pool.submit(work, job)
    except concurrent.futures.process.BrokenProcessPool as error:
        future = concurrent.futures.Future()
        future.set_exception(error)
        return future
    finally:
        if deaf:
            signal.signal(signal.SIGINT, heard)


def _begin():
    """At the start of every process."""
    progress.set_quiet(True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leaves work by its finally clauses, which clean up
    threading.Thread(target=_end_with_the_caller, daemon=True).start()


def _end_with_the_caller():
    """Nobody would fetch the result, and a process that waits for its next job would wait forever."""
    multiprocessing.parent_process().join()
    os._exit(1)


@contextlib.contextmanager
def _environment(values):
    """Environment variables for the processes that are started inside."""
    earlier = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in earlier.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
