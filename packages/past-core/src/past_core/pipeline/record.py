"""What is written into a run folder so that the run can be repeated, and read by itself."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import tomli_w

from past_core.dataset import Dataset
from past_core.files import atomic_path, write_json, write_text
from past_core.pipeline.layout import APPLICATION, RECIPE, RUN, SYSTEMS, TRUST_TABLE
from past_core.pipeline.machine import hardware, versions
from past_core.pipeline.origin import Origin
from past_core.pipeline.plan import Plan
from past_core.pipeline.publishing import file_names
from past_core.pipeline.routes import rule_for_others
from past_core.pipeline.settings import Choice, Settings
from past_core.pipeline.stage import Stage
from past_core.pipeline.systems import Systems
from past_core.pipeline.systems_file import dump_systems, replaced, without_none
from past_core.recipe import merged

__all__ = ["record_run", "record_trust"]

FORMAT = 2


def record_run(
    settings: Settings,
    dataset: Dataset,
    planned: Plan,
    *,
    checked: Stage,
    place: Callable[[Stage], Path],
    origin: Origin,
    folder: Path,
) -> None:
    """Write ``recipe.toml``, ``systems.toml``, ``application.json`` and ``run.json``.

    With the first two, the seed, the device and the threads, the same run comes of the same
    data.

    Parameters
    ----------
    checked
        The check of the data set.
    place
        The folder of a stage, which may have another name in an older run.
    origin
        Of the run.
    folder
        The run folder.
    """
    write_json(folder / APPLICATION, _application(settings, dataset, planned, place))
    write_text(folder / RECIPE, tomli_w.dumps(without_none(_recipe(settings))))
    write_text(folder / SYSTEMS, dump_systems(_assigned(settings)))
    request = settings.request

    def name(stage: Stage) -> str:
        return place(stage).name

    write_json(
        folder / RUN,
        {
            "format": FORMAT,
            "command": origin.command,
            "plugins": origin.plugins(_used(settings)),
            "versions": versions(),
            "hardware": hardware(settings.device),
            "data": None if request.data is None else str(request.data.absolute()),
            "dataset": {"name": dataset.name, "reader": settings.reader.name},
            "labels": dataset.labels.as_mapping(),
            "seed": request.seed,
            "device": settings.device,
            "threads": request.threads,
            "cases": {part: [case.id for case in cases] for part, cases in dataset.parts().items()},
            "segmentations": file_names(dataset.segmented),
            "answer": planned.answer,
            "systems": [
                {
                    "name": one.name,
                    "segmentations": name(one.segmentations),
                    "scores": None if one.scores is None else name(one.scores),
                    "supervised": one.supervised,
                    "choice": None if one.choice is None else name(one.choice),
                    "trust": None if one.trust is None else name(one.trust),
                    "probabilities": None
                    if one.probabilities is None
                    else [name(one.probabilities), one.probabilities.params["precision"]],
                }
                for one in planned.systems
            ],
            "left_out": dict(planned.left_out),
            "translations": [
                {
                    "name": one.name,
                    "protocol": one.protocol,
                    "translator": one.translator,
                    "fit": name(one.fit),
                    "images": name(one.images),
                    "measured": None if one.measured is None else name(one.measured),
                    "target": _target_ids(dataset, one.protocol),
                }
                for one in planned.translations
            ],
            "selections": [
                {"model": model, "round": number, "stage": name(stage)}
                for model, number, stage in planned.selections
            ],
            "scans": {part: name(stage) for part, stage in planned.scans.items()},
            "roi": planned.roi,
            "stages": [name(stage) for stage in (checked, *planned.graph)],
        },
    )


def _application(
    settings: Settings, dataset: Dataset, planned: Plan, place: Callable[[Stage], Path]
) -> dict[str, Any]:
    """How each system is applied to scans that are not of the data set."""
    members = [
        member
        for answers in planned.members.values()
        for structures in answers.values()
        for many in structures.values()
        for member in many
    ]
    return {
        "structures": list(dataset.labels.structures),
        "roi": planned.roi,
        "scaled_over": planned.scaled_over,
        "clip_percentile": settings.systems.crop.clip_percentile,
        "protocols": {
            "rule": rule_for_others(dataset.target, settings.systems.protocols).model_dump(
                mode="json"
            ),
            "served": planned.routes.served,
        },
        "models": {
            place(member.fit).name: {
                "plugin": member.choice.brief(),
                "prediction": member.choice.config.predictive(),
            }
            for member in members
        },
        "systems": {
            name: {
                protocol: {
                    structure: [place(member.fit).name for member in many]
                    for structure, many in structures.items()
                }
                for protocol, structures in answers.items()
            }
            for name, answers in planned.members.items()
        },
    }


def record_trust(folder: Path, trust: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    """Write ``trust.csv``: label-free figures of each segmentation of a system that chose.

    Parameters
    ----------
    folder
        The run folder.
    trust
        By system, validator and scan; if it is empty, the file is removed.
    """
    if not trust:
        (folder / TRUST_TABLE).unlink(missing_ok=True)
        return
    with atomic_path(folder / TRUST_TABLE) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("system", "case", "validator", "value"))
        for system, figures in trust.items():
            for validator, values in figures.items():
                writer.writerows((system, case, validator, v) for case, v in values.items())


def _target_ids(dataset: Dataset, protocol: str | None) -> list[str]:
    return [case.id for case in dataset.target if protocol in (None, case.protocol)]


def _used(settings: Settings) -> Iterator[tuple[str, str]]:
    """Kinds and names of all plugins that a run may use."""
    for choice in (settings.reader, *settings.metrics):
        yield choice.kind, choice.name
    for kind, name, _ in settings.systems.uses():
        yield kind, name


def _recipe(settings: Settings) -> dict[str, Any]:
    """Size and length of every plugin, complete; what the systems file says is left to it."""
    registry = settings.registry
    names: dict[str, dict[str, None]] = {}
    for kind, name, _ in settings.systems.uses():
        names.setdefault(kind, {})[name] = None
    tables: dict[str, Any] = {}
    for kind, members in names.items():
        for name in members:
            values = settings.recipe.values(kind, name)
            config = registry.config(kind, name, values, f"{kind}.{name}")
            tables.setdefault(kind, {})[name] = config.model_dump(mode="json")
    chosen: tuple[Choice, ...] = (settings.reader, *settings.metrics)
    for choice in chosen:
        tables.setdefault(choice.kind, {})[choice.name] = choice.config.model_dump(mode="json")
    return tables


def _assigned(settings: Settings) -> Systems:
    """The systems with ``--set`` in them, where they would win over the recipe."""

    def bake(content: dict[str, Any]) -> None:
        for entry in content.get("translation", []):
            _bake(entry, settings.assigned.get("translator", {}).get(entry["translator"], {}))
        for entry in content["model"]:
            _bake(entry, settings.assigned.get("segmenter", {}).get(entry["segmenter"], {}))
            for one in entry.get("round", []):
                _bake(one, settings.assigned.get("strategy", {}).get(one.get("strategy"), {}))

    return replaced(settings.systems, bake)


def _bake(entry: dict[str, Any], assigned: Mapping[str, Any]) -> None:
    if entry.get("settings"):
        entry["settings"] = merged(entry["settings"], assigned)
