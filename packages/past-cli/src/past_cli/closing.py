"""What is said of a run at its end: choices, trust, scores, and where the segmentations are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from past_cli.choices import choice_tables, trust_tables
from past_cli.tables import score_tables
from past_core.pipeline import troubles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from past_core.pipeline import Run

__all__ = ["closing"]


def closing(run: Run) -> Iterator[Table | str]:
    """Tables and sentences in their order."""
    for figures, said in choice_tables(run):
        yield figures
        yield said
    for least, heading in trust_tables(run):
        yield heading
        yield least
    yield from troubles(run)
    tables = score_tables(run)
    yield from tables
    if not tables:
        yield "Nothing is scored: no test case has a label, or it was not asked."
    yield from _answer(run)


def _answer(run: Run) -> Iterator[str]:
    """Which system's segmentations to take, and where they are."""
    if run.answer is None or not run.segmentations(run.answer).is_dir():
        return
    choice = run.choices().get(run.answer)
    if choice is not None and choice.get("by") == "validation":
        why = (
            f"which is {choice['chosen']}, chosen by its score on validation scans: target labels "
            "decided, so it counts as supervised"
        )
    elif choice is not None:
        why = f"which is {choice['chosen']}, chosen by figures without target labels"
    elif len(run.systems) > 1:
        why = "the last of the systems that see no target label"
    else:
        why = "the one system of this run"
    count = len(run.record["segmentations"])
    files = f"{count} segmentation{'' if count == 1 else 's'}"
    place = run.segmentations(run.answer).relative_to(run.folder)
    yield f"Take {run.answer}, {why}: {files} in {place} of the run's folder."
