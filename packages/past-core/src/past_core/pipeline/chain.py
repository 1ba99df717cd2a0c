"""The chain that ``pipeline`` runs unless told otherwise, as a systems file like any other."""

from __future__ import annotations

from typing import Any

from past_core.config import parse_config
from past_core.pipeline.systems import Systems

__all__ = ["chain"]

COPIES = 2
"""Varied copies of each translated scan: a translator gives structures one brightness, and
with copies segmenters learn shape and place too (measured on the phantom)."""


def chain(
    translator: str | None = "nicegan",
    segmenter: str = "resunet",
    strategy: str | None = "top-q",
    rounds: int = 2,
) -> Systems:
    """One translator, one segmenter, ``rounds`` of self-training, and source-only beside them.

    Systems are ``no-da`` (trained on the source as it is), ``translated``, ``st1``, ``st2``, ...

    Parameters
    ----------
    translator
        None: segmenters see the source as it is, and ``st1`` continues ``no-da``.
    segmenter
        For all models.
    strategy
        None: no self-training.
    rounds
        K; true labels of the source are kept in them (COSMOS).
    """
    count = 0 if strategy is None else rounds
    if translator is None:
        images: dict[str, Any] = {"from": "source"}
        name, first = "no-da", []
    else:
        images = {"from": "aligned", "copies": COPIES}
        name = _model_name(segmenter)
        first = [{"name": "no-da", "segmenter": segmenter, "images": [{"from": "source"}]}]
    model: dict[str, Any] = {"name": name, "segmenter": segmenter, "images": [images]}
    if count:
        pool = [images | {"labels": "keep"}, {"from": "target"}]
        model["round"] = [{"repeat": count, "strategy": strategy, "images": pool}]
    trained = [] if translator is None else [{"name": "translated", "use": f"{name}/0"}]
    content = {
        "summary": "One translator, one segmenter, self-training.",
        "translation": []
        if translator is None
        else [{"name": "aligned", "translator": translator}],
        "model": [*first, model],
        "system": [
            {"name": "no-da", "use": "no-da/0"},
            *trained,
            *({"name": f"st{k}", "use": f"{name}/{k}"} for k in range(1, count + 1)),
        ],
    }
    return parse_config(Systems, content, "chain")


def _model_name(segmenter: str) -> str:
    """The segmenter's own name, unless the chain has that one already."""
    return f"{segmenter}-adapted" if segmenter in ("no-da", "aligned") else segmenter
