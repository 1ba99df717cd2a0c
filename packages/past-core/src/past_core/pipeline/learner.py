"""A model's segmenter with what one round says of it: while it trains, and while it labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from past_core.errors import ConfigError
from past_core.pipeline.settings import Choice, Settings
from past_core.pipeline.tables import Model
from past_core.recipe import merged

__all__ = ["check_same_network", "learner", "predictive"]


def learner(settings: Settings, model: Model, number: int) -> Choice:
    """The segmenter as it trains in a round of a model, 0 for the training before all rounds.

    Raises
    ------
    ConfigError
        If the round changes what decides the network, or what no training depends on.
    """
    choice = settings.choice("segmenter", model.segmenter, model.settings)
    changed = model.rounds[number - 1].training if number else {}
    if not changed:
        return choice
    where = f"model {model.name}, training of round {number}"
    if refused := sorted(choice.config.network & set(changed)):
        raise ConfigError(
            f"{where}: {', '.join(refused)} decides the network, and a round trains on from given "
            "weights. Say it in the model's settings."
        )
    if refused := sorted(choice.config.prediction & set(changed)):
        raise ConfigError(
            f"{where}: no training depends on {', '.join(refused)}. Say it in the model's "
            "settings, or for its labels alone in labelling."
        )
    return settings.choice("segmenter", model.segmenter, merged(model.settings, changed))


def check_same_network(settings: Settings, model: Model, other: Model) -> None:
    """Check that a model can go on from the weights of another.

    Raises
    ------
    ConfigError
        If what decides the network differs.
    """
    own, its = (settings.choice("segmenter", m.segmenter, m.settings) for m in (model, other))
    for key in sorted(own.config.network):
        now, was = getattr(own.config, key), getattr(its.config, key)
        if now != was:
            raise ConfigError(
                f"model {model.name}: has {key} = {now}, and {other.name}, which it starts from, "
                f"{was}. That decides the network: give both the same."
            )


def predictive(settings: Settings, model: Model, changed: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of prediction of a model's segmenter, with ``changed`` on top of its own.

    Raises
    ------
    ConfigError
        If something in ``changed`` is no such setting.
    """
    values = settings.choice("segmenter", model.segmenter, model.settings).config.predictive()
    if unknown := sorted(set(changed) - set(values)):
        raise ConfigError(
            f"model {model.name}, labelling: {', '.join(unknown)} does not change "
            f"predictions of {model.segmenter} alone. Known keys: "
            f"{', '.join(sorted(values)) or 'none'}."
        )
    own = merged(model.settings, changed)
    return settings.choice("segmenter", model.segmenter, own).config.predictive()
