"""Jobs in processes of their own."""

import math
import os
import time

from covid3dgan import processes


def test_several_processes_do_what_one_does():
    jobs = [9.0, 4.0, 1.0]
    expected = [(9.0, 3.0), (4.0, 2.0), (1.0, 1.0)]
    assert list(processes.each(math.sqrt, jobs, 1)) == expected
    assert sorted(processes.each(math.sqrt, jobs, 2), reverse=True) == expected


def test_a_job_whose_process_ended_has_no_result_and_the_caller_goes_on():
    assert list(processes.each(os._exit, [1, 1], 2)) == [(1, None), (1, None)]


def test_the_caller_may_look_around_while_processes_work():
    looks = []
    assert list(processes.each(time.sleep, [2.5], 1, meanwhile=lambda: looks.append(1))) == [(2.5, None)]
    assert not looks  # in the caller's own process nobody can
    list(processes.each(time.sleep, [2.5, 0.1], 2, meanwhile=lambda: looks.append(1)))
    assert len(looks) >= 3


def test_processes_take_one_blas_thread_and_the_caller_keeps_its_own(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    assert [value for _, value in processes.each(os.getenv, ["OMP_NUM_THREADS", "MKL_NUM_THREADS"], 2)] == ["1", "1"]
    assert os.environ["OMP_NUM_THREADS"] == "7" and "MKL_NUM_THREADS" not in os.environ
