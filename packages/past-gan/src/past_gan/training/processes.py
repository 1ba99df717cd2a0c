"""Several processes that share one training: started, listened to, their failures told."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from logging.handlers import QueueHandler
from typing import TYPE_CHECKING, Any, Self

from torch.multiprocessing import get_context
from torch.multiprocessing.spawn import ProcessException, ProcessExitedException

from past_core.errors import PastError
from past_gan.training.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightning_fabric import Fabric

    from past_core.interfaces.context import Progress

    Work = Callable[[Runtime, Progress], None]

__all__ = ["run_shared"]

PAUSE = 0.05
"""Seconds between looks for news."""
FAREWELL = 5.0
"""Seconds to read the last news: a process that was killed may have left half a message."""


def run_shared(work: Work, fabric: Fabric, progress: Progress) -> None:
    """Do the work in all processes of ``fabric``; returns when the last has ended.

    Progress and log records of the first process come out here.

    Parameters
    ----------
    work
        Called in each process; it is pickled.

    Raises
    ------
    PastError, OSError
        What a process raised of these.
    PastError
        If a process was killed.
    ProcessException
        Of any other failure, with its traceback as text.
    """
    queue = get_context("spawn").SimpleQueue()
    listener = _Listener(queue, progress)
    try:
        with listener:
            fabric.launch(_Share(work, queue, logging.getLogger().level))
    except ProcessException as error:
        told = listener.failure or _killed(error)
        if told is None:
            raise
        raise told from error
    if listener.failure is not None:
        raise listener.failure


@dataclass(frozen=True)
class _Share:
    """What one of the processes does."""

    work: Work
    queue: Any
    log_level: int

    def __call__(self, fabric: Fabric) -> None:
        first = fabric.global_rank == 0

        def progress(done: int, total: int, note: str = "") -> None:
            if first:
                self.queue.put((done, total, note))

        root = logging.getLogger()
        root.setLevel(self.log_level)
        root.addHandler(_SimpleQueueHandler(self.queue) if first else logging.NullHandler())
        try:
            self.work(Runtime(fabric), progress)
        except (PastError, OSError) as error:
            self.queue.put(error)
            raise


class _SimpleQueueHandler(QueueHandler):
    """Puts log records into the queue that everything else goes through."""

    def __init__(self, told: Any) -> None:  # noqa: ANN401
        super().__init__(told)
        self.told = told

    def enqueue(self, record: logging.LogRecord) -> None:
        self.told.put(record)


class _Listener(threading.Thread):
    """Hands on what the processes tell, to the end whatever comes of it.

    A queue that nobody empties is full after a while, and then whoever tells waits forever.
    """

    def __init__(self, queue: Any, progress: Progress) -> None:  # noqa: ANN401
        super().__init__(daemon=True, name="listener")
        self.queue = queue
        self.progress = progress
        self.failure: Exception | None = None
        """The first that a process told, or that handing on raised."""
        self._ending = threading.Event()

    def run(self) -> None:
        while True:
            last = self._ending.is_set()
            while not self.queue.empty():
                self._hand_on(self.queue.get())
            if last:
                return
            time.sleep(PAUSE)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        """Return when everything told so far is handed on."""
        self._ending.set()
        self.join(FAREWELL)

    def _hand_on(self, told: Any) -> None:  # noqa: ANN401
        try:
            if isinstance(told, Exception):
                raise told
            if isinstance(told, logging.LogRecord):
                logging.getLogger(told.name).handle(told)
            else:
                self.progress(*told)
        except Exception as error:
            self.failure = self.failure or error


def _killed(error: ProcessException) -> PastError | None:
    if not isinstance(error, ProcessExitedException):
        return None
    reason = error.signal_name or f"exit code {error.exit_code}"
    return PastError(
        f"a process of the training was ended from outside ({reason}), which is often want of "
        "memory. Lower batch_size or processes. The same command goes on from the last checkpoint."
    )
