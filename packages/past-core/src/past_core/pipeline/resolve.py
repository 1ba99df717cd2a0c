"""From what a user asked for to a validated run: recipe, overrides, names of plugins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from past_core.config import parse_config
from past_core.dataset import Dataset
from past_core.datasets.opening import open_dataset, recognise
from past_core.device import check_device
from past_core.files import atomic_path
from past_core.pipeline.settings import Choice, PipelineConfig, Settings
from past_core.plugins import Registry
from past_core.recipe import Recipe, override

__all__ = ["Request", "resolve"]

PHANTOM = "phantom"


@dataclass(frozen=True)
class Request:
    """What a user asked for."""

    translator: str
    segmenter: str
    recipe: Recipe
    folder: Path
    """The run folder; without data, the phantom is made in it."""
    data: Path | None = None
    dataset: str | None = None
    """Name of the reader; by default the one that recognises ``data``."""
    strategy: str | None = "top-q"
    assignments: tuple[str, ...] = ()
    """``key=value`` settings on top of the recipe."""
    rounds: int | None = None
    oracle: bool = False
    seed: int = 0
    device: str = "cpu"


def resolve(request: Request, registry: Registry) -> tuple[Settings, Dataset]:
    """Find the plugins, validate every setting, open the data set, record the settings.

    Writes ``recipe.toml`` into the run folder: the same run's recipe, complete.

    Raises
    ------
    PluginError, ConfigError, DataError
        Naming what is wrong, before anything is computed.
    """
    check_device(request.device)
    reader = _reader(request, registry)
    names = {
        "dataset": reader,
        "translator": request.translator,
        "segmenter": request.segmenter,
    } | ({} if request.strategy is None else {"strategy": request.strategy})
    for kind, name in names.items():
        registry.find(kind, name)
    recipe = override(request.recipe, request.assignments, names)
    tables = dict(recipe.pipeline)
    if request.rounds is not None:
        tables["rounds"] = request.rounds
    chosen = {kind: _choice(registry, recipe, kind, name) for kind, name in names.items()}
    settings = Settings(
        translator=chosen["translator"],
        segmenter=chosen["segmenter"],
        strategy=chosen.get("strategy"),
        metrics=tuple(
            _choice(registry, recipe, "metric", one.spec.name) for one in registry.all("metric")
        ),
        pipeline=parse_config(PipelineConfig, tables, "pipeline"),
        oracle=request.oracle,
        seed=request.seed,
        device=request.device,
    )
    for choice in (*chosen.values(), *settings.metrics):
        registry.factory(choice.kind, choice.name)
    data = request.folder / "data" if request.data is None else request.data
    dataset = open_dataset(registry, data, reader, recipe.values("dataset", reader))
    _record(settings, chosen["dataset"], request.folder / "recipe.toml")
    return settings, dataset


def _reader(request: Request, registry: Registry) -> str:
    if request.dataset is not None:
        return request.dataset
    return PHANTOM if request.data is None else recognise(registry, request.data)


def _choice(registry: Registry, recipe: Recipe, kind: str, name: str) -> Choice:
    return Choice.of(registry, kind, name, recipe.values(kind, name), f"{kind}.{name}")


def _record(settings: Settings, dataset: Choice, path: Path) -> None:
    tables: dict[str, Any] = {"pipeline": settings.pipeline.model_dump(mode="json")}
    strategy = [] if settings.strategy is None else [settings.strategy]
    for choice in (dataset, settings.translator, settings.segmenter, *strategy, *settings.metrics):
        config = choice.config.model_dump(mode="json")
        tables.setdefault(choice.kind, {})[choice.name] = config
    with atomic_path(path) as temporary:
        temporary.write_text(tomli_w.dumps(_without_none(tables)))


def _without_none(table: Mapping[str, Any]) -> dict[str, Any]:
    """TOML has no null: a setting that is off is left out, which is its default."""
    return {
        key: _without_none(value) if isinstance(value, Mapping) else value
        for key, value in table.items()
        if value is not None
    }
