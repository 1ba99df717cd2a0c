"""PAST's common ground: volumes, cases, data sets, interfaces, plugins and the pipeline.

The names below are loaded when they are first used, so that listing plugins stays
quick; and nothing here imports a deep-learning framework.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from past_core.case import Case
    from past_core.dataset import Dataset
    from past_core.errors import ConfigError, DataError, PastError, PluginError, StageError
    from past_core.exported import LoadedSystem, load_system
    from past_core.labels import Labels
    from past_core.pipeline import Request, Run, open_run, run_pipeline
    from past_core.roi import ROI
    from past_core.volume import Volume, load_volume, save_volume

__all__ = [
    "ROI",
    "Case",
    "ConfigError",
    "DataError",
    "Dataset",
    "Labels",
    "LoadedSystem",
    "PastError",
    "PluginError",
    "Request",
    "Run",
    "StageError",
    "Volume",
    "load_system",
    "load_volume",
    "open_run",
    "run_pipeline",
    "save_volume",
]

_HOMES = {
    "case": ("Case",),
    "dataset": ("Dataset",),
    "errors": ("ConfigError", "DataError", "PastError", "PluginError", "StageError"),
    "exported": ("LoadedSystem", "load_system"),
    "labels": ("Labels",),
    "pipeline": ("Request", "Run", "open_run", "run_pipeline"),
    "roi": ("ROI",),
    "volume": ("Volume", "load_volume", "save_volume"),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"past_core.{module}"), name)
    raise AttributeError(f"module 'past_core' has no attribute '{name}'")
