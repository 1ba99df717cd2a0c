"""The training loop that translators share: steps, losses on disk, checkpoints, resume.

A model brings its own step; the loop knows nothing of networks. All randomness is a
function of seed and step, so an interrupted training goes on from its last checkpoint
to the same weights as an undisturbed one.
"""

from __future__ import annotations

import csv
import io
import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch

from past_core.errors import ConfigError
from past_core.files import atomic_path
from past_gan import checkpoint
from past_gan.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from past_core.interfaces import Context
    from past_gan.slices import PatchSampler

__all__ = ["Schedule", "Trainable", "train"]

log = logging.getLogger(__name__)

LOSS_ROWS = 2000
"""About so many rows are written to ``losses.csv``."""


class Trainable(Protocol):
    """A model with two optimisers that learns from unpaired batches."""

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Train once; give the loss terms, unweighted, by name."""

    def tensors(self) -> dict[str, Tensor]:
        """All that training needs to go on: weights, running means, optimisers' state."""

    def restore(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Undo ``tensors``; ``path`` names their file in errors."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train."""

    iterations: int
    learning_rate: float
    checkpoint_interval: int
    """Steps between checkpoints."""

    def rate(self, step: int) -> float:
        """Learning rate of step 0, 1, ...: constant, then linear to 0 over the second half."""
        half = self.iterations / 2
        return self.learning_rate * min(1.0, (self.iterations - step) / half)


def train(
    model: Trainable,
    samplers: Sequence[PatchSampler],
    schedule: Schedule,
    facts: Mapping[str, Any],
    context: Context,
) -> None:
    """Train to the end of the schedule, from the checkpoint in ``context.folder`` if any.

    Parameters
    ----------
    samplers
        Of source and target patches.
    facts
        JSON values that say what is trained on what, with ``"kind"``. A checkpoint of
        other facts is not continued: training starts anew.

    Raises
    ------
    DataError
        If the checkpoint is damaged.
    ConfigError
        If a loss is not finite, naming the step.
    """
    path = context.folder / "checkpoint.safetensors"
    source, target = samplers
    first = _resume(model, path, facts)
    rows = _Losses(context.folder / "losses.csv", first)
    interval = max(1, schedule.iterations // LOSS_ROWS)
    for step in range(first, schedule.iterations):
        batch = Batch(
            source.batch(step).to(context.device),
            target.batch(step).to(context.device),
            labels=None,
            step=step,
            rate=schedule.rate(step),
        )
        losses = model.step(batch)
        values = dict(zip(losses, torch.stack(list(losses.values())).tolist(), strict=True))
        done = step + 1
        _stop_if_not_finite(values, done)
        if done % interval == 0:
            rows.add(done, values)
        if done % schedule.checkpoint_interval == 0 or done == schedule.iterations:
            rows.write()
            checkpoint.write(path, model.tensors(), {**facts, "step": done})
        note = " ".join(f"{name} {value:.3f}" for name, value in values.items())
        context.progress(done, schedule.iterations, note)


def _resume(model: Trainable, path: Path, facts: Mapping[str, Any]) -> int:
    """Restore the checkpoint; the number of steps it has behind it."""
    if not path.exists():
        return 0
    tensors, found = checkpoint.read(path, facts["kind"])
    step = found.pop("step", None)
    if found != dict(facts):
        log.warning("%s: of other settings or data; training starts anew", path)
        return 0
    model.restore(tensors, path)
    log.info("resuming after step %s from %s", step, path)
    return int(step)


def _stop_if_not_finite(values: Mapping[str, float], step: int) -> None:
    bad = {name: value for name, value in values.items() if not math.isfinite(value)}
    if bad:
        raise ConfigError(
            f"translator training diverged at step {step}: {bad}. "
            "Lower learning_rate, or set precision to fp32."
        )


class _Losses:
    """``losses.csv``: a row per logged step; on resume, later rows are dropped."""

    def __init__(self, path: Path, first: int) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        if first and path.is_file():
            with path.open(newline="") as file:
                self.rows = [row for row in csv.DictReader(file) if int(row["step"]) <= first]

    def add(self, step: int, values: Mapping[str, float]) -> None:
        self.rows.append({"step": step} | {name: f"{value:.6g}" for name, value in values.items()})

    def write(self) -> None:
        if not self.rows:
            return
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(self.rows[-1]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        with atomic_path(self.path) as temporary:
            temporary.write_text(text.getvalue())
