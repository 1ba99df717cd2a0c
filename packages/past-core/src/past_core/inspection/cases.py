"""What one case's files hold."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import nibabel as nib
import numpy as np
import numpy.typing as npt

from past_core.case import Case
from past_core.checking import region_problems, volume_problems
from past_core.dataset import Dataset
from past_core.errors import ConfigError, DataError
from past_core.headers import read_header
from past_core.labels import Labels
from past_core.roi import ROI
from past_core.sizes import structure_volumes
from past_core.volume import Volume, load_volume, same_grid

__all__ = ["Seen", "look_at"]


@dataclass(frozen=True)
class Seen:
    """One case of one part; what could not be read is empty."""

    part: str
    """``source``, ``target``, ``test`` or ``validation``."""
    id: str
    image: str
    """Its path."""
    label: str | None
    protocol: str | None
    shape: tuple[int, ...] = ()
    """Voxels along each array axis."""
    spacing: tuple[float, ...] = ()
    """Voxel size in mm along each array axis."""
    orientation: str = ""
    """Where the array axes run: ``RAS`` is right, anterior, superior."""
    intensity: tuple[float, ...] = ()
    """1st percentile, median and 99th percentile of the image."""
    millilitres: dict[str, float] = field(default_factory=dict)
    """Volume of each structure, if there is a label."""
    outside: dict[str, float] = field(default_factory=dict)
    """Share of each structure that lies outside the region of interest."""
    region: tuple[float, ...] = ()
    """Extent of the region of interest in mm, along the canonical (RAS+) axes."""
    content: str = ""
    """Tells images apart by their voxels, whatever their files are called."""
    doubt: str = ""
    """Why it is doubtful where the image lies: ``Header.doubt``."""
    problems: tuple[str, ...] = ()
    """Faults: a run would refuse the case."""
    mendable: bool = False
    """Whether ``mend`` can write a sound copy of its label."""


def look_at(case: Case, part: str, dataset: Dataset) -> Seen:
    """Read a case's files, once."""
    said = {
        "part": part,
        "id": case.id,
        "image": str(case.image),
        "label": None if case.label is None else str(case.label),
        "protocol": case.protocol,
    }
    try:
        image = case.load_image()
        label = None if case.label is None else load_volume(case.label, np.float32)
    except DataError as error:
        return Seen(**said, problems=(str(error),))  # type: ignore[arg-type]
    problems = tuple(volume_problems(case, image, label, dataset.labels))
    of_region = tuple(region_problems(case, image, dataset.roi))
    sizes, outside = {}, {}
    if label is not None:
        sizes = _sizes(label, dataset.labels)
        if same_grid(image, label):
            outside = _outside(label, dataset)
    return Seen(
        **said,  # type: ignore[arg-type]
        shape=image.shape,
        spacing=image.spacing,
        orientation="".join(nib.orientations.aff2axcodes(image.affine)),
        intensity=_percentiles(image.data),
        millilitres=sizes,
        outside=outside,
        region=_region(image, dataset.roi),
        content=hashlib.sha256(np.ascontiguousarray(image.data).tobytes()).hexdigest(),
        doubt=read_header(case.image).doubt,
        problems=problems + of_region,
        mendable=label is not None and bool(problems) and is_mendable(image, label, dataset.labels),
    )


def is_mendable(image: Volume, label: Volume, labels: Labels) -> bool:
    """Whether a label is right but for rounding, in its header or in its values.

    The header may place no corner more than half a voxel elsewhere; values may be a thousandth
    off from those that are declared.
    """
    if label.data.shape != image.data.shape or not np.isfinite(label.data).all():
        return False
    corners = np.array(np.meshgrid(*((0, n - 1) for n in image.shape))).reshape(3, -1)
    places = [affine[:3, :3] @ corners + affine[:3, 3:] for affine in (image.affine, label.affine)]
    near = np.abs(places[0] - places[1]).max() <= min(image.spacing) / 2
    rounded = np.rint(label.data)
    whole = bool(np.abs(label.data - rounded).max() <= 1e-3)
    return bool(near) and whole and set(np.unique(rounded)) <= set(range(labels.count))


def _percentiles(data: npt.NDArray[np.floating]) -> tuple[float, ...]:
    known = data[np.isfinite(data)]
    return tuple(float(v) for v in np.percentile(known, (1, 50, 99))) if known.size else ()


def _sizes(label: Volume, labels: Labels) -> dict[str, float]:
    found = structure_volumes(label.data, label.spacing, labels)
    return {name: size / 1000 for name, size in found.items()}


def _outside(label: Volume, dataset: Dataset) -> dict[str, float]:
    """Share of each structure that the region leaves out; structures that are there alone."""
    shares = {}
    for name in dataset.labels.structures:
        mask = label.data == dataset.labels.value(name)
        if whole := int(mask.sum()):
            try:
                kept = int(dataset.roi.crop(Volume(mask, label.affine)).data.sum())
            except ConfigError:
                kept = 0
            shares[name] = 1 - kept / whole
    return shares


def _region(image: Volume, roi: ROI) -> tuple[float, ...]:
    """Extent in mm; nothing, if no voxel is in it."""
    canonical = image.canonical()
    try:
        box = roi.box(canonical.shape)
    except ConfigError:
        return ()
    sides = (bounds.stop - bounds.start for bounds in box)
    return tuple(n * mm for n, mm in zip(sides, canonical.spacing, strict=True))
