"""Top-q: keep the most confident portion q of each class's voxels (PAST, Algorithm 1).

Class c's threshold is the confidence above which a portion q of all voxels *predicted
as c*, over the whole set, lie. Pooling over the set lets a confidently segmented case
give more labels than a doubtful one; doing so by class keeps background, over 99.9 % of
the voxels, from deciding what is confident enough for a tumour. What is not kept gets
the *ignore* value, background included. The cap is that of BDL (Li et al., CVPR 2019);
leaving out whole scans is what CRST's authors did (Zou et al., ICCV 2019).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from past_core.config import PluginConfig
from past_core.errors import ConfigError
from past_core.interfaces import Prediction, PseudoLabel, Strategy
from past_selftrain.components import islands
from past_selftrain.confidence import likeliest
from past_selftrain.cuts import Cuts
from past_selftrain.doubts import image_of, trusted
from past_selftrain.edges import redrawn
from past_selftrain.portions import risen
from past_selftrain.scans import most_confident
from past_selftrain.strata import Strata
from past_selftrain.thresholds import thresholds_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from past_core.labels import Labels
    from past_selftrain.histogram import Threshold

__all__ = ["TopQ", "TopQConfig"]


class TopQConfig(PluginConfig):
    """How much of a prediction becomes a pseudo-label."""

    q: float = Field(default=0.6, gt=0, le=1)
    """Portion of each class's predicted voxels that is kept in round 1 (paper: 0.6)."""
    q_step: float = Field(default=0.0, ge=0, le=1)
    """Added to q in every further round: q_k = min(q_max, q + (k - 1) q_step)."""
    q_max: float = Field(default=1.0, gt=0, le=1)
    """Upper bound of q over the rounds."""
    cap: float | None = Field(default=None, gt=0, le=1)
    """Keep voxels of at least this confidence in any case (BDL: 0.9); none by default."""
    scope: Literal["class", "class-and-domain", "class-and-case"] = "class"
    """Quantiles of each class over the whole set; over translated scans and real ones apart, so
    that sure translations do not starve the target of its portion; or over each case by itself."""
    ties: Literal["keep", "thin"] = "keep"
    """Voxels as confident as the last one kept (float16 has no numbers between 0.9995 and 1):
    ``keep`` them all, though that is more than q; or ``thin`` them out, at random, to exactly q."""
    rim: int = Field(default=0, ge=0, le=20)
    """Voxels within so many of another class are cut by a quantile of their own. They are the
    doubtful ones, of which a common quantile keeps few. 0: they compete with the rest."""
    rim_q: float | None = Field(default=None, gt=0, le=1)
    """Portion of those that is kept, in every round; by default q."""
    edges: float = Field(default=0.0, ge=0, le=20)
    """Width in voxels of the finest axis of the zone inside of structures' borders, and two thirds
    of it outside, in which the image decides: borders are moved to its edges (``edges.py``). What
    lies deeper is kept. 0: labels are as predicted, and q holds near borders too."""
    edges_settled: float = Field(default=0.4, ge=0, lt=1)
    """Borders move of those structures alone about which the image settles so much of a doubt of
    one voxel (``doubts.py``), in each domain; the others are as without ``edges``. 0: of all."""
    largest_component: tuple[str, ...] = ()
    """Structures of one piece, such as a tumour: predicted voxels outside the largest
    26-connected component are ignored and do not count towards q."""
    scans: float = Field(default=1.0, gt=0, le=1)
    """Portion of the scans of each domain that is learnt from: those whose structures are
    predicted most confidently."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.q > self.q_max:
            raise ValueError(f"q ({self.q}) is above q_max ({self.q_max})")
        if self.rim_q is not None and not self.rim:
            raise ValueError(f"rim_q ({self.rim_q}) needs a rim, such as rim = 2")
        return self

    def portion(self, round_number: int, *, rim: bool = False) -> float:
        """Q in this round, counted from 1, of a class or of its ``rim``."""
        if rim and self.rim_q is not None:
            return self.rim_q
        return risen(self.q, self.q_step, self.q_max, round_number)


class TopQ(Strategy):
    """Class-wise top-q selection in two passes: histograms, then labels.

    Every file is read twice (four times with ``largest_component`` or ``rim``, once more with
    ``scans``). In memory are the histograms (0.9 MB a class), a slab of about a million voxels,
    and the pseudo-label of one case; with ``edges`` whole cases, one at a time.
    """

    config: TopQConfig

    def select(
        self, predictions: Sequence[Prediction], labels: Labels, round_number: int
    ) -> Iterator[PseudoLabel]:
        """Yield pseudo-labels in order; see ``Strategy.select``.

        Raises
        ------
        past_core.errors.ConfigError
            If ``largest_component`` names a structure that the data set does not have.
        past_core.errors.DataError
            If a prediction cannot be read or holds no probabilities.
        """
        strata = self._strata(labels)
        learnt = most_confident(predictions, labels, self.config.scans)
        pools: dict[str, list[Prediction]] = {}
        for one in learnt:
            pools.setdefault(self._pool(one), []).append(one)
        moving = (
            trusted(learnt, labels, self.config.edges, self.config.edges_settled)
            if self.config.edges
            else {}
        )
        cuts: dict[str, Cuts] = {}
        ids = {one.case_id for one in learnt}
        for one in predictions:
            if one.case_id not in ids:
                yield _nothing(one, labels)
                continue
            pool = self._pool(one)
            if pool not in cuts:
                thresholds = self._thresholds(pools[pool], strata, round_number, pool)
                cuts[pool] = Cuts(thresholds, thin=self.config.ties == "thin")
            label = PseudoLabel(one.case_id, _label(one, strata, cuts[pool]))
            if structures := moving.get(one.domain):
                label = _with_edges(one, label, strata, self.config.edges, structures)
            yield label

    def thresholds(
        self, predictions: Sequence[Prediction], labels: Labels, round_number: int
    ) -> list[Threshold]:
        """Cut of each class, background first, with these predictions as the whole set.

        With a rim, those of the classes' cores, then those of their rims.
        """
        return self._thresholds(predictions, self._strata(labels), round_number, "")

    def _pool(self, one: Prediction) -> str:
        """Name of the predictions that share a case's thresholds."""
        scope = self.config.scope
        if scope == "class-and-case":
            return one.case_id
        return str(one.domain) if scope == "class-and-domain" else ""

    def _strata(self, labels: Labels) -> Strata:
        unknown = [s for s in self.config.largest_component if s not in labels.structures]
        if unknown:
            raise ConfigError(
                f"top-q: largest_component names {', '.join(unknown)}, "
                f"but the data set has {', '.join(labels.structures)}."
            )
        single = tuple(labels.value(structure) for structure in self.config.largest_component)
        return Strata(labels, single, self.config.rim)

    def _thresholds(
        self, predictions: Sequence[Prediction], strata: Strata, round_number: int, pool: str
    ) -> list[Threshold]:
        title = f"top-q, round {round_number}, q = {self.config.portion(round_number):g}"
        return thresholds_of(
            predictions,
            strata,
            lambda number: self.config.portion(round_number, rim=strata.is_rim(number)),
            cap=self.config.cap,
            title=f"{title}, {pool or f'{len(predictions)} cases'}",
            thin=self.config.ties == "thin",
        )


def _label(prediction: Prediction, strata: Strata, cuts: Cuts) -> npt.NDArray[np.uint8]:
    """The pseudo-label of one case: the predicted class where it is confident, else *ignore*."""
    ignore = np.uint8(strata.labels.ignore)
    return np.concatenate(
        [np.where(cuts.kept(slab), slab.predicted, ignore) for slab in strata.walk(prediction)]
    )


CERTAIN = 0.6
"""Probability of a walk from which a voxel near a border is kept."""


def _with_edges(
    prediction: Prediction,
    one: PseudoLabel,
    strata: Strata,
    width: float,
    structures: tuple[int, ...],
) -> PseudoLabel:
    """The pseudo-label with borders of structures at the image's edges; islands stay ignored.

    It can be learnt from alone if that is so of all structures, and all are predicted: without
    one, it may teach that there is none.
    """
    ignore = np.uint8(strata.labels.ignore)
    probabilities = prediction.probabilities()
    predicted, _ = likeliest(probabilities)
    found = redrawn(image_of(prediction), predicted, probabilities, width, structures)
    deep = ~found.zone & np.isin(found.classes, structures)
    near = np.where(found.probability >= CERTAIN, found.classes, ignore)
    whole = np.where(found.zone | deep, near, one.label).astype(np.uint8)
    whole[islands(predicted, strata.single)] = ignore
    alone = bool(np.isin(range(1, strata.labels.count), structures).all()) and all(
        (predicted == value).any() for value in structures
    )
    return replace(one, label=whole, by_image=found.zone, alone=alone)


def _nothing(prediction: Prediction, labels: Labels) -> PseudoLabel:
    """Of a scan that is not learnt from."""
    shape = prediction.of_each()[0].shape[1:]
    return PseudoLabel(prediction.case_id, np.full(shape, labels.ignore, np.uint8), 0.0)
