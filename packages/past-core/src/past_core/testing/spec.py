"""A plugin's description is complete, and reading it is light."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from past_core.config import PluginConfig, parse_config
from past_core.errors import ConfigError
from past_core.interfaces import (
    DatasetReader,
    Metric,
    OnlineStrategy,
    Segmenter,
    Strategy,
    Translator,
    Validator,
)
from past_core.plugins import SegmenterSpec, StrategySpec
from past_core.testing.promises import expect

if TYPE_CHECKING:
    from past_core.plugins import PluginSpec

__all__ = ["HEAVY", "check_module", "check_spec"]

HEAVY = ("torch", "monai", "nnunetv2", "tensorflow", "jax")
"""Packages that a command which only lists plugins must not wait for."""

INTERFACES: dict[str, type] = {
    "dataset": DatasetReader,
    "translator": Translator,
    "segmenter": Segmenter,
    "strategy": Strategy,
    "metric": Metric,
    "validator": Validator,
}


def check_module(module: str) -> None:
    """Importing a plugin module, in a fresh interpreter, brings in no heavy package."""
    code = (
        f"import sys, importlib; importlib.import_module({module!r}); "
        f"print(*(name for name in {HEAVY!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f"{module} cannot be imported:\n{done.stderr}")
    brought = done.stdout.split()
    expect(
        not brought,
        f"importing {module} imports {', '.join(brought)}. Name classes by import path "
        "('package.module:Class') instead of importing them",
    )


def check_spec(spec: PluginSpec) -> None:
    """Name, summary, import paths and configuration of one plugin are as users need them."""
    who = f"{spec.kind or 'plugin'} '{spec.name}'"
    expect(spec.kind in INTERFACES, f"{who}: kind must be one of {', '.join(INTERFACES)}")
    expect(
        re.fullmatch(r"[a-z0-9]+([._-][a-z0-9]+)*", spec.name) is not None,
        f"{who}: a name has lower-case letters, digits, and single . _ - between them",
    )
    expect(
        bool(spec.summary.strip()) and "\n" not in spec.summary,
        f"{who}: the summary must be one line",
    )
    _check_factory(who, spec)
    config = _resolve(who, spec.config)
    _check_config(who, config)
    named = {
        "random_looks": spec.random_looks if isinstance(spec, SegmenterSpec) else None,
        "edges": spec.edges if isinstance(spec, StrategySpec) else None,
    }
    for what, setting in named.items():
        expect(
            setting is None or setting in config.model_fields,
            f"{who}: {what} is '{setting}', which is none of its settings",
        )


def _check_factory(who: str, spec: PluginSpec) -> None:
    factory = _resolve(who, spec.factory)
    online = isinstance(spec, StrategySpec) and spec.online
    interface = OnlineStrategy if online else INTERFACES[spec.kind]
    expect(
        isinstance(factory, type) and issubclass(factory, interface),
        f"{who}: {spec.factory} must be a subclass of {interface.__name__}",
    )
    expect(
        not inspect.isabstract(factory),
        f"{who}: {spec.factory} lacks {', '.join(sorted(factory.__abstractmethods__))}",
    )


def _check_config(who: str, model: Any) -> None:  # noqa: ANN401
    expect(
        isinstance(model, type) and issubclass(model, PluginConfig),
        f"{who}: the configuration must be a subclass of past_core.config.PluginConfig",
    )
    for name, about in model.model_fields.items():
        expect(
            not about.is_required(),
            f"{who}: {name} has no default; a plugin must run without any setting",
        )
        expect(
            bool(about.description),
            f"{who}: {name} has no description; put a docstring below the field",
        )
    config = model()
    try:
        parse_config(model, {"no_such_key": 1}, who)
    except ConfigError:
        pass
    else:
        raise AssertionError(f"{who}: an unknown key is accepted; keep extra='forbid'")
    expect(bool(model.model_config.get("frozen")), f"{who}: the configuration must be frozen")
    again = model.model_validate_json(config.model_dump_json())
    expect(again == config, f"{who}: the configuration does not survive JSON: {again} != {config}")


def _resolve(who: str, path: str) -> Any:  # noqa: ANN401
    module, colon, attribute = path.partition(":")
    expect(bool(module and colon and attribute), f"{who}: {path!r} is not 'package.module:Class'")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise AssertionError(f"{who}: {path} cannot be imported: {error}") from error
