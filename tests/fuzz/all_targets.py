"""Every target by its module; those of ``trained`` need torch, so modules are imported late."""

from __future__ import annotations

from importlib import import_module

__all__ = ["MODULES", "find_target", "targets_of"]

MODULES = ("single_files", "data_sets", "runs", "trained")


def targets_of(module):
    """The targets of a module of this folder."""
    return import_module(f"tests.fuzz.{module}").TARGETS


def find_target(name):
    """The target of this name."""
    for module in MODULES:
        for target in targets_of(module):
            if target.name == name:
                return target
    raise SystemExit(f"no target is named {name}")
