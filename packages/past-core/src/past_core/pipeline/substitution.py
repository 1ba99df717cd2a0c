"""A systems file with what the command line puts in its place: plugins, rounds, an oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from past_core.errors import ConfigError
from past_core.pipeline.request import NONE, Request
from past_core.pipeline.systems import Systems
from past_core.pipeline.systems_file import replaced
from past_core.pipeline.tables import ChooseBy

__all__ = ["choosing_by", "with_oracle", "with_plugins"]


def choosing_by(systems: Systems, by: ChooseBy) -> Systems:
    """Let every system that chooses go by figures, or by validation scans.

    Raises
    ------
    ConfigError
        If none chooses.
    """
    if not any(system.choose for system in systems.system):
        raise ConfigError(
            f"--choose-by {by}: no system of this file chooses. Leave it out, or add a system "
            "with choose = [...]."
        )
    return replaced(systems, lambda content: _choose_by(content, by))


def _choose_by(content: dict[str, Any], by: ChooseBy) -> None:
    for system in content["system"]:
        if system.get("choose"):
            system["by"] = by


def with_plugins(systems: Systems, request: Request) -> Systems:
    """Put the request's plugins in the places of the file's own, and its number of rounds.

    Raises
    ------
    ConfigError
        If the file has no such plugin or several, or self-training is asked to be left out.
    """
    if request.translator is not None:
        new = _replacement(systems, "translator", request.translator)
        systems = replaced(systems, lambda c: _rename(c["translation"], "translator", new))
    if request.segmenter is not None:
        new = _replacement(systems, "segmenter", request.segmenter)
        systems = replaced(systems, lambda c: _rename(c["model"], "segmenter", new))
    if request.strategy is not None and request.strategy != NONE:
        new = _replacement(systems, "strategy", request.strategy)
        systems = replaced(systems, lambda c: _rename(_rounds(c), "strategy", new))
    if request.strategy == NONE or request.rounds == 0:
        raise ConfigError(
            "self-training is part of this systems file. Leave --strategy none and --rounds 0 to "
            "the chain, or name the systems you want with --system."
        )
    if request.rounds is not None:
        rounds = request.rounds
        systems = replaced(systems, lambda content: _repeat(content, rounds))
    return systems


def with_oracle(systems: Systems) -> Systems:
    """Add a model trained on the target's true labels, by the last model's segmenter."""
    segmenter = systems.model[-1].segmenter
    return replaced(systems, lambda content: _add_oracle(content, segmenter))


def _replacement(systems: Systems, kind: str, asked: str) -> Callable[[str], str]:
    """From a plugin's name in the file to the one that takes its place."""
    names = list(dict.fromkeys(name for k, name, _ in systems.uses() if k == kind))
    old, equals, new = asked.rpartition("=")
    if not equals:
        if len(names) != 1:
            raise ConfigError(
                f"--{kind} {asked}: the systems use {', '.join(names) or f'no {kind}'}. "
                f"Say which of them: --{kind} {names[0] if names else 'OLD'}={asked}."
            )
        old = names[0]
    elif old not in names:
        raise ConfigError(
            f"--{kind} {asked}: the systems have no {kind} {old}, but {', '.join(names) or 'none'}."
        )
    return lambda name: new if name == old else name


def _rename(entries: list[dict[str, Any]], key: str, new: Callable[[str], str]) -> None:
    for entry in (one for one in entries if one.get(key)):
        name = new(entry[key])
        if name != entry[key]:
            # The settings of one plugin mean nothing to another.
            entry.pop("settings", None)
            entry[key] = name
            for one in entry.get("round", []):
                for settings in ("training", "labelling"):
                    one.pop(settings, None)
            if key == "strategy":
                # So does what is left out where the one finds something.
                for images in entry["images"]:
                    images.pop("unless", None)


def _rounds(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for model in content["model"] for one in model.get("round", [])]


def _repeat(content: dict[str, Any], rounds: int) -> None:
    for model in content["model"]:
        for one in model.get("round", [])[:1]:
            one["repeat"] = rounds
        del model.get("round", [])[1:]


def _add_oracle(content: dict[str, Any], segmenter: str) -> None:
    content["model"].append(
        {
            "name": "oracle",
            "segmenter": segmenter,
            "images": [{"from": "target", "labels": "true"}],
        }
    )
    content["system"].append({"name": "oracle", "use": "oracle"})
