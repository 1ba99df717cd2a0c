"""What a system is made of: translations, and rounds of self-training."""

from __future__ import annotations

from collections.abc import Iterable

from past_core.pipeline.systems import System, Systems, addresses

__all__ = ["ingredients", "unused_ingredients"]


def ingredients(systems: Systems, system: System) -> list[str]:
    """Translations and rounds of self-training that a system's models saw, in words.

    ``translation aligned``, ``round 1 of resunet``; nothing for one that chooses.
    """
    named = [a for use in system.uses() for a in addresses(use, f"system {system.name}")]
    found: dict[str, None] = {}
    for address in named:
        model = systems.find_model(address.name)
        number = len(model.rounds) if address.round is None else address.round
        seen = [*model.images, *(one for r in model.rounds[:number] for one in r.images)]
        for one in seen:
            if one.origin not in ("source", "target"):
                found[f"translation {one.origin}"] = None
        for k in range(1, number + 1):
            found[f"round {k} of {model.name}"] = None
    return list(found)


def unused_ingredients(systems: Systems, chosen: str, candidates: Iterable[str]) -> list[str]:
    """Translations and rounds that candidates had and the chosen system has not."""
    own = ingredients(systems, systems.find_system(chosen))
    others = (one for name in candidates for one in ingredients(systems, systems.find_system(name)))
    return [one for one in dict.fromkeys(others) if one not in own]
