"""What is said while a stage's work is done, and where native code ended it."""

from __future__ import annotations

import faulthandler
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from past_core.pipeline.layout import LOG

__all__ = ["faulted", "logged"]

FAULT = "Fatal Python error: "
"""What Python writes into the log when native code ends the process."""


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """Send what plugins log and print into the stage's log, and where native code faults."""
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    watches = not faulthandler.is_enabled()
    try:
        with path.open("a") as file, redirect_stdout(file), redirect_stderr(file):
            if watches:
                faulthandler.enable(file)
            try:
                yield
            finally:
                if watches:
                    faulthandler.disable()
    finally:
        logging.captureWarnings(capture=False)
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()


def faulted(folder: Path) -> str | None:
    """Which fault of native code ended the work in this folder, if its log ends with one."""
    try:
        text = (folder / LOG).read_text(errors="replace")
    except OSError:
        return None
    _, found, rest = text.rpartition(FAULT)
    return rest.splitlines()[0] if found else None
