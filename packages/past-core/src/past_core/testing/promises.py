"""What several checks share: stating a promise, interrupting work, damaging saved files."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from past_core.errors import DataError
from past_core.interfaces import Context

__all__ = ["Interruption", "Watch", "attempt", "check_damaged_files", "check_resumes", "expect"]


class Interruption(BaseException):
    """Stands for the end of the process; no plugin may catch it and go on."""


def expect(kept: bool, promise: str) -> None:
    """Raise ``AssertionError`` with the promise unless it was kept."""
    if not kept:
        raise AssertionError(promise)


@dataclass
class Watch:
    """A progress line that checks what it is told, and can interrupt half-way."""

    who: str
    interrupts: bool = False
    interrupted: bool = field(default=False, init=False)

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Take note; raise ``Interruption`` once half of the work is done, if asked to."""
        expect(
            isinstance(note, str) and 0 <= done <= total and total > 0,
            f"{self.who}: progress was told {done!r} of {total!r}, note {note!r}; "
            "expected 0 <= done <= total, total > 0 and a string",
        )
        if self.interrupts and not self.interrupted and done > 0 and 2 * done >= total:
            self.interrupted = True
            raise Interruption


def attempt(
    fit: Callable[[Context], Any], folder: Path, who: str, *, seed: int, interrupts: bool = False
) -> Any:  # noqa: ANN401
    """Call ``fit`` with a context in ``folder``; ``None`` if it was interrupted.

    The global random generators are set to something else before each call: a result
    must follow from the seed alone.
    """
    _scramble()
    folder.mkdir(parents=True, exist_ok=True)
    watch = Watch(who, interrupts)
    try:
        return fit(Context(folder, seed, progress=watch))
    except Interruption:
        return None


def check_resumes(
    fit: Callable[[Context], Any],
    same: Callable[[Any, Any], bool],
    undisturbed: Any,  # noqa: ANN401
    folder: Path,
    who: str,
    *,
    seed: int,
) -> None:
    """Interrupt work half-way, start it again, and compare with the undisturbed result."""
    attempt(fit, folder / "interrupted", who, seed=seed, interrupts=True)
    resumed = attempt(fit, folder / "interrupted", who, seed=seed)
    if not same(undisturbed, resumed):
        again = attempt(fit, folder / "again", who, seed=seed)
        expect(
            same(undisturbed, again),
            f"{who}: two runs with seed {seed} differ; on CPU the result must follow from the "
            "seed, whatever the state of the global random generators",
        )
        raise AssertionError(
            f"{who}: a run that was interrupted half-way and started again in the same folder "
            "differs from an undisturbed one"
        )


def check_damaged_files(saved: Path, load: Callable[[Path], Any], folder: Path, who: str) -> None:
    """Loading from an empty folder or from halved files must be a ``DataError``."""
    empty, halved = folder / "empty", folder / "halved"
    empty.mkdir(parents=True)
    shutil.copytree(saved, halved)
    for path in halved.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for place, what in ((empty, "an empty folder"), (halved, "truncated files")):
        try:
            load(place)
        except DataError:
            continue
        except Exception as error:
            raise AssertionError(
                f"{who}: loading {what} raised {type(error).__name__} ({error}); expected "
                "past_core.errors.DataError, which names file and remedy"
            ) from error
        raise AssertionError(f"{who}: loading {what} raised nothing; expected a DataError")


def _scramble() -> None:
    """Leave the global generators in a state that no one can rely on."""
    entropy = random.SystemRandom().getrandbits(31)
    random.seed(entropy)
    np.random.seed(entropy)  # noqa: NPY002  (the legacy generator is what plugins might use)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(entropy)
