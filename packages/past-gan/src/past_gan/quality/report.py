"""The figures of one translator together, and which of two translators is the better.

No figure decides alone. Source scans left as they are have the best recovery; a translator
that erases structures may have the best Fréchet distance. A cycle error is small too where
a translator hides the source in faint noise (Chu et al. 2017, "CycleGAN, a master of
steganography"), segmenters may agree on what is wrong, and the right continuity is 1 only
about: these three are reported and not scored.

The score tells broken translators from working ones. It does not order working ones by
what a larger segmenter makes of them.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from past_gan.quality.continuity import continuity
from past_gan.quality.cycle import cycle_error
from past_gan.quality.features import patch_features
from past_gan.quality.frechet import Gaussian, frechet_distance
from past_gan.quality.recovery import recover_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from past_gan.quality.continuity import Spacing

    Translate = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]

__all__ = ["Quality", "measure"]


@dataclass(frozen=True)
class Quality:
    """What can be known of a translator without target labels."""

    frechet: float
    """Fréchet distance of translated scans from real ones; 0: the same looks."""
    frechet_source: float
    """The same of source scans as they are: what doing nothing would give."""
    recovery: Mapping[str, float]
    """By structure, Dice (0 to 1) of source labels found again in translated scans."""
    agreement: Mapping[str, float]
    """By structure, Dice (0 to 1) between two segmenters on real target scans."""
    cycle: float
    """Mean absolute error in grey levels (0 to 255) after translation there and back."""
    continuity: float
    """Jumps between slices beside those of real scans; 1: alike, above: flicker."""

    @property
    def looks(self) -> float:
        """Part of the way from source to target looks that the translator goes, 0 to 1."""
        if self.frechet_source <= 0:
            return 1.0
        return max(0.0, 1 - self.frechet / self.frechet_source)

    @property
    def score(self) -> float:
        """Looks times the mean recovery over structures; 1 is best, 0 worst.

        A product, since a translator must do both: look like the target, and keep the
        structures where they were. Both are portions of the best possible, so neither needs
        a weight. Agreement is no factor: segmenters that learnt from untranslated scans may
        agree on what is wrong. Structures whose recovery is nan are left out; without any
        the looks alone count.
        """
        known = [found for found in self.recovery.values() if not math.isnan(found)]
        return self.looks * (sum(known) / len(known) if known else 1.0)

    def better_than(self, other: Quality | None) -> bool:
        """Whether the score is higher; anything is better than nothing."""
        return other is None or self.score > other.score

    def as_json(self) -> dict[str, Any]:
        """Plain values, with looks and score; nan, which JSON lacks, becomes None."""
        plain = asdict(self)
        plain["cycle"] = None if math.isnan(self.cycle) else self.cycle
        for key in ("recovery", "agreement"):
            plain[key] = {k: None if math.isnan(v) else v for k, v in plain[key].items()}
        return plain | {"looks": self.looks, "score": self.score}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """Undo ``as_json``; looks and score follow from the rest."""
        fields = {key: value for key, value in plain.items() if key not in {"looks", "score"}}
        for key in ("recovery", "agreement"):
            fields[key] = {k: math.nan if v is None else v for k, v in fields[key].items()}
        fields["cycle"] = math.nan if fields["cycle"] is None else fields["cycle"]
        return cls(**fields)


def measure(
    source: Sequence[npt.NDArray[Any]],
    labels: Sequence[npt.NDArray[Any]],
    structures: Sequence[str],
    real: Sequence[npt.NDArray[Any]],
    *,
    there: Translate,
    back: Translate | None,
    source_spacing: Sequence[Spacing] | None = None,
    real_spacing: Sequence[Spacing] | None = None,
    seed: int = 0,
    steps: int = 300,
    device: str = "cpu",
) -> Quality:
    """Translate the source scans once and measure everything.

    Parameters
    ----------
    source, real
        ``(n, h, w)`` each, in [0, 255]: scans of the two contrasts, unpaired.
    labels
        ``(n, h, w)`` of each source scan; values 1, 2, ... are the ``structures``.
    there, back
        From source to target contrast and the reverse, stack to stack of one shape; without
        a way back there is no cycle error (nan).
    source_spacing, real_spacing
        Of each scan in mm: across the slices, and along both axes of their plane.
    seed, steps, device
        Of the two small segmenters.

    Raises
    ------
    DataError
        If shapes do not fit, or there are too few scans or slices.
    """
    translated = [there(scan) for scan in source]
    found = recover_labels(
        translated, labels, structures, real, seed=seed, steps=steps, device=device
    )
    wanted = Gaussian.of(patch_features(real))
    return Quality(
        frechet=frechet_distance(Gaussian.of(patch_features(translated)), wanted),
        frechet_source=frechet_distance(Gaussian.of(patch_features(source)), wanted),
        recovery=found.recovery,
        agreement=found.agreement,
        cycle=math.nan
        if back is None
        else cycle_error(source, (back(scan) for scan in translated)),
        continuity=continuity(translated, real, source_spacing, real_spacing),
    )
