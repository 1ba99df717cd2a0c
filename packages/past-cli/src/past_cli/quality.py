"""What a run knows of its translator without target labels, as a table and a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from past_core.pipeline import Run

__all__ = ["quality_table", "quality_tables", "verdict"]


def quality_tables(run: Run) -> Iterator[tuple[Table, str, bool]]:
    """Of each translator that measured figures: table, verdict, and whether it is a good one."""
    for one in run.translations():
        if one.quality is not None:
            table = quality_table(one.quality, run.structures)
            table.title = f"{one.name}, measured without target labels"
            said = verdict(one.quality, one.translator)
            yield table, said, one.quality["beats_baselines"] is not False


def quality_table(report: Mapping[str, Any], structures: Sequence[str]) -> Table:
    """One row a kept translator and baseline, the chosen one marked by a star.

    Parameters
    ----------
    structures
        Names of the label values 1, 2, ...

    Returns
    -------
    Table
        Of each structure, how well a segmenter trained on one half of the translations finds
        it in the other half, and how well two such segmenters agree on it in real scans
        (Dice); the error in grey levels after there and back; jumps between slices beside
        those of real scans.
    """
    table = Table(box=SIMPLE_HEAD, title="translation, measured without target labels")
    table.add_column("translator", no_wrap=True)
    headings = [f"{structure}\nfound, agreed" for structure in structures]
    for heading in ("looks", *headings, "cycle\nerror", "slice\njump", "score"):
        table.add_column(heading, justify="right", no_wrap=True)
    rows = {
        f"{'*' if int(step) == report['chosen'] else ' '} step {step}": figures
        for step, figures in report["translators"].items()
    } | {f"  {name}": figures for name, figures in report["baselines"].items()}
    for name, figures in rows.items():
        table.add_row(
            name,
            _cell(figures["looks"], 3),
            *(
                ", ".join(
                    _cell(_of_structure(figures[kind], structure, value), 3)
                    for kind in ("recovery", "agreement")
                )
                for value, structure in enumerate(structures, start=1)
            ),
            _cell(figures["cycle"], 1),
            _cell(figures["continuity"], 2),
            _cell(figures["score"], 3),
        )
    return table


def verdict(report: Mapping[str, Any], translator: str) -> str:
    """Whether the translator has earned its hours."""
    rivals = ", ".join(report["baselines"])
    if report["beats_baselines"] is None:
        return f"{translator} could not be compared with translators that train nothing."
    if report["beats_baselines"]:
        return f"{translator} beats {rivals} by these figures."
    return (
        f"{translator} does not beat {rivals} by these figures: it has not earned its hours "
        "on this data."
    )


def _of_structure(figures: Mapping[str, float | None], structure: str, value: int) -> float | None:
    """Runs of before structures had their names in these figures have their values there."""
    return figures.get(structure, figures.get(str(value)))


def _cell(number: float | None, digits: int) -> str:
    return "" if number is None else f"{number:.{digits}f}"
