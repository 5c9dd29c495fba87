"""Independent jobs side by side, each in a process of its own."""

__all__ = ["each"]

import concurrent.futures
import contextlib
import multiprocessing
import os

from covid3dgan import progress

# Every process has a job of its own to do; BLAS threads on top of that only wait for each other.
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


def each(work, jobs, workers):
    """Yields (job, ``work(job)``) as they come, and (job, None) where a process ended before its job did.

    Args:
        work: a function of one job at the top of its module; it and the jobs are sent to the processes.
        jobs: a list.
        workers: processes; everything happens in this one where one is enough. More than one only where the caller's
            own script is guarded by ``__name__``.
    """
    workers = min(workers, len(jobs))
    if workers <= 1:
        for job in jobs:
            yield job, work(job)
        return
    # Spawned, since a fork of a process that has loaded TensorFlow can hang; quiet, since the caller shows progress.
    with _environment(ONE_THREAD), concurrent.futures.ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), progress.set_quiet, (True,)) as pool:
        waiting = {pool.submit(work, job): job for job in jobs}
        try:
            for future in concurrent.futures.as_completed(waiting):
                try:
                    result = future.result()
                except concurrent.futures.process.BrokenProcessPool:
                    result = None
                yield waiting[future], result
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
