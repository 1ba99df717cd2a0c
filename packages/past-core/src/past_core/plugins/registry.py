"""Finds installed plugins, names the broken ones, and loads one when it is used.

Core loads entry points itself: pluggy's loader drops the second of two entry points
with one name, stops at the first failing import, and keeps silent about misspelt hooks.
"""

from __future__ import annotations

import difflib
import importlib
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions
from types import ModuleType
from typing import Any

import pluggy

from past_core.config import PluginConfig, parse_config
from past_core.errors import PastError, PluginError
from past_core.plugins import hookspecs
from past_core.plugins.foreign import ForeignError, foreign
from past_core.plugins.own import OWN, PROVIDED_BY
from past_core.plugins.specs import PluginSpec

__all__ = ["KINDS", "BrokenPlugin", "Installed", "Registry"]

log = logging.getLogger(__name__)

GROUP = "past"
PATIENCE, LONG_PATIENCE = 3.0, 10.0
"""Seconds after which an import is named: of a plugin's module, which is light, and of its class,
which may bring torch."""
TEXTS = ("name", "summary", "factory", "config")
"""What every description says in words."""

HOOKS = {
    "dataset": "past_datasets",
    "translator": "past_translators",
    "segmenter": "past_segmenters",
    "strategy": "past_strategies",
    "metric": "past_metrics",
    "validator": "past_validators",
}

KINDS = tuple(HOOKS)
"""The kinds of plugins, as users know them."""


@dataclass(frozen=True)
class Installed:
    """A plugin and the distribution it came with."""

    spec: PluginSpec
    distribution: str
    version: str


@dataclass(frozen=True)
class BrokenPlugin:
    """A distribution whose plugin module could not be used."""

    distribution: str
    version: str
    reason: str


class Registry:
    """All plugins of this environment.

    Parameters
    ----------
    modules
        Plugin modules by distribution name, instead of the installed entry points;
        for tests.
    """

    def __init__(self, modules: Mapping[str, ModuleType | type] | None = None) -> None:
        self._modules = modules
        self.broken: list[BrokenPlugin] = []
        self._installed: dict[tuple[str, str], list[Installed]] = {}
        if modules is None:
            for entry_point, distribution, version in _entry_points():
                self._load(entry_point, distribution, version)
        else:
            for distribution, module in modules.items():
                self._register(module, distribution, "0", distribution)

    def __reduce__(self) -> tuple[type[Registry], tuple[Mapping[str, ModuleType | type] | None]]:
        """Found anew in another process, where the same distributions are installed."""
        return Registry, (self._modules,)

    def all(self, kind: str) -> list[Installed]:
        """Installed plugins of one kind, by name."""
        found = [one for (k, _), many in self._installed.items() if k == kind for one in many]
        return sorted(found, key=lambda one: one.spec.name)

    def find(self, kind: str, name: str) -> Installed:
        """The plugin of this kind and name.

        Raises
        ------
        PluginError
            If none or more than one has the name.
        """
        found = self._installed.get((kind, name), [])
        if len(found) == 1:
            return found[0]
        if found:
            owners = " and ".join(f"{one.distribution} {one.version}" for one in found)
            raise PluginError(
                f"two plugins provide the {kind} '{name}': {owners}. Uninstall one of them."
            )
        raise PluginError(self._unknown(kind, name))

    def knows(self, kind: str, name: str) -> bool:
        """Whether a plugin is installed, or is one of ours that could be."""
        return (kind, name) in self._installed or (kind, name) in PROVIDED_BY

    def config(self, kind: str, name: str, values: Mapping[str, Any], where: str) -> PluginConfig:
        """Validate ``values`` with the plugin's own model; ``where`` names their origin."""
        config: PluginConfig = parse_config(self.config_class(kind, name), values, where)
        return config

    def config_class(self, kind: str, name: str) -> type[PluginConfig]:
        """The model of the plugin's settings."""
        installed = self.find(kind, name)
        model: type[PluginConfig] = self._import(installed, installed.spec.config)
        return model

    def factory(self, kind: str, name: str) -> Any:  # noqa: ANN401
        """Import the plugin's class; only now its dependencies are needed."""
        installed = self.find(kind, name)
        return self._import(installed, installed.spec.factory)

    def create(self, kind: str, name: str, config: PluginConfig) -> Any:  # noqa: ANN401
        """An instance of the plugin.

        Raises
        ------
        PluginError
            If it cannot be made; errors of ours that it raises go on as they are.
        """
        installed, factory = self.find(kind, name), self.factory(kind, name)
        who = f"{installed.distribution} {installed.version}"
        try:
            with foreign(who, LONG_PATIENCE):
                return factory(config)
        except ForeignError as error:
            if isinstance(error.__cause__, PastError):
                raise error.__cause__ from None
            raise PluginError(
                f"the {kind} '{name}' of {who} cannot be made: {error}. Report this to its authors."
            ) from error.__cause__

    def _import(self, installed: Installed, path: str) -> Any:  # noqa: ANN401
        module, _, attribute = path.partition(":")
        who = f"{installed.distribution} {installed.version}"
        try:
            with foreign(who, LONG_PATIENCE):
                return getattr(importlib.import_module(module), attribute)
        except ForeignError as error:
            remedy = PROVIDED_BY.get((installed.spec.kind, installed.spec.name))
            raise PluginError(
                f"the {installed.spec.kind} '{installed.spec.name}' of {who} cannot be loaded from "
                f"{path}: {error}. Reinstall it: pip install '{remedy or installed.distribution}'"
            ) from error.__cause__

    def _unknown(self, kind: str, name: str) -> str:
        names = [one.spec.name for one in self.all(kind)]
        lines = [f"no {kind} is named '{name}'."]
        if (kind, name) in PROVIDED_BY:
            package = PROVIDED_BY[kind, name]
            lines.append(f"'{name}' is in {package}: pip install '{package}'")
        elif near := difflib.get_close_matches(name, names, n=1):
            lines.append(f"Did you mean '{near[0]}'?")
        lines.append(f"Installed: {', '.join(names) or 'none'}.")
        lines += [
            f"{broken.distribution} {broken.version} failed to load: {broken.reason}"
            for broken in self.broken
        ]
        return " ".join(lines)

    def _load(self, entry_point: EntryPoint, distribution: str, version: str) -> None:
        try:
            with foreign(f"{distribution} {version}", PATIENCE):
                module = entry_point.load()
        except ForeignError as error:
            self._break(distribution, version, str(error))
            return
        self._register(module, distribution, version, f"{distribution}:{entry_point.name}")

    def _register(
        self, module: ModuleType | type, distribution: str, version: str, name: str
    ) -> None:
        manager = pluggy.PluginManager("past")
        manager.add_hookspecs(hookspecs)
        try:
            with foreign(f"{distribution} {version}", PATIENCE):
                manager.register(module, name)
                manager.check_pending()
                if not manager.get_hookcallers(module):
                    raise TypeError(f"it implements none of the hooks {', '.join(HOOKS.values())}")
                specs = [spec for hook in HOOKS.values() for spec in _flatten(manager, hook)]
        except ForeignError as error:
            self._break(distribution, version, str(error))
            return
        for spec in specs:
            installed = Installed(spec, distribution, version)
            self._installed.setdefault((spec.kind, spec.name), []).append(installed)

    def _break(self, distribution: str, version: str, reason: str) -> None:
        log.warning("plugin of %s %s failed to load: %s", distribution, version, reason)
        self.broken.append(BrokenPlugin(distribution, version, reason))


def _flatten(manager: pluggy.PluginManager, hook: str) -> Iterable[PluginSpec]:
    for specs in getattr(manager.hook, hook)():
        for spec in specs:
            if HOOKS.get(getattr(spec, "kind", "")) != hook:
                raise TypeError(f"{hook} gave {spec!r}, which is no description of that kind")
            for text in TEXTS:
                if not isinstance(getattr(spec, text), str):
                    raise TypeError(f"{hook} gave {spec!r}, whose {text} is no text")
            yield spec


def _entry_points() -> Iterable[tuple[EntryPoint, str, str]]:
    """Entry points of the group, with distribution name and version, in a fixed order.

    ``PAST_DISABLE_EXTERNAL_PLUGINS=1`` leaves out all but our own distributions, to
    find out whether a third party's plugin causes a problem.
    """
    own_only = os.environ.get("PAST_DISABLE_EXTERNAL_PLUGINS") == "1"
    found: dict[tuple[str, str], tuple[EntryPoint, str]] = {}
    for distribution in distributions():
        name = distribution.metadata["Name"]
        if name is None or (own_only and name not in OWN):
            continue
        for entry_point in _announced(distribution):
            found.setdefault((name, entry_point.name), (entry_point, distribution.version))
    for (name, _), (entry_point, version) in sorted(found.items(), key=lambda item: item[0]):
        yield entry_point, name, version


def _announced(distribution: Distribution) -> list[EntryPoint]:
    """Entry points of the group; none of a distribution whose list of them cannot be read."""
    try:
        return [one for one in distribution.entry_points if one.group == GROUP]
    except Exception as error:
        log.debug("entry points of %s: %s", distribution.metadata["Name"], error)
        return []
