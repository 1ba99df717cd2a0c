"""What a training leaves to look at: losses as CSV and TensorBoard curves, preview panels."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from past_core.files import atomic_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

__all__ = ["Records"]

ROWS = 2000
"""About so many rows are written to ``losses.csv``."""


class Records:
    """``losses.csv``, ``previews/`` and ``tensorboard/`` in a folder.

    Parameters
    ----------
    folder
        Made when something is written.
    first
        Steps already done; later rows of an interrupted training are dropped.
    iterations
        Steps of the whole training, of which about ``ROWS`` are noted.
    active
        Whether this process writes at all.
    """

    def __init__(self, folder: Path, first: int, iterations: int, active: bool) -> None:
        self.folder = folder
        self.active = active
        self.interval = max(1, iterations // ROWS)
        self.rows: list[dict[str, Any]] = []
        path = folder / "losses.csv"
        if first and path.is_file():
            with path.open(newline="") as file:
                self.rows = [row for row in csv.DictReader(file) if int(row["step"]) <= first]
        self._board: SummaryWriter | None = None
        if active:
            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=first + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._board is not None:
            self._board.close()

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Note the losses of a step, if it is one of those that are kept."""
        if self._board is None or step % self.interval:
            return
        self.rows.append({"step": step} | {name: f"{value:.6g}" for name, value in values.items()})
        for name, value in values.items():
            self._board.add_scalar(f"loss/{name}", value, step)

    def show(self, step: int, panel: npt.NDArray[np.uint8]) -> None:
        """Write a preview ``(height, width)`` as ``previews/STEP.png`` and into the curves."""
        if self._board is None:
            return
        with atomic_path(self.folder / "previews" / f"{step:07d}.png") as temporary:
            Image.fromarray(panel).save(temporary)
        self._board.add_image("preview", panel[None], step)

    def write(self) -> None:
        """Write the losses noted so far as ``losses.csv``: a row a step, a column a loss term."""
        if not self.rows:
            return
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(self.rows[-1]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        with atomic_path(self.folder / "losses.csv") as temporary:
            temporary.write_text(text.getvalue())
