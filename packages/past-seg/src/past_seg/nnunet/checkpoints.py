"""The state of a training after every epoch, on disk, and back; files that run no code."""

from __future__ import annotations

import csv
import errno
import logging
from typing import TYPE_CHECKING, Any

import torch

from past_core.disk import native_disk_errors
from past_core.errors import DataError
from past_core.files import atomic_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

__all__ = ["resume", "save_state", "write"]

log = logging.getLogger(__name__)

PARTS = ("epoch", "network", "optimizer", "schedule", "scaler", "online", "rows")


def write(trainer: nnUNetTrainer) -> None:
    """Write the state of a ``trainer.Trainer`` after a whole epoch, then its loss curve."""
    state = {
        "epoch": trainer.current_epoch,
        "network": trainer.network.state_dict(),
        "optimizer": trainer.optimizer.state_dict(),
        "schedule": _numbers(trainer.lr_scheduler),
        "scaler": trainer.grad_scaler.state_dict() if trainer.grad_scaler else None,
        "online": None if trainer.online is None else trainer.online.strategy.state(),
        "rows": trainer.rows,
    }
    save_state(state, _path(trainer))
    curve = trainer.context.record / "losses.csv"
    with atomic_path(curve) as temporary, temporary.open("w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("iteration", "learning_rate", "loss"))
        writer.writerows(trainer.rows)


def save_state(state: Mapping[str, Any], path: Path) -> None:
    """Write tensors and plain values, whole or not at all."""
    # Into Python's file: torch's own says only that something cannot be written.
    with (
        atomic_path(path) as temporary,
        native_disk_errors(path, RuntimeError),
        temporary.open("wb") as file,
    ):
        torch.save(state, file)


def resume(trainer: nnUNetTrainer) -> None:
    """Take over the last state written, if there is one that can be read.

    Raises
    ------
    DataError
        If there is, and it is of another training.
    OSError
        If the disk does not answer: a training is not thrown away for that.
    """
    path = _path(trainer)
    if not path.exists():
        return
    try:
        state = torch.load(path, map_location=trainer.device, weights_only=True)
        if lacking := [part for part in PARTS if part not in state]:
            raise ValueError(f"it lacks {', '.join(lacking)}")
    except Exception as error:  # whatever torch's reader stumbles over
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise  # a damaged file sends its reader to places before its beginning: EINVAL
        log.warning("%s cannot be read, training starts anew: %s", path, error)
        return
    try:
        _take_over(trainer, state)
    except (RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
        said = " ".join(str(error).split("\n\t")[:2])  # torch names every weight
        raise DataError(
            f"{path}: the state of another training ({said}). Delete it: this one begins anew."
        ) from error
    log.info("going on after epoch %d of %d", trainer.current_epoch, trainer.num_epochs)


def _take_over(trainer: nnUNetTrainer, state: Mapping[str, Any]) -> None:
    _require_own(trainer.optimizer, state["optimizer"])
    if state["schedule"].keys() != _numbers(trainer.lr_scheduler).keys():
        raise ValueError("another schedule")
    if any(type(value) not in (int, float) for value in state["schedule"].values()):
        raise ValueError("a schedule that counts no numbers")
    if type(state["epoch"]) is not int or not 0 <= state["epoch"] <= trainer.num_epochs:
        raise ValueError(f"epoch {state['epoch']!r} of {trainer.num_epochs}")
    rows = [(int(number), float(rate), float(loss)) for number, rate, loss in state["rows"]]
    trainer.network.load_state_dict(state["network"])
    trainer.optimizer.load_state_dict(state["optimizer"])
    trainer.lr_scheduler.__dict__.update(state["schedule"])
    if trainer.grad_scaler:
        trainer.grad_scaler.load_state_dict(state["scaler"])
    if trainer.online is not None:
        trainer.online.strategy.restore(state["online"])
    trainer.current_epoch = state["epoch"]
    trainer.rows = rows


def _require_own(optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Settings of the same kinds and moments of the weights' shapes; torch looks at neither.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError
        If they are others.
    """
    own, found = optimizer.state_dict()["param_groups"], state["param_groups"]
    kinds = [[{key: type(one[key]) for key in one} for one in groups] for groups in (own, found)]
    if kinds[0] != kinds[1] or [g["params"] for g in own] != [g["params"] for g in found]:
        raise ValueError("another optimiser")
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    for number, moments in state["state"].items():
        if moments.keys() != MOMENTS[type(optimizer)]:
            raise ValueError(f"other moments of weight {number}")
        for name, value in moments.items():
            shape = torch.Size([]) if name == "step" else weights[number].shape
            if value is None and isinstance(optimizer, torch.optim.SGD):
                continue  # before its first step
            if value.shape != shape:
                raise ValueError(f"{name} of weight {number} is of another shape")


MOMENTS = {
    torch.optim.AdamW: {"step", "exp_avg", "exp_avg_sq"},
    torch.optim.SGD: {"momentum_buffer"},
}
"""What an optimiser notes of each weight."""


def _path(trainer: nnUNetTrainer) -> Path:
    folder: Path = trainer.context.folder
    return folder / "checkpoint.pt"


def _numbers(schedule: Any) -> dict[str, int | float]:  # noqa: ANN401  (two unrelated classes)
    """What a schedule counts; the rest of it follows from the configuration."""
    return {k: v for k, v in vars(schedule).items() if type(v) in (int, float)}
