"""The chain that ``pipeline`` runs unless told otherwise, as a systems file like any other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from past_core.config import parse_config
from past_core.pipeline.systems import Systems

__all__ = ["chain"]

COPIES = 2
"""Varied copies of each translated scan: a translator gives structures one brightness, and
with copies segmenters learn shape and place too (measured on the phantom)."""

LOOKS = 0.5
"""Share of patches that models trained on random looks see under them."""

EDGES = 3.0
"""Voxels inside of a border within which the image decides about a pseudo-label."""

Content = dict[str, Any]
"""A table of a systems file."""


def chain(
    translator: str | None = "nicegan",
    segmenter: str = "resunet",
    strategy: str | None = "top-q",
    rounds: int = 2,
    *,
    looks: str | None = "random_convolution",
    edges: str | None = "edges",
) -> Systems:
    """One translator, one segmenter, self-training, and a choice among what comes of it.

    Systems are ``no-da`` (trained on the source as it is), ``translated``, ``st1``, ``st2``, ...
    If the segmenter can train on random looks, another line of models does: ``source-looks``,
    from whose weights ``translated-looks`` goes on, self-trained as ``looks-st1``, ... ``final``
    takes the best of them by label-free figures; ``no-da`` is among them only where nothing stands
    in for it.

    Rounds learn from translated and target scans; those of the last line from target scans alone,
    where the strategy finds that the image tells where borders of its labels lie. Translated scans,
    whose structures are not quite drawn where their labels say, would teach that error again
    (measured, ``docs/self-training.md``).

    Parameters
    ----------
    translator
        None: segmenters see the source as it is, and ``st1`` continues ``no-da``.
    segmenter
        For all models.
    strategy
        None: no self-training.
    rounds
        K; true labels of the source are kept where rounds have its scans (COSMOS).
    looks
        The segmenter's setting for random looks (``SegmenterSpec.random_looks``); None if it
        has none.
    edges
        The strategy's setting for the zone in which the image decides (``StrategySpec.edges``);
        None if it has none.
    """
    translated = translator is not None
    maker = _Maker(segmenter, translated, strategy, rounds if strategy else 0)
    alone = replace(maker, edges=edges if translated else None)
    first = maker if looks else alone
    models, uses = first.line("no-da", "translated", "st", _model_name(segmenter))
    answers = dict(uses)
    candidates = list(uses)
    if looks is not None:
        varied = {"settings": {looks: LOOKS}}
        more, others = alone.line(
            "source-looks", "translated-looks", "looks-st", "translated-looks", varied
        )
        if translated:
            more[-1]["start"] = "source-looks"
            candidates.remove("no-da")  # what saw the source under random looks stands in for it
        models += more
        answers |= others
        candidates += others
    systems: list[Content] = [{"name": name, "use": use} for name, use in answers.items()]
    if len(candidates) > 1:
        systems.append({"name": "final", "choose": candidates})
    content = {
        "summary": "One translator, one segmenter, self-training, and the best of what they give.",
        "translation": [{"name": "aligned", "translator": translator}] if translator else [],
        "model": models,
        "system": systems,
    }
    return parse_config(Systems, content, "chain")


@dataclass(frozen=True)
class _Maker:
    """Makes lines of models: from the source scans over translations to the last round."""

    segmenter: str
    translated: bool
    """Whether there are translations; else rounds follow on the source scans."""
    strategy: str | None
    rounds: int
    edges: str | None = None
    """The strategy's setting with which rounds learn from target scans alone, where it can."""

    def line(
        self, plain: str, translated: str, numbered: str, adapted: str, extra: Content | None = None
    ) -> tuple[list[Content], dict[str, str]]:
        """The models of one line, and by system which of them answers.

        Parameters
        ----------
        plain, translated, numbered
            Names of systems: trained on the source, on translations, and what the number of a
            round follows.
        adapted
            Name of the model that is trained on translations.
        extra
            What all of the models have besides.
        """
        shared = {"segmenter": self.segmenter} | (extra or {})
        images: Content = {"from": "source"}
        models: list[Content] = [{"name": plain, "images": [images]} | shared]
        uses = {plain: f"{plain}/0"}
        if self.translated:
            images = {"from": "aligned", "copies": COPIES}
            models.append({"name": adapted, "images": [images]} | shared)
            uses[translated] = f"{adapted}/0"
        if self.rounds:
            models[-1]["round"] = [self._round(images)]
            name = models[-1]["name"]
            uses |= {f"{numbered}{k}": f"{name}/{k}" for k in range(1, self.rounds + 1)}
        return models, uses

    def _round(self, images: Content) -> Content:
        """What every round trains on, where what came before trained on ``images``."""
        training: Content = {"repeat": self.rounds, "strategy": self.strategy}
        kept = images | {"labels": "keep"}
        if self.edges is not None:
            training["settings"] = {self.edges: EDGES}
            kept["unless"] = "alone"
        return training | {"images": [kept, {"from": "target"}]}


def _model_name(segmenter: str) -> str:
    """The segmenter's own name, unless the chain has that one already."""
    taken = ("no-da", "aligned", "source-looks", "translated-looks")
    return f"{segmenter}-adapted" if segmenter in taken else segmenter
