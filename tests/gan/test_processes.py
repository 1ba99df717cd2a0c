"""Processes that share a training: what they tell, and how their failures come out."""

import logging
import os
import signal

import pytest
from torch.multiprocessing.spawn import ProcessRaisedException

from past_core.errors import PastError
from past_gan.training.processes import run_shared
from past_gan.training.runtime import new_fabric


def talks(runtime, progress):
    logging.getLogger("test").warning("from process %s", runtime.rank)
    # More than a pipe holds.
    for step in range(3000):
        progress(step, 3000, "x" * 50)


def has_no_space(runtime, progress):
    if runtime.rank == 1:
        raise OSError(28, "No space left on device")


def is_killed(runtime, progress):
    if runtime.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)


def has_a_defect(runtime, progress):
    raise AssertionError("ours")


def run(work, progress=lambda *_: None):
    run_shared(work, new_fabric("cpu", "float32", 2), progress)


def test_progress_and_log_come_out_here_and_once(caplog, capfd):
    told = []
    run(talks, lambda done, *_: told.append(done))
    assert told == list(range(3000))
    assert [record.message for record in caplog.records] == ["from process 0"]
    assert "Initializing distributed" not in "".join(capfd.readouterr())


def test_a_progress_that_fails_ends_the_work_with_its_error_and_no_hang():
    def broken(*_):
        raise ValueError("the terminal is gone")

    with pytest.raises(ValueError, match="terminal"):
        run(talks, broken)


def test_a_full_disk_is_told_as_such():
    with pytest.raises(OSError, match="No space left"):
        run(has_no_space)


def test_a_killed_process_is_named_with_what_to_do():
    with pytest.raises(PastError, match=r"SIGKILL.*batch_size"):
        run(is_killed)


def test_a_defect_keeps_its_traceback():
    with pytest.raises(ProcessRaisedException, match="has_a_defect"):
        run(has_a_defect)
