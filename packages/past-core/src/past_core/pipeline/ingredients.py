"""What a system is made of: translations, and rounds of self-training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from past_core.pipeline.systems import Systems
from past_core.pipeline.tables import Model, System, addresses

__all__ = ["ingredients", "unused_ingredients"]


def ingredients(systems: Systems, system: System) -> list[str]:
    """Translations and rounds of self-training that a system's models saw, in words.

    ``translation aligned``, ``round 1 of resunet``; nothing for one that chooses.
    """
    named = [a for use in system.uses() for a in addresses(use, f"system {system.name}")]
    found: dict[str, None] = {}
    for address in named:
        last = address.round
        for model in systems.lineage(systems.find_model(address.name)):
            found |= dict.fromkeys(_seen(model, len(model.rounds) if last is None else last))
            last = None
    return list(found)


def _seen(model: Model, rounds: int) -> Iterator[str]:
    """What a model saw itself, up to a round."""
    for one in (*model.images, *(one for r in model.rounds[:rounds] for one in r.images)):
        if one.origin not in ("source", "target"):
            yield f"translation {one.origin}"
    for k in range(1, rounds + 1):
        yield f"round {k} of {model.name}"


def unused_ingredients(systems: Systems, chosen: str, candidates: Iterable[str]) -> list[str]:
    """Translations and rounds that candidates had and the chosen system has not."""
    own = ingredients(systems, systems.find_system(chosen))
    others = (one for name in candidates for one in ingredients(systems, systems.find_system(name)))
    return [one for one in dict.fromkeys(others) if one not in own]
