"""A data set: labelled source scans, unlabelled target scans, test scans.

``Dataset.check`` reads everything once and reports all that is wrong together,
before any training starts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from past_core.errors import DataError
from past_core.roi import ROI
from past_core.volume import load_volume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from past_core.case import Case
    from past_core.labels import Labels

__all__ = ["Dataset"]


@dataclass(frozen=True)
class Dataset:
    """Cases by their part in domain adaptation.

    Labels of target cases, where a data set has them (the phantom), serve the
    oracle alone: no other stage is handed them.
    """

    name: str
    labels: Labels
    source: tuple[Case, ...]
    """Labelled scans of the source contrast."""
    target: tuple[Case, ...]
    """Training scans of the target contrast."""
    test: tuple[Case, ...]
    """Target scans to segment; labels, if any, are for scoring only."""
    roi: ROI = field(default_factory=ROI)
    """The region that the data set's own publication works in."""

    def cases(self) -> Iterator[Case]:
        """All cases: source, target, test."""
        yield from self.source
        yield from self.target
        yield from self.test

    def check(self) -> None:
        """Read every file and report all problems at once.

        Raises
        ------
        DataError
            One line a problem, each naming the file, the value and the remedy.
        """
        problems = [*self._check_parts()]
        for case in self.cases():
            problems += _check_case(case, self.labels)
        if problems:
            count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
            raise DataError(f"data set {self.name}: {count}\n" + "\n".join(problems))

    def _check_parts(self) -> Iterator[str]:
        if len(self.source) < 2:
            yield f"source: {len(self.source)} case(s), but training needs at least 2."
        if len(self.target) < 2:
            yield f"target: {len(self.target)} case(s), but training needs at least 2."
        if not self.test:
            yield "test: no case to segment. Add at least one target scan."
        for case in self.source:
            if case.label is None:
                yield f"{case.image}: a source case without a label. Add it, or remove the image."
        seen: set[str] = set()
        for case in self.cases():
            if case.id in seen:
                yield f"{case.image}: a second case is named {case.id}. Rename one of them."
            seen.add(case.id)


def _check_case(case: Case, labels: Labels) -> Iterator[str]:
    try:
        image = case.load_image()
        label = None if case.label is None else load_volume(case.label, np.float32)
    except DataError as error:
        yield str(error)
        return
    if not np.isfinite(image.data).all():
        bad = int((~np.isfinite(image.data)).sum())
        yield f"{case.image}: {bad} voxels are NaN or infinite. Replace them, or drop the case."
    elif image.data.min() == image.data.max():
        yield f"{case.image}: every voxel is {image.data.flat[0]}. Drop the case or export it anew."
    if abs(np.linalg.det(image.affine[:3, :3])) < 1e-9:
        yield f"{case.image}: the affine is singular. Repair the header (qform or sform)."
    if label is None:
        return
    if label.data.shape != image.data.shape or not np.allclose(
        label.affine, image.affine, atol=1e-2
    ):
        yield (
            f"{case.label}: the label lies on another grid than its image "
            f"(shape {label.data.shape} against {image.data.shape}"
            f"{', same shape but another affine' if label.data.shape == image.data.shape else ''}"
            "). Resample the label onto the image with nearest-neighbour interpolation."
        )
    undeclared = sorted(set(np.unique(label.data).tolist()) - set(range(labels.count)))
    if undeclared:
        yield (
            f"{case.label}: label values {undeclared} are not declared; the data set has "
            f"{labels.as_mapping()}. Declare or remove them."
        )
