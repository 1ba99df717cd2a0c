"""The state of a training after every epoch, on disk, and back; files that run no code."""

from __future__ import annotations

import csv
import logging
from pickle import UnpicklingError
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
    except (RuntimeError, EOFError, UnpicklingError, ValueError, TypeError) as error:
        log.warning("%s cannot be read, training starts anew: %s", path, error)
        return
    try:
        _take_over(trainer, state)
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        said = " ".join(str(error).split("\n\t")[:2])  # torch names every weight
        raise DataError(
            f"{path}: the state of another training ({said}). Delete it: this one begins anew."
        ) from error
    log.info("going on after epoch %d of %d", trainer.current_epoch, trainer.num_epochs)


def _take_over(trainer: nnUNetTrainer, state: Mapping[str, Any]) -> None:
    trainer.network.load_state_dict(state["network"])
    trainer.optimizer.load_state_dict(state["optimizer"])
    trainer.lr_scheduler.__dict__.update(state["schedule"])
    if trainer.grad_scaler:
        trainer.grad_scaler.load_state_dict(state["scaler"])
    if trainer.online is not None:
        trainer.online.strategy.restore(state["online"])
    trainer.current_epoch = state["epoch"]
    trainer.rows = [tuple(row) for row in state["rows"]]


def _path(trainer: nnUNetTrainer) -> Path:
    folder: Path = trainer.context.folder
    return folder / "checkpoint.pt"


def _numbers(schedule: Any) -> dict[str, int | float]:  # noqa: ANN401  (two unrelated classes)
    """What a schedule counts; the rest of it follows from the configuration."""
    return {k: v for k, v in vars(schedule).items() if type(v) in (int, float)}
