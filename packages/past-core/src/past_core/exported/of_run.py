"""A system of a run folder, described as an exported one is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from past_core.errors import DataError
from past_core.exported.description import FORMAT, Description, parse
from past_core.pipeline.layout import APPLICATION, RUN, STAGES, model_path
from past_core.pipeline.opened import Run
from past_core.pipeline.recorded import AGAIN, ApplicationFile, read_recorded

__all__ = ["describe", "is_run"]


def is_run(path: Path) -> bool:
    """Whether it is a run folder."""
    return (path / RUN).is_file()


def describe(run: Run, name: str | None) -> tuple[Description, dict[str, Path]]:
    """How a system of a run is applied, and the folders of its members.

    Raises
    ------
    DataError
        If the run has no such system, has not finished it, or trained too few of its models.
    """
    name = name or run.answer
    if name is None or name not in run.systems:
        raise DataError(
            f"{run.folder}: no system {f'is named {name!r}' if name else 'to take'} is here; "
            f"there are {', '.join(run.systems) or 'none'}. Name one with --system."
        )
    path = run.folder / APPLICATION
    if not path.is_file():
        raise DataError(f"{path}: no such file. Run past-cli pipeline on this folder once more.")
    known = read_recorded(path, ApplicationFile, AGAIN)
    chosen = _chosen(run, name)
    answers = known["systems"].get(chosen or name, {})
    stages = list(dict.fromkeys(s for a in answers.values() for many in a.values() for s in many))
    if not stages:
        raise DataError(f"{run.folder}: {name} has no protocol whose models were all trained.")
    members = {stage: f"model{number}" for number, stage in enumerate(stages, start=1)}
    folders = {members[stage]: model_path(run.folder / STAGES / stage) for stage in stages}
    for folder in folders.values():
        if not folder.is_dir():
            raise DataError(
                f"{folder}: no such folder; the training has not finished. Run past-cli pipeline "
                f"on {run.folder} again."
            )
    return parse(_content(known, name, chosen, answers, members), str(path)), folders


def _chosen(run: Run, name: str) -> str | None:
    """The system that ``name`` took, if it chooses.

    Raises
    ------
    DataError
        If it has not chosen yet.
    """
    entry = next(system for system in run.record["systems"] if system["name"] == name)
    if not entry.get("choice"):
        return None
    choice = run.choices().get(name)
    if choice is None:
        raise DataError(
            f"{run.folder}: {name} has not chosen yet. Run past-cli pipeline on it again."
        )
    chosen: str = choice["chosen"]
    return chosen


def _content(
    known: Mapping[str, Any],
    name: str,
    chosen: str | None,
    answers: Mapping[str, Mapping[str, list[str]]],
    members: Mapping[str, str],
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "system": name,
        "chosen": chosen,
        "structures": known["structures"],
        "roi": known["roi"],
        "scaled_over": known.get("scaled_over"),
        "clip_percentile": known["clip_percentile"],
        "protocols": known["protocols"],
        "answers": {
            protocol: {
                structure: [members[stage] for stage in many] for structure, many in found.items()
            }
            for protocol, found in answers.items()
        },
        "members": {member: known["models"][stage] for stage, member in members.items()},
    }
