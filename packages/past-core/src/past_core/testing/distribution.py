"""All plugins of a distribution keep what their interfaces promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from past_core.plugins import KINDS, Registry, StrategySpec
from past_core.testing.metric import check_metric
from past_core.testing.promises import expect
from past_core.testing.segmenter import check_segmenter
from past_core.testing.spec import check_spec
from past_core.testing.strategy import check_strategy
from past_core.testing.translator import check_translator
from past_core.testing.validator import check_validator

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from past_core.plugins import PluginSpec
    from past_core.plugins.registry import Installed

__all__ = ["check_distribution"]


def check_distribution(
    name: str,
    folder: Path,
    settings: Mapping[str, Mapping[str, Any]] = {},
    registry: Registry | None = None,
) -> list[str]:
    """Check every plugin of an installed distribution, as the pipeline would use it.

    Data set readers need files in their layout, and online strategies a network: of these the
    description alone is checked; ``check_reader`` and ``check_online_strategy`` do the rest.

    Parameters
    ----------
    name
        The distribution's, as ``pip list`` shows it.
    folder
        An empty scratch folder.
    settings
        By plugin, to make trainings short; the rest is as by default.
    registry
        The plugins; by default all that are installed.

    Returns
    -------
    list of str
        Kind and name of what was checked.

    Raises
    ------
    AssertionError
        Saying which promise was broken, or that the distribution provides no plugin.
    """
    registry = registry or Registry()
    broken = [one.reason for one in registry.broken if one.distribution == name]
    expect(not broken, f"{name} failed to load: {'; '.join(broken)}")
    found = [one for kind in KINDS for one in registry.all(kind) if one.distribution == name]
    expect(
        bool(found),
        f"{name} provides no plugin. Is it installed, with [project.entry-points.past]?",
    )
    unknown = set(settings) - {one.spec.name for one in found}
    expect(not unknown, f"settings of {', '.join(sorted(unknown))}: no plugin of {name}")
    for one in found:
        check_spec(one.spec)
        place = folder / f"{one.spec.kind}-{one.spec.name}"
        place.mkdir()
        _check(registry, one, settings.get(one.spec.name, {}), place)
    return [f"{one.spec.kind} {one.spec.name}" for one in found]


def _check(registry: Registry, one: Installed, settings: Mapping[str, Any], folder: Path) -> None:
    kind, name = one.spec.kind, one.spec.name
    config = registry.config(kind, name, settings, name)
    factory = registry.factory(kind, name)
    if kind == "translator":
        check_translator(factory, config, folder)
    elif kind == "segmenter":
        check_segmenter(factory, config, folder)
    elif kind == "metric":
        check_metric(factory, config)
    elif kind == "validator":
        check_validator(factory, config, folder)
    elif kind == "strategy" and not _online(one.spec):
        teachers = one.spec.teachers if isinstance(one.spec, StrategySpec) else 1
        check_strategy(factory, config, folder, teachers)


def _online(spec: PluginSpec) -> bool:
    return isinstance(spec, StrategySpec) and spec.online
