"""Failures of the disk, put into a command's process: each write site fails once."""

from __future__ import annotations

import errno
import os
import re
import resource
import signal
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

ERRNOS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES, errno.EDQUOT)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGES = ("os.rename", "os.mkdir", "os.utime", "os.rmdir", "os.remove")


@dataclass(frozen=True)
class EachSiteOnce:
    """Lets the first write site fail that has not failed yet.

    A site is what is done (open, rename, ...) to which file of which kind of stage; scans and
    stages of a kind are alike. Python tells its audit hooks of these before they are done.
    """

    folder: Path
    """Of the run."""
    failed: Path
    """A file with a line for each site that has failed, outside of the run's folder."""
    one_in: int = 1
    """Only one of so many sites, picked by the hash of its name."""
    shift: int = 0
    """Another number picks other sites, and other failures for each."""
    reading: bool = False
    """Reading fails instead of writing, by EIO."""

    def __call__(self) -> None:
        known = set(self.failed.read_text().splitlines()) if self.failed.exists() else set()

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            path = self._path(event, arguments)
            if path is None or self.folder not in path.parents:
                return
            site = f"{event} {_alike(path.relative_to(self.folder).as_posix())}"
            number = zlib.crc32(f"{self.shift} {site}".encode())
            if site in known or number % self.one_in:
                return
            known.add(site)
            with self.failed.open("a") as file:
                file.write(f"{site}\n")
            code = errno.EIO if self.reading else ERRNOS[number // self.one_in % len(ERRNOS)]
            raise OSError(code, os.strerror(code), str(path))

        sys.addaudithook(hook)

    def _path(self, event: str, arguments: tuple[object, ...]) -> Path | None:
        if event == "open":
            writes = isinstance(arguments[2], int) and bool(arguments[2] & WRITING)
            wanted = writes != self.reading
        else:
            wanted = event in CHANGES and not self.reading
        first = arguments[0] if wanted else None
        return Path(os.fsdecode(first)) if isinstance(first, (str, bytes, os.PathLike)) else None


@dataclass(frozen=True)
class LargestFile:
    """No file may be larger: writing fails half way, in whatever code writes, by the kernel."""

    size: int

    def __call__(self) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.size, resource.RLIM_INFINITY))


def _alike(path: str) -> str:
    """The same name for what is alike: without process, case and fingerprint."""
    path = re.sub(r"\.\d+\.partial\.", ".partial.", path)
    path = re.sub(r"-[0-9a-f]{12}(?=/|$)", "", path)
    path = re.sub(
        r"(crop|fit|judge|predict|combine|score|choose|trust|label|select)-[^/]*", r"\1", path
    )
    path = re.sub(r"segmentations/[^/]+", "segmentations/SYSTEM", path)
    return re.sub(r"\d+", "#", path)
