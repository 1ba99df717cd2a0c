"""Which of the kept translators to use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from past_gan.quality.assessment import best_step, read_figures
from past_gan.training.snapshots import figures_path, kept_snapshots

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["choose"]


def choose(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The translator of best label-free quality that the training in ``folder`` kept.

    Returns
    -------
    tuple
        Its file, the last one's if there are no figures; and as JSON values ``chosen``, its
        step, and ``translators``, by step the figures of those that were measured.
    """
    kept = {int(path.stem): path for path in kept_snapshots(folder)}
    figures = {step: read_figures(figures_path(path)) for step, path in kept.items()}
    chosen = best_step(figures)
    known = {str(step): quality.as_json() for step, quality in figures.items() if quality}
    return kept[chosen], {"chosen": chosen, "translators": known}
