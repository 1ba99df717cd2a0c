"""Stages in processes of their own: how they fail, and how they end."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from past_core.errors import DataError
from past_core.pipeline import Processes, default_jobs
from past_core.pipeline.stage_log import faulted

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV"])
def test_a_stage_that_dies_by_a_signal_is_named_with_what_to_do(run, request_of, monkeypatch, name):
    monkeypatch.setenv("TOY_DIES", name)
    remedy = "fewer --jobs" if name == "SIGKILL" else "precision=float32"
    with (
        Processes(1, 1) as executor,
        pytest.raises(DataError, match=rf"stage fit-aligned was ended by {name}.*{remedy}"),
    ):
        run(request_of(rounds=0), executor=executor)
    monkeypatch.delenv("TOY_DIES")
    _, observed = run(request_of(rounds=0))
    told = [text for text in observed.notices if "fault of native code" in text]
    assert bool(told) == (name == "SIGSEGV")
    assert "fit-aligned" in observed.ran


def test_the_log_tells_a_fault_of_native_code(tmp_path):
    (tmp_path / "log.txt").write_text("x\nFatal Python error: Segmentation fault\n\nThread 1\n")
    assert faulted(tmp_path) == "Segmentation fault"
    (tmp_path / "log.txt").write_text("all is well\n")
    assert faulted(tmp_path) is None


@pytest.mark.parametrize(
    ("device", "cores", "jobs"),
    [("cpu", 1, 1), ("cpu", None, 1), ("cpu", 2, 2), ("cpu", 64, 2), ("cuda", 64, 1)],
)
def test_two_stages_at_a_time_on_a_cpu_that_has_two_cores(device, cores, jobs, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert default_jobs(device) == jobs


def test_an_error_in_a_process_is_the_runs_error(run, request_of, monkeypatch):
    monkeypatch.setenv("TOY_DIES", "DataError")
    with Processes(2, 1) as executor, pytest.raises(DataError, match="the toy refuses"):
        run(request_of(rounds=0), executor=executor)


def test_workers_end_with_the_process_that_started_them(tmp_path):
    code = textwrap.dedent(f"""
        import os, sys, time
        from pathlib import Path
        from past_core.pipeline import Processes, default_jobs
        def sleep():
            Path({str(tmp_path / "pid")!r}).write_text(str(os.getpid()))
            time.sleep(60)
        if __name__ == "__main__":
            executor = Processes(1, 1)
            executor.submit(sleep)
            time.sleep(60)
    """)
    script = tmp_path / "parent.py"
    script.write_text(code)
    parent = subprocess.Popen([sys.executable, script], cwd=ROOT)
    try:
        wait_for((tmp_path / "pid").exists)
        time.sleep(0.2)
        worker = int((tmp_path / "pid").read_text())
        parent.kill()
        parent.wait()
        wait_for(lambda: not alive(worker))
    finally:
        parent.kill()


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().split()[2]
    except OSError:
        return False
    return state != "Z"


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_stage_at_work_elsewhere_is_waited_for_and_then_refused(run, request_of, monkeypatch):
    from filelock import FileLock

    monkeypatch.setattr("past_core.pipeline.execute.PATIENCE", 0.1)
    result, _ = run(request_of(rounds=0))
    (fit,) = (result.folder / "stages").glob("fit-aligned-*")
    manifest = fit / "manifest.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(content | {"finished": False}))
    with FileLock(fit / ".lock"), pytest.raises(DataError, match="another process is still at"):
        run(request_of(rounds=0))
