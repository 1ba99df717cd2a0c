"""What is fuzzed: a thing on disk that is good, a way to read it, and what must never happen."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import time
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from past_core.errors import PastError
from tests.fuzz.mutations import mutate, rename

SECONDS = 10.0
"""That one input may take."""
MEMORY = 256
"""MiB by which one input may raise the peak."""
MESSAGE = 4000
"""Characters that an error may have."""


# nibabel and our own packages say there what they doubt of each input.
logging.getLogger().addHandler(logging.NullHandler())
logging.getLogger("nibabel").setLevel(logging.CRITICAL)


UNSEALED = (ValueError, KeyError, TypeError, OSError, AttributeError, RecursionError)
"""What sealing a thing meets that was altered beyond reading."""


class WrongAnswerError(Exception):
    """An input that got another answer than it must."""


class _Hung(BaseException):
    """Ends what takes too long; no ``except Exception`` holds it up."""


@dataclass
class Target:
    """A reader, with something that it reads.

    ``make(folder)`` writes the good thing and gives ``read``'s argument; ``read(made)`` reads it,
    as thoroughly as the program ever does. Files whose names end with one of ``files`` are
    altered; all others stay as they are.
    """

    name: str
    make: object
    read: object
    files: tuple[str, ...]
    files_come_and_go: bool = True
    """Whether files are also removed, renamed and exchanged for folders."""
    seal: object = None
    """Called with ``made`` after a change, to mend a checksum that would hide what is behind."""


@dataclass
class Prepared:
    """A target in a folder of its own; ``attempt`` tries one input."""

    target: Target
    root: object
    counts: dict = field(default_factory=lambda: {"refused": 0, "accepted": 0})
    slowest: float = 0.0
    most: int = 0
    """MiB that one input took."""
    change: str = ""
    """What was altered last, for a report."""

    def __post_init__(self):
        self.inside = self.root / "inside"
        self.inside.mkdir(parents=True)
        self.made = self.target.make(self.inside)
        self.target.read(self.made)  # the good thing must be accepted
        self.kept = {
            path: (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(self.inside.rglob("*"))
            if path.is_file()
        }
        self.folders = {path for path in self.inside.rglob("*") if path.is_dir()}
        self.altered = [path for path in self.kept if path.name.endswith(self.target.files)]
        assert self.altered, f"{self.target.name}: nothing to alter"
        self.beside = set(self.root.iterdir())

    def attempt(self, random):
        """Alter, read, put back; says whether the input was accepted."""
        before, start = forget_peak(), time.perf_counter()
        try:
            self._alter(random)
            if self.target.seal is not None and random.randrange(2):
                with suppress(*UNSEALED):
                    self.target.seal(self.made)
            start = time.perf_counter()
            answer = self._read()
        finally:
            self.slowest = max(self.slowest, time.perf_counter() - start)
            self._restore()
        grown = peak_memory() - before
        self.most = max(self.most, grown)
        if grown > MEMORY:
            raise WrongAnswerError(f"{self}: {grown} MiB more memory")
        self.counts[answer] += 1
        return answer

    def _read(self):
        try:
            with _limited(SECONDS), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.target.read(self.made)
        except PastError as error:
            if len(str(error)) > MESSAGE:
                raise WrongAnswerError(f"{self}: {len(str(error))} characters said") from error
            answer = "refused"
        except _Hung:
            raise WrongAnswerError(f"{self}: more than {SECONDS} s") from None
        except Exception as error:
            said = f"{type(error).__name__}: {str(error)[:300]}"
            raise WrongAnswerError(f"{self}: {said}") from error
        else:
            answer = "accepted"
        if strange := set(self.root.iterdir()) - self.beside:
            raise WrongAnswerError(f"{self}: wrote outside its folder: {strange}")
        return answer

    def _alter(self, random):
        path = random.choice(self.altered)
        self.change = str(path.relative_to(self.inside))
        what = random.randrange(40) if self.target.files_come_and_go else 40
        if what == 0:
            path.unlink()
        elif what == 1:
            path.unlink()
            path.mkdir()
        elif what == 2:
            path.rename(path.with_name(rename(random)))
        elif what == 3:
            shutil.copy2(random.choice(self.altered), path.with_name(f"x{path.name}"))
        elif what == 4:
            path.write_bytes(self.kept[random.choice(self.altered)][0])
        else:
            outside = self.root / "outside"
            content, when = self.kept[path]
            path.write_bytes(mutate(path.name, content, random, outside))
            if random.randrange(2):
                os.utime(path, ns=(when, when))

    def _restore(self):
        for path in set(self.root.iterdir()) - self.beside:
            _remove(path)
        for folder in sorted(self.folders):
            folder.mkdir(exist_ok=True, parents=True)
        for path in sorted(self.inside.rglob("*"), reverse=True):
            if path not in self.kept and path not in self.folders:
                _remove(path)
        for path, (content, when) in self.kept.items():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            now = path.stat() if path.is_file() and not path.is_symlink() else None
            if now is None or (now.st_size, now.st_mtime_ns) != (len(content), when):
                same = now is not None and path.read_bytes() == content
                if not same:
                    path.unlink(missing_ok=True)
                    path.write_bytes(content)
                os.utime(path, ns=(when, when))
            elif self.change == str(path.relative_to(self.inside)):
                path.write_bytes(content)  # altered, but with the old size and time
                os.utime(path, ns=(when, when))

    def __str__(self):
        return f"{self.target.name}, {self.change} altered"


def _remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def peak_memory():
    """MiB of memory that this process had at most since ``forget_peak``."""
    return _status("VmHWM")


def forget_peak():
    """Let the peak be what is in use now; in MiB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(what):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) // 1024


@contextmanager
def _limited(seconds):
    def end(*_):
        raise _Hung

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
