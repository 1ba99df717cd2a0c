"""Pictures of the report: the run's own panels, and the worst scans in three planes."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from past_cli.drawing import PLANES, centre_of, draw_contours, slice_of
from past_core.volume import load_volume

if TYPE_CHECKING:
    from past_core.pipeline import Run
    from past_core.pipeline.opened import Segmented

__all__ = ["Picture", "as_url", "panels", "scans"]

DPI = 110


@dataclass(frozen=True)
class Picture:
    """An image in the page."""

    said: str
    """What it shows, for those who cannot see it, and under it."""
    url: str
    """The image itself, as a ``data:`` address."""


SAID = {
    "translation": "Source scans, their translations, the translations with the source's labels, "
    "and target scans.",
    "pseudo-labels": "Target scans, and what each round of self-training took for labels there.",
    "": "Drawn by the run.",
    "segmentation": "Test scans with every system's segmentation (solid) and the reference "
    "(dotted).",
}


def panels(run: Run) -> Iterator[Picture]:
    """What the run drew at its end."""
    order = list(SAID)
    found = [(_kind(path), path) for path in (run.folder / "panels").glob("*.png")]
    for kind, path in sorted(found, key=lambda one: (order.index(one[0]), one[1].name)):
        name = path.stem.removeprefix(kind).strip("-")
        said = f"{SAID[kind]}{f' ({name})' if name else ''}"
        yield Picture(said, as_url(path.read_bytes()))


def _kind(path: Path) -> str:
    return next((kind for kind in SAID if kind and path.name.startswith(kind)), "")


def scans(run: Run, system: str, names: Sequence[str]) -> Iterator[Picture]:
    """Scans in three planes through the middle of what is segmented, with its outlines."""
    known = {one.case: one for one in run.segmented()}
    for name in names:
        one = known.get(name)
        path = None if one is None else one.predictions.get(system)
        if one is not None and path is not None and path.is_file() and one.image.is_file():
            yield _scan(run, one, path)


def _scan(run: Run, one: Segmented, path: Path) -> Picture:
    image = load_volume(one.image).canonical()
    found = run.roi.crop(load_volume(path, np.uint8)).canonical()
    true = None
    if one.reference is not None and one.reference.is_file():
        true = run.roi.crop(load_volume(one.reference, np.uint8)).canonical()
    centre = centre_of(found if true is None else true)
    figure = Figure(figsize=(9, 2.9))
    figure.subplots_adjust(left=0.005, right=0.995, bottom=0.02, top=0.9, wspace=0.02)
    for axis, (ax, plane) in enumerate(zip(figure.subplots(1, 3), PLANES, strict=True)):
        pixels, aspect = slice_of(image, centre[axis], axis)
        ax.imshow(pixels, cmap="gray", origin="lower", aspect=aspect, vmin=0, vmax=255)
        if true is not None:
            draw_contours(ax, true, centre[axis], axis, style="dotted")
        draw_contours(ax, found, centre[axis], axis)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set_title(plane, fontsize=9)
    with io.BytesIO() as file:
        figure.savefig(file, format="png", dpi=DPI)
        content = file.getvalue()
    dotted = "" if true is None else ", the reference dotted"
    return Picture(f"{one.case}: what is segmented (solid){dotted}", as_url(content))


def as_url(content: bytes, form: str = "png") -> str:
    """An image's content as an address that holds it."""
    return f"data:image/{form};base64,{base64.b64encode(content).decode()}"
