"""Jobs in processes of their own."""

import math
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from covid3dgan import processes
from covid3dgan.files import atomic_path


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


def test_one_job_has_a_process_of_its_own_where_it_is_to_be_apart():
    [(_, here)] = processes.each(_process, [None], 1)
    [(_, apart)] = processes.each(_process, [None], 1, apart=True)
    assert here == os.getpid() != apart
    assert list(processes.each(os._exit, [1], 1, apart=True)) == [(1, None)]


def _process(job):
    return os.getpid()


def test_processes_take_one_blas_thread_and_the_caller_keeps_its_own(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    assert [value for _, value in processes.each(os.getenv, ["OMP_NUM_THREADS", "MKL_NUM_THREADS"], 2)] == ["1", "1"]
    assert os.environ["OMP_NUM_THREADS"] == "7" and "MKL_NUM_THREADS" not in os.environ


def _slow_write(path):
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        time.sleep(120)


def _wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited for a minute"
        time.sleep(0.1)


def test_an_error_of_the_caller_ends_the_jobs_at_work_and_starts_no_further_one(tmp_path):
    def look():
        if len(list(tmp_path.iterdir())) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(processes.each(_slow_write, [tmp_path / name for name in "abcd"], 2, meanwhile=look))
    assert not multiprocessing.active_children()
    assert not list(tmp_path.iterdir())  # what was half written is gone, too


@pytest.mark.parametrize("sent, code", [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_processes_end_with_the_one_that_started_them(tmp_path, sent, code):
    script = tmp_path / "caller.py"
    script.write_text(f"""import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs this in the background had it ignored
sys.path.insert(0, {str(pathlib.Path(__file__).parent)!r})
from test_processes import _report_and_sleep, processes
if __name__ == "__main__":
    try:
        list(processes.each(_report_and_sleep, [{str(tmp_path / 'a')!r}, {str(tmp_path / 'b')!r}], 2))
    except KeyboardInterrupt:
        sys.exit(130)
""")
    caller = subprocess.Popen([sys.executable, str(script)], stderr=subprocess.PIPE, text=True)
    files = [tmp_path / "a", tmp_path / "b"]
    _wait_for(lambda: all(file.exists() and file.read_text() for file in files))
    caller.send_signal(sent)
    assert caller.wait(60) == code
    _wait_for(lambda: not any(os.path.exists(f"/proc/{file.read_text()}") for file in files))
    assert "Traceback" not in caller.stderr.read()


def _report_and_sleep(path):
    pathlib.Path(path).write_text(str(os.getpid()))
    time.sleep(120)
