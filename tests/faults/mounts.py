"""Small file systems of their own, where the machine lets tests mount any."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class CannotMountError(Exception):
    """Why this machine lets us mount nothing."""


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A tmpfs of so many bytes, as ``mount`` takes them."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def remount(folder: Path, options: str) -> None:
    """Change size, or writing (``ro``, ``rw``)."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def _mount(*arguments: str) -> None:
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CannotMountError("there is no mount command") from None
    if done.returncode:
        raise CannotMountError(f"this user may not mount a tmpfs: {done.stderr.strip()}")
