"""The chain that ``pipeline`` runs unless told otherwise, as a systems file like any other."""

from __future__ import annotations

from typing import Any

from past_core.config import parse_config
from past_core.pipeline.systems import Systems

__all__ = ["chain"]

COPIES = 2
"""Varied copies of each translated scan: a translator gives structures one brightness, and
with copies segmenters learn shape and place too (measured on the phantom)."""


LOOKS = 0.5
"""Share of patches that ``random`` and ``pooled`` see under random looks."""


def chain(
    translator: str | None = "nicegan",
    segmenter: str = "resunet",
    strategy: str | None = "top-q",
    rounds: int = 2,
    looks: str | None = "random_convolution",
) -> Systems:
    """One translator, one segmenter, self-training, and a choice among what comes of it.

    Systems are ``no-da`` (trained on the source as it is), ``translated``, ``st1``, ``st2``, ...
    If the segmenter can train on random looks, there are also ``random`` (the source under
    random looks) and ``pooled`` (the source and its translations under random looks). The last is
    ``final``, which takes the best of them by label-free figures; ``random`` stands in for
    ``no-da`` there.

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
    looks
        The segmenter's setting for random looks (``SegmenterSpec.random_looks``); None if it
        has none.
    """
    count = 0 if strategy is None else rounds
    source: dict[str, Any] = {"from": "source"}
    plain = {"name": "no-da", "segmenter": segmenter, "images": [source]}
    if translator is None:
        adapted, images, models = plain, source, [plain]
    else:
        images = {"from": "aligned", "copies": COPIES}
        adapted = {"name": _model_name(segmenter), "segmenter": segmenter, "images": [images]}
        models = [plain, adapted]
    if count:
        pool = [images | {"labels": "keep"}, {"from": "target"}]
        adapted["round"] = [{"repeat": count, "strategy": strategy, "images": pool}]
    name = adapted["name"]
    systems: list[dict[str, Any]] = [{"name": "no-da", "use": "no-da/0"}]
    if looks is not None:
        models.append(_randomised("random", segmenter, [source], looks))
        systems.append({"name": "random", "use": "random"})
    if translator is not None:
        systems.append({"name": "translated", "use": f"{name}/0"})
        if looks is not None:
            both = [source | {"share": 0.5}, images]
            models.append(_randomised("pooled", segmenter, both, looks))
            systems.append({"name": "pooled", "use": "pooled"})
    systems += [{"name": f"st{k}", "use": f"{name}/{k}"} for k in range(1, count + 1)]
    candidates = [system["name"] for system in systems[0 if looks is None else 1 :]]
    if len(candidates) > 1:
        systems.append({"name": "final", "choose": candidates})
    content = {
        "summary": "One translator, one segmenter, self-training, and the best of what they give.",
        "translation": [{"name": "aligned", "translator": translator}] if translator else [],
        "model": models,
        "system": systems,
    }
    return parse_config(Systems, content, "chain")


def _randomised(
    name: str, segmenter: str, images: list[dict[str, Any]], looks: str
) -> dict[str, Any]:
    """A model that sees random looks in a share of its patches."""
    return {"name": name, "segmenter": segmenter, "images": images, "settings": {looks: LOOKS}}


def _model_name(segmenter: str) -> str:
    """The segmenter's own name, unless the chain has that one already."""
    return f"{segmenter}-adapted" if segmenter in ("no-da", "aligned") else segmenter
