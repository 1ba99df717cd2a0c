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
"""Share of patches that ``source-looks`` and ``translated-looks`` see under random looks."""


Content = dict[str, Any]
"""A table of a systems file."""


def chain(
    translator: str | None = "nicegan",
    segmenter: str = "resunet",
    strategy: str | None = "top-q",
    rounds: int = 2,
    looks: str | None = "random_convolution",
) -> Systems:
    """One translator, one segmenter, self-training, and a choice among what comes of it.

    Systems are ``no-da`` (trained on the source as it is), ``translated``, ``st1``, ``st2``, ...
    If the segmenter can train on random looks, ``source-looks`` and ``translated-looks`` are
    trained on them, and ``mean`` averages the probabilities of these two and of the last round.
    ``final`` takes the best of them by label-free figures; ``no-da`` is among them only where
    nothing stands in for it.

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
    source: Content = {"from": "source"}
    plain: Content = {"name": "no-da", "segmenter": segmenter, "images": [source]}
    seen = {"source": source}
    if translator is None:
        adapted, models = plain, [plain]
    else:
        seen["translated"] = {"from": "aligned", "copies": COPIES}
        name = _model_name(segmenter)
        adapted = {"name": name, "segmenter": segmenter, "images": [seen["translated"]]}
        models = [plain, adapted]
    if count:
        pool = [*adapted["images"], {"from": "target"}]
        pool[0] = pool[0] | {"labels": "keep"}
        adapted["round"] = [{"repeat": count, "strategy": strategy, "images": pool}]
    if looks is not None:
        models += [_on_looks(origin, segmenter, images, looks) for origin, images in seen.items()]
    uses = _uses(adapted["name"], count, list(seen), looks is not None)
    # What saw the source under random looks stands in for what saw it as it is.
    stand_in = looks is not None and translator is not None
    candidates = [name for name in uses if name != "no-da" or not stand_in]
    systems: list[Content] = [{"name": name, "use": use} for name, use in uses.items()]
    if len(candidates) > 1:
        systems.append({"name": "final", "choose": candidates})
    content = {
        "summary": "One translator, one segmenter, self-training, and the best of what they give.",
        "translation": [{"name": "aligned", "translator": translator}] if translator else [],
        "model": models,
        "system": systems,
    }
    return parse_config(Systems, content, "chain")


def _uses(adapted: str, rounds: int, origins: list[str], looks: bool) -> dict[str, str | list[str]]:
    """Every system but the last, with the models that answer."""
    varied = [f"{origin}-looks" for origin in origins] if looks else []
    uses: dict[str, str | list[str]] = {}
    for origin in origins:
        first = {"source": ("no-da", "no-da/0"), "translated": ("translated", f"{adapted}/0")}
        system, use = first[origin]
        uses[system] = use
        if looks:
            uses[f"{origin}-looks"] = f"{origin}-looks"
    uses |= {f"st{k}": f"{adapted}/{k}" for k in range(1, rounds + 1)}
    if varied:
        uses["mean"] = [*varied, f"{adapted}/{rounds}"]
    return uses


def _on_looks(origin: str, segmenter: str, images: Content, looks: str) -> Content:
    """A model that sees random looks in a share of its patches."""
    return {
        "name": f"{origin}-looks",
        "segmenter": segmenter,
        "images": [images],
        "settings": {looks: LOOKS},
    }


def _model_name(segmenter: str) -> str:
    """The segmenter's own name, unless the chain has that one already."""
    taken = ("no-da", "aligned", "source-looks", "translated-looks")
    return f"{segmenter}-adapted" if segmenter in taken else segmenter
