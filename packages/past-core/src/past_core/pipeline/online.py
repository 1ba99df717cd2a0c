"""Which rounds are taught within their training, and whether that can be."""

from __future__ import annotations

from past_core.errors import ConfigError
from past_core.pipeline.tables import Model
from past_core.plugins import Registry, SegmenterSpec, StrategySpec

__all__ = ["teaches_online"]


def teaches_online(registry: Registry, model: Model, k: int) -> bool:
    """Whether the strategy of a model's round k, counted from 1, is an online one.

    Raises
    ------
    ConfigError
        If it is, and the segmenter cannot take it, or the round asks for what goes before a
        training or has no labelled scans.
    """
    one = model.rounds[k - 1]
    assert one.strategy is not None
    strategy = registry.find("strategy", one.strategy).spec
    if not (isinstance(strategy, StrategySpec) and strategy.online):
        return False
    where = f"model {model.name}, round {k}: {one.strategy} teaches during the training"
    segmenter = registry.find("segmenter", model.segmenter).spec
    if not (isinstance(segmenter, SegmenterSpec) and segmenter.online):
        raise ConfigError(f"{where}, which {model.segmenter} cannot take. Choose another strategy.")
    if one.teachers or one.labelling or any(e.labels == "corrected" for e in one.images):
        raise ConfigError(
            f"{where}, so nothing is labelled before: leave out teachers, labelling and "
            "labels = 'corrected'."
        )
    if all(entry.selected for entry in one.images):
        raise ConfigError(
            f"{where}, beside scans with labels. Add some, such as "
            "{ from = 'aligned', labels = 'keep' }."
        )
    if any(e.unless is not None for e in one.images):
        raise ConfigError(f"{where}, and selects nothing before: leave out unless.")
    if any(e.selected and (e.share is not None or e.copies) for e in one.images):
        raise ConfigError(
            f"{where}, from as many unlabelled patches as labelled ones: leave out share and "
            "copies of what has no labels."
        )
    return True
