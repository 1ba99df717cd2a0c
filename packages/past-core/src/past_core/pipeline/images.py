"""Which scans a model is trained on: an entry of ``images`` in a systems file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, field_validator

from past_core.config import PluginConfig

__all__ = ["Images", "check_images", "check_round_images", "weights"]

Factor = Annotated[float, Field(ge=0)]


class Images(PluginConfig):
    """Some of the scans that a model is trained on."""

    origin: str = Field(alias="from")
    """``source``, ``target``, or a translation, ``aligned`` or ``aligned@448``."""
    labels: Literal["true", "replace", "keep", "corrected"] | None = None
    """In a round: pseudo-labels (``replace``, the default: Algorithm 1, line 7); the true labels
    of source scans (``keep``: COSMOS); or true labels of just those voxels whose pseudo-labels
    are kept (``corrected``: the ceiling of what a selection can give). Before it: true ones;
    ``{ from = "target", labels = "true" }`` is the oracle."""
    share: float | None = Field(default=None, gt=0, le=1)
    """Share of the scans that a training draws, copies included. Entries that say none divide
    what is left by their numbers of scans."""
    copies: int = Field(default=0, ge=0, le=20)
    """Copies of every scan in which the labelled structures are darker or brighter."""
    unless: Literal["alone"] | None = None
    """In a round, of scans whose labels are kept: ``alone`` leaves them out where the strategy
    finds that the target's pseudo-labels can be learnt from alone (top-q with ``edges``)."""
    intensity: tuple[Factor, Factor] = (0.5, 1.0)
    """Least and greatest factor of copies; each structure of each copy draws its own."""

    @field_validator("intensity")
    @classmethod
    def _ordered(cls, intensity: tuple[float, float]) -> tuple[float, float]:
        if intensity[0] > intensity[1]:
            raise ValueError("the least factor comes first")
        return intensity

    @property
    def selected(self) -> bool:
        """Whether a round trains on what a strategy selects of these scans."""
        return self.labels != "keep"

    @property
    def supervised(self) -> bool:
        """Whether true labels of target scans are trained on."""
        return self.origin == "target" and self.labels in ("true", "corrected")


def check_images(images: Sequence[Images], where: str) -> None:
    """What round 0 may be trained on.

    Raises
    ------
    ValueError
        Beginning with ``where``.
    """
    for one in images:
        at = f"{where}, from {one.origin}"
        if one.labels not in (None, "true"):
            raise ValueError(f"{at}: labels '{one.labels}' is for rounds")
        if one.unless is not None:
            raise ValueError(f"{at}: unless is for rounds")
        if one.origin == "target" and one.labels != "true":
            raise ValueError(
                f"{at}: target scans have no labels before the first round; "
                "labels = 'true' is the oracle"
            )
    _check_any(images, where)


def check_round_images(images: Sequence[Images], where: str) -> None:
    """What a round of self-training may be trained on.

    Raises
    ------
    ValueError
        Beginning with ``where``.
    """
    for one in images:
        at = f"{where}, from {one.origin}"
        if one.labels == "true":
            raise ValueError(f"{at}: say 'keep' for the source's true labels, or 'replace'")
        if one.origin == "target" and not one.selected:
            raise ValueError(f"{at}: target scans have no true labels to keep")
        if one.unless is not None and (one.selected or all(i.origin != "target" for i in images)):
            raise ValueError(
                f"{at}: unless = '{one.unless}' is for labels = 'keep' beside target scans"
            )
    _check_any(images, where)


def _check_any(images: Sequence[Images], where: str) -> None:
    for one in images:
        if one.origin == "target" and one.copies:
            raise ValueError(f"{where}: copies vary labelled source scans only")
    said = [one.share for one in images if one.share is not None]
    total = sum(said)
    if len(said) == len(images) and abs(total - 1) > TOLERANCE:
        raise ValueError(f"{where}: the shares of its images sum up to {total:g}, not to 1")
    if len(said) < len(images) and total > 1 - TOLERANCE:
        raise ValueError(
            f"{where}: the shares of its images sum up to {total:g}, which leaves nothing for "
            "those without"
        )


TOLERANCE = 1e-6


def weights(shares: Sequence[float | None], counts: Sequence[int]) -> list[float]:
    """How often a scan of each entry is drawn, relative to the mean over all scans.

    Parameters
    ----------
    shares
        Of the entries, as ``Images.share``.
    counts
        Numbers of scans of the entries.
    """
    if all(share is None for share in shares):
        return [1.0] * len(shares)
    left = 1 - sum(share for share in shares if share is not None)
    rest = sum(n for share, n in zip(shares, counts, strict=True) if share is None)
    total = sum(counts)
    return [
        (left / rest if share is None else share / count) * total
        for share, count in zip(shares, counts, strict=True)
    ]
