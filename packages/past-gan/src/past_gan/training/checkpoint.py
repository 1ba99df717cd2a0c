"""Tensors and facts in one safetensors file: written whole, read without running code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from past_core.config import PluginConfig, parse_config
from past_core.disk import native_disk_errors
from past_core.errors import DataError
from past_core.files import atomic_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

__all__ = [
    "CHECKPOINT",
    "load_weights",
    "optimizer_tensors",
    "read",
    "restore_optimizer",
    "settings_of",
    "write",
]

CHECKPOINT = "checkpoint.safetensors"
"""File, in a training's folder, that it goes on from."""

MOMENTS = {"step", "exp_avg", "exp_avg_sq"}
"""What Adam notes of each parameter."""

Config = TypeVar("Config", bound=PluginConfig)


def write(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Store tensors by name and ``facts`` in one safetensors file, whole or not at all.

    Both are then of one moment. Facts are JSON values; ``read`` asks for a ``"kind"``.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path) as temporary, native_disk_errors(path, SafetensorError):
        save_file(plain, temporary, metadata={"past": json.dumps(facts)})


def read(path: Path, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors (on the CPU) and facts; ``facts["kind"]`` must be ``kind``.

    Raises
    ------
    DataError
        If the file is missing, truncated, no safetensors file or of another kind.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file. Was the translator trained and saved?")
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})["past"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        found = facts["kind"]
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{path}: not a readable checkpoint of PAST ({type(error).__name__}: {error}). "
            "It is damaged or of another program: delete it and train again."
        ) from error
    if found != kind:
        raise DataError(f"{path}: holds {found!r}, expected {kind!r}. Choose the right folder.")
    return tensors, facts


def settings_of(path: Path, facts: Mapping[str, Any], model: type[Config]) -> Config:
    """The configuration that was saved among the facts of a file.

    Raises
    ------
    DataError
        If there is none.
    ConfigError
        If it does not fit ``model``.
    """
    values = facts.get("config")
    if not isinstance(values, dict):
        raise DataError(f"{path}: its settings are damaged. Train again.")
    return parse_config(model, values, where=str(path))


def load_weights(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Copy tensors into a module whose names and shapes they must match.

    Raises
    ------
    DataError
        If they do not; ``path`` is where they came from.
    """
    try:
        module.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise DataError(
            f"{path}: its weights do not fit the configured network. {error}"
        ) from error


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The running state of an optimiser, as ``"parameter number.entry"``."""
    state = optimizer.state_dict()["state"]
    return {f"{n}.{entry}": value for n, many in state.items() for entry, value in many.items()}


def restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], path: Path
) -> None:
    """Undo ``optimizer_tensors``.

    Each tensor takes the memory order of its parameter: fused Adam walks through both
    side by side, and files know no channels-last order.

    Raises
    ------
    DataError
        If they are of other parameters; ``path`` is where they came from.
    """
    parameters = [one for group in optimizer.param_groups for one in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        number, _, entry = name.partition(".")
        if not number.isdecimal() or int(number) >= len(parameters) or entry not in MOMENTS:
            raise _other(path, f"{name} belongs to no parameter")
        parameter = parameters[int(number)]
        if value.shape != (torch.Size([]) if entry == "step" else parameter.shape):
            raise _other(path, f"{name} has shape {tuple(value.shape)}")
        if value.shape == parameter.shape:
            value = torch.empty_like(parameter).copy_(value)  # noqa: PLW2901
        state.setdefault(int(number), {})[entry] = value
    if odd := [number for number, entries in state.items() if entries.keys() != MOMENTS]:
        raise _other(path, f"what is noted of parameter {odd[0]} is not whole")
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _other(path: Path, said: str) -> DataError:
    return DataError(
        f"{path}: the state of another training ({said}). Delete it: this one begins anew."
    )
