"""What is said of a run at its end: choices, trust, scores, and where the segmentations are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from past_cli.choices import choice_tables, trust_tables
from past_cli.tables import score_tables
from past_core.case import Domain
from past_core.pipeline import selections_of, troubles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from past_core.pipeline import Run

__all__ = ["answer_lines", "closing"]


def closing(run: Run) -> Iterator[Table | str]:
    """Tables and sentences in their order."""
    for figures, said in choice_tables(run):
        yield figures
        yield said
    for least, heading in trust_tables(run):
        yield heading
        yield least
    yield from _decided_by_image(run)
    yield from troubles(run)
    tables = score_tables(run)
    yield from tables
    if not tables:
        yield "Nothing is scored: no test case has a label, or it was not asked."
    yield from answer_lines(run)


def _decided_by_image(run: Run) -> Iterator[str]:
    """Rounds in which borders of pseudo-labels lie where the image has edges."""
    for one in selections_of(run):
        if one.domain != Domain.TARGET or not (any(one.added.values()) or one.alone):
            continue
        parts = []
        for name in run.structures:
            size = max(1, one.predicted[name])
            taken, added = one.taken[name] / size, one.added[name] / size
            parts.append(f"of {name} it took {taken:.0%} away and added {added:.0%}")
        end = "; so they can be learnt from alone" if one.alone else ""
        yield (
            f"Round {one.round} of {one.model}: the image decided where borders lie in target "
            f"scans, {', '.join(parts)}{end}."
        )


def answer_lines(run: Run) -> Iterator[str]:
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
