"""Where stages are worked at: in this process, or in several.

Any ``concurrent.futures.Executor`` whose workers see the run folder will do; these two are
for one machine. Never threads: a stage's log takes over its process's output, and nnU-Net's
folders are environment variables.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any

from past_core.device import require_cores, resolve_device, set_threads

__all__ = ["Inline", "Processes", "default_jobs"]

LOOK = 0.5
"""Seconds between two looks of a worker at whether its run is still there."""
PATIENCE = 5.0
"""Seconds to wait for the exit codes of workers, once one has died."""


def default_jobs(device: str) -> int:
    """Stages at a time where nobody says how many.

    Two on a CPU of two cores or more: a translator is trained beside segmenters that do not
    wait for it. One on a GPU, whose memory stages would share.

    Parameters
    ----------
    device
        As ``resolve_device`` takes it.
    """
    return 2 if resolve_device(device) == "cpu" and (os.cpu_count() or 1) > 1 else 1


class Inline(Executor):
    """Works in this process, one stage after the other."""

    jobs = 1

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        """Call the function now; an interruption is not kept in the future but goes on up."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Processes(ProcessPoolExecutor):
    """Works in processes of its own, which end with this one, however it ends."""

    def __init__(self, jobs: int, threads: int | None = None) -> None:
        """Share the machine's cores among the jobs.

        Parameters
        ----------
        jobs
            Stages at a time.
        threads
            Of each; by default its share of the cores, unless ``OMP_NUM_THREADS`` says more.

        Raises
        ------
        ConfigError
            If there are more jobs than any use of this machine could have.
        """
        require_cores(jobs, "--jobs")
        self.jobs = jobs
        self._workers: dict[int, multiprocessing.process.BaseProcess] = {}
        if threads is None and "OMP_NUM_THREADS" not in os.environ:
            threads = max(1, (os.cpu_count() or 1) // jobs)
        super().__init__(
            jobs,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(threads,),
        )

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        """Hand the call to a free process."""
        future = super().submit(fn, *args, **kwargs)
        for process in multiprocessing.active_children():
            if process.pid is not None:
                self._workers.setdefault(process.pid, process)
        return future

    def signals(self) -> dict[int, signal.Signals]:
        """Processes that were ended by a signal, by their number."""
        # The pool's own thread collects the exit codes; who asks beside it may come a moment early.
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and any(
            process.exitcode is None for process in self._workers.values()
        ):
            time.sleep(0.05)
        return {
            pid: signal.Signals(-process.exitcode)
            for pid, process in self._workers.items()
            if process.exitcode is not None and process.exitcode < 0
        }

    def kill(self) -> None:
        """End all work at once; what was at work goes on from its last checkpoint next time."""
        for process in self._workers.values():
            process.kill()
        self.shutdown(wait=True, cancel_futures=True)


def _begin(threads: int | None) -> None:
    """Prepare a worker: its share of the cores, and an end when the run's process ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run's process decides
    if threads is not None:
        set_threads(threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End at once, not after a while in which the next run has begun."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    # A process that the parent forked would keep the pipe open by which join knows: look, too.
    while parent.is_alive() and os.getppid() == parent.pid:
        parent.join(LOOK)
    os._exit(1)
