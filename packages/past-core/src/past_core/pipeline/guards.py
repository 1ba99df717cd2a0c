"""What seems to go wrong in self-training, as far as figures without target labels can tell.

A round teaches what the one before believes, so errors feed on themselves: a class may vanish, its
pseudo-labels may come from guesses, or the target may give hardly any of them. Each is told from
what the rounds' selections left, and from the figures by which a system was chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from past_core.case import Domain
from past_core.pipeline.address import Address
from past_core.pipeline.layout import SYSTEMS
from past_core.pipeline.opened import Run
from past_core.pipeline.selections import Selection, selections_of
from past_core.pipeline.systems import Systems
from past_core.pipeline.systems_file import load_systems

__all__ = ["troubles"]

FADED = 0.5
"""A structure of whose size less than this share is left since the first round has faded."""
STARVED = 0.5
"""The target is starved if it keeps less than this share of what the source keeps."""
GUESSED = 0.1
"""More kept voxels than this share, of a probability below a half, are too many: they are more
likely wrong than right."""


def troubles(run: Run) -> list[str]:
    """Sentences on what seems to go wrong; none if nothing does."""
    selections, structures = selections_of(run), run.structures
    judged = _judged_worse(run, load_systems(run.folder / SYSTEMS)) if run.choices() else ()
    return [*_in_selections(selections, structures), *judged]


def _in_selections(selections: Sequence[Selection], structures: Sequence[str]) -> Iterator[str]:
    known = {(one.model, one.round, one.domain): one for one in selections}
    for one in selections:
        first = known.get((one.model, 1, one.domain), one)
        source = known.get((one.model, one.round, Domain.SOURCE), one)
        for structure in structures:
            if said := _trouble(one, first, source, structure):
                yield f"Round {one.round} of {one.model}: {said}"


def _trouble(one: Selection, first: Selection, source: Selection, structure: str) -> str | None:
    """What is wrong with the labels of a structure, if anything is.

    Parameters
    ----------
    one
        The round's selection in one domain.
    first
        That of round 1.
    source
        That of the same round in the source, or ``one`` itself.
    """
    if one.predicted[structure] == 0:
        return (
            f"{structure} was predicted in no {one.domain} scan, so its labels teach that there is "
            "none. Look at the translations, or take an earlier round."
        )
    if one.size(structure) < FADED * min(first.size(structure), first.taught_size(structure)):
        return (
            f"{structure} is vanishing from {one.domain} scans, {one.size(structure):.0f} voxels a "
            f"scan of {first.size(structure):.0f} in round 1. Take an earlier round."
        )
    guessed = one.guessed[structure] / max(1, one.kept[structure])
    if guessed > GUESSED:
        return (
            f"{guessed:.0%} of the labels of {structure} in {one.domain} scans have a probability "
            "below a half: more likely wrong than right. Keep less of it."
        )
    own, other = one.share(structure), source.share(structure)
    if one.domain == Domain.TARGET and own < STARVED * other:
        return (
            f"of {structure} {own:.0%} is kept in target scans, but {other:.0%} in translated "
            "ones, which are surer. Select in each domain by itself (top-q: scope = "
            "'class-and-domain'), or keep true labels of the source."
        )
    return None


def _judged_worse(run: Run, systems: Systems) -> Iterator[str]:
    """Rounds that every validator puts below the round before."""
    for choice in run.choices().values():
        if choice.get("by") is not None:
            continue  # by target labels
        rounds = {}
        for name in choice["ranks"]:
            system = systems.find_system(name)
            if isinstance(system.use, str) and not system.structures:
                address = Address.parse(system.use, f"system {name}")
                last = len(systems.find_model(address.name).rounds)
                number = last if address.round is None else address.round
                rounds[address.name, address.protocol, address.seed, number] = name
        for (model, protocol, seed, number), name in rounds.items():
            before = rounds.get((model, protocol, seed, number - 1))
            means = choice["means"].values()
            if before is not None and all(mean[name] < mean[before] for mean in means):
                figures = " and ".join(
                    f"{validator} ({mean[before]:.3f}, then {mean[name]:.3f})"
                    for validator, mean in choice["means"].items()
                )
                yield f"{name} is judged worse than {before}, the round before it, by {figures}."
