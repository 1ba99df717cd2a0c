"""Everything a run depends on, validated before it starts.

Precedence: a plugin's defaults, the recipe (size and length), the systems file (method),
``--set``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from past_core.config import PluginConfig
from past_core.datasets.opening import recognise
from past_core.device import require_cores, resolve_device
from past_core.errors import ConfigError, PluginError
from past_core.metrics.choice import named_metrics
from past_core.metrics.official import official
from past_core.pipeline.chain import chain
from past_core.pipeline.request import NONE, Request
from past_core.pipeline.substitution import choosing_by, with_oracle, with_plugins
from past_core.pipeline.systems import Systems
from past_core.pipeline.systems_file import replaced
from past_core.plugins import KINDS, OWN, Registry, SegmenterSpec, StrategySpec
from past_core.recipe import Recipe, merged, parse_assignments

__all__ = ["Choice", "Settings", "resolve"]

PHANTOM = "phantom"


@dataclass(frozen=True)
class Choice:
    """A plugin chosen for the run, with its validated configuration."""

    kind: str
    name: str
    config: PluginConfig
    version: str
    """Name and version of the distribution it comes from: another version is another result."""
    generation: int

    def brief(self) -> dict[str, Any]:
        """What identifies the plugin where its settings are known from what it saved."""
        return {
            "kind": self.kind,
            "name": self.name,
            "version": self.version,
            "generation": self.generation,
        }

    def whole(self) -> dict[str, Any]:
        """What identifies the plugin and the settings that a fit depends on."""
        return {**self.brief(), "config": self.config.decisive()}

    def incidental(self) -> dict[str, Any]:
        """Its other settings."""
        decisive = self.config.decisive()
        everything = self.config.model_dump(mode="json")
        return {key: value for key, value in everything.items() if key not in decisive}


@dataclass(frozen=True)
class Settings:
    """A run, resolved: systems, plugins with their configurations, seed, device."""

    request: Request
    systems: Systems
    reader: Choice
    metrics: tuple[Choice, ...]
    device: str
    recipe: Recipe
    """With the assignments on top."""
    assigned: Mapping[str, Any]
    notes: tuple[str, ...]
    """What a user should know of how it was resolved."""
    registry: Registry = field(repr=False)
    _choices: dict[str, Choice] = field(default_factory=dict, repr=False, compare=False)

    def choice(self, kind: str, name: str, own: Mapping[str, Any]) -> Choice:
        """A plugin with its settings: recipe, then ``own`` of the systems file, then ``--set``."""
        key = json.dumps([kind, name, own], sort_keys=True)
        if key not in self._choices:
            values = merged(
                self.recipe.values(kind, name), own, self.assigned.get(kind, {}).get(name, {})
            )
            self._choices[key] = _choice(self.registry, kind, name, values)
        return self._choices[key]


def resolve(request: Request, registry: Registry) -> Settings:
    """Find the plugins and validate every setting; nothing is read but a data folder's layout.

    Raises
    ------
    PluginError, ConfigError, DataError
        Naming what is wrong, before anything is computed or written.
    """
    device = resolve_device(request.device)
    if request.threads is not None:
        require_cores(request.threads, "--threads")
    systems = _systems(request, registry)
    reader = _reader(request, registry)
    metrics, notes = _metrics(request, registry)
    chosen: dict[str, list[str]] = {
        "dataset": [reader],
        "translator": [],
        "segmenter": [],
        "strategy": [],
        "metric": list(metrics),
        "validator": [],
    }
    for kind, name, _ in systems.uses():
        if name not in chosen[kind]:
            chosen[kind].append(name)
    for kind, names in chosen.items():
        for name in names:
            registry.find(kind, name)
    assigned = parse_assignments(request.assignments, chosen)
    if crop := assigned.pop("crop", None):
        systems = replaced(systems, lambda c: c.update(crop=merged(c.get("crop", {}), crop)))
    if systems.crop.roi is not None:
        systems.crop.roi.as_roi()
    rules = {"metric": official(request.scoring)}
    recipe = Recipe.model_validate(merged(request.recipe.model_dump(), rules, assigned))
    _check_tables(recipe, registry)
    settings = Settings(
        request,
        systems,
        _choice(registry, "dataset", reader, recipe.values("dataset", reader)),
        tuple(
            _choice(registry, "metric", name, recipe.values("metric", name))
            for name in chosen["metric"]
        ),
        device,
        recipe,
        assigned,
        notes,
        registry,
    )
    for kind, name, own in systems.uses():
        settings.choice(kind, name, own)
    return settings


def _metrics(request: Request, registry: Registry) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The metrics to score by, and what is to be said of those that are left out.

    A third party's that nobody asked for must not stop a run if it is broken.
    """
    rules = official(request.scoring)
    if request.metrics or rules:
        return tuple(named_metrics(registry, (*request.metrics, *rules))), ()
    names, notes = [], []
    for name in named_metrics(registry, ()):
        try:
            if registry.find("metric", name).distribution not in OWN:
                registry.factory("metric", name)
            registry.config("metric", name, {}, f"metric.{name}")
        except (PluginError, ConfigError) as error:
            notes.append(f"nothing is scored by {name}: {error}")
        else:
            names.append(name)
    return tuple(names), tuple(notes)


def _check_tables(recipe: Recipe, registry: Registry) -> None:
    """Every table must be of a plugin, in use or not: else a misspelt one would do nothing."""
    for kind in KINDS:
        for name, values in getattr(recipe, kind).items():
            if not registry.knows(kind, name):
                try:
                    registry.find(kind, name)
                except PluginError as error:
                    raise ConfigError(
                        f"the recipe has a table [{kind}.{name}], but {error}"
                    ) from None
            with suppress(PluginError):  # of one that is not installed or is broken, nobody asks
                registry.config(kind, name, values, f"{kind}.{name}")


def _systems(request: Request, registry: Registry) -> Systems:
    if request.systems is None:
        systems = _chain(request, registry)
    else:
        systems = with_plugins(request.systems, request)
    if request.oracle and not any(model.oracle for model in systems.model):
        systems = with_oracle(systems)
    if request.choose_by is not None:
        systems = choosing_by(systems, request.choose_by)
    unknown = set(request.only) - {system.name for system in systems.system}
    if unknown:
        raise ConfigError(
            f"no system is named {', '.join(sorted(unknown))}; "
            f"there are {', '.join(system.name for system in systems.system)}."
        )
    return systems


def _chain(request: Request, registry: Registry) -> Systems:
    translator = request.translator or "nicegan"
    strategy = request.strategy or ("top-q" if translator != NONE else NONE)
    if strategy == NONE and request.rounds:
        raise ConfigError(
            f"--rounds {request.rounds}: without self-training there are no rounds. Leave it out, "
            "or name a --strategy, such as top-q."
        )
    for option, name in (("translator", translator), ("strategy", strategy)):
        if "=" in name:
            raise ConfigError(f"--{option} {name}: OLD=NEW is for systems files with several.")
    segmenter = request.segmenter or "resunet"
    if translator != NONE:
        registry.find("translator", translator)  # what comes first is named first
    learner = registry.find("segmenter", segmenter).spec
    selector = None if strategy == NONE else registry.find("strategy", strategy).spec
    return chain(
        None if translator == NONE else translator,
        segmenter,
        None if strategy == NONE else strategy,
        2 if request.rounds is None else request.rounds,
        looks=learner.random_looks if isinstance(learner, SegmenterSpec) else None,
        edges=selector.edges if isinstance(selector, StrategySpec) else None,
    )


def _reader(request: Request, registry: Registry) -> str:
    if request.dataset is not None:
        return request.dataset
    return PHANTOM if request.data is None else recognise(registry, request.data)


def _choice(registry: Registry, kind: str, name: str, values: Mapping[str, Any]) -> Choice:
    config = registry.config(kind, name, values, f"{kind}.{name}")
    installed = registry.find(kind, name)
    version = f"{installed.distribution} {installed.version}"
    return Choice(kind, name, config, version, installed.spec.generation)
