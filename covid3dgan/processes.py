"""Independent jobs side by side, each in a process of its own."""

__all__ = ["each"]

import concurrent.futures
import contextlib
import multiprocessing
import os

from covid3dgan import progress

THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS",
                 "TF_NUM_INTEROP_THREADS")
LOOK_EVERY = 1.0  # seconds


def each(work, jobs, workers, threads=1, meanwhile=None):
    """Yields (job, ``work(job)``) as they come, and (job, None) where a process ended before its job did.

    Args:
        work: a function of one job at the top of its module; it and the jobs are sent to the processes.
        jobs: a list.
        workers: processes; everything happens in this one where one is enough. More than one only where the caller's
            own script is guarded by ``__name__``.
        threads: of each process; every one has a job of its own to do, and further threads only wait for each other.
        meanwhile: called about once a second while processes work.
    """
    workers = min(workers, len(jobs))
    if workers <= 1:
        for job in jobs:
            yield job, work(job)
        return
    # Spawned, since a fork of a process that has loaded TensorFlow can hang; quiet, since the caller shows progress.
    environment = dict.fromkeys(THREAD_COUNTS, str(threads))
    environment["TF_CPP_MIN_LOG_LEVEL"] = os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3")  # what matters is an exception
    with _environment(environment), concurrent.futures.ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), progress.set_quiet, (True,)) as pool:
        waiting = {pool.submit(work, job): job for job in jobs}
        try:
            while waiting:
                done, _ = concurrent.futures.wait(waiting, LOOK_EVERY if meanwhile else None,
                                                  concurrent.futures.FIRST_COMPLETED)
                if meanwhile:
                    meanwhile()
                for future in done:
                    try:
                        result = future.result()
                    except concurrent.futures.process.BrokenProcessPool:
                        result = None
                    yield waiting.pop(future), result
        finally:  # an interrupt does not wait for jobs that have not begun
            pool.shutdown(cancel_futures=True)


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
