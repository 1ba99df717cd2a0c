"""One HTML file of a run, or of several side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from past_cli.choices import choice_tables, trust_tables
from past_cli.closing import answer_lines
from past_cli.provenance import provenance_lines
from past_cli.quality import quality_tables
from past_cli.report.charts import costs, curves, score_boxes
from past_cli.report.grids import Grid, acceptance, cases, of_table, score_grid
from past_cli.report.pictures import panels, scans
from past_cli.tables import score_table
from past_core.comparison import compare_runs
from past_core.files import write_text
from past_core.pipeline import open_run, troubles

if TYPE_CHECKING:
    from past_core.pipeline import Run

__all__ = ["write_report"]

WORST = 6
"""Scans that are drawn."""
CITE = (
    "Dong H, Yu F, Zhao J, Dong B, Zhang L. Unsupervised domain adaptation in semantic "
    "segmentation based on pixel alignment and self-training (PAST). arXiv:2109.14219 (2021).",
    "Isensee F et al. nnU-Net: a self-configuring method for deep learning-based biomedical image "
    "segmentation. Nature Methods 18, 203-211 (2021).",
    "Chen R et al. Reusing discriminators for encoding: towards unsupervised image-to-image "
    "translation (NICE-GAN). CVPR 2020.",
)


@dataclass(frozen=True)
class Said:
    """A table with what is to be said of it."""

    grid: Grid
    text: str
    good: bool = True


def write_report(folders: Sequence[Path], path: Path) -> Path:
    """Write the report of these run folders; what each holds is read from its files alone.

    Parameters
    ----------
    folders
        One run, or several to be compared.
    path
        The HTML file. Everything it shows is in it: it opens offline.

    Raises
    ------
    DataError
        If a folder holds no run, or files of one are damaged.
    """
    runs = [open_run(folder) for folder in folders]
    environment = Environment(
        loader=PackageLoader("past_cli.report", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    page = environment.get_template("report.html.j2").render(
        title=" and ".join(run.folder.resolve().name for run in runs[:3])
        + (f" and {len(runs) - 3} more" if len(runs) > 3 else ""),
        compared=_compared(runs),
        runs=[_parts(run) for run in runs],
        cite=CITE,
    )
    write_text(path, page)
    return path


def _compared(runs: Sequence[Run]) -> Grid | None:
    """The runs in one table, if several have scores."""
    scored = [run.folder for run in runs if run.summaries()]
    if len(scored) < 2:
        return None
    return of_table(score_table(compare_runs(scored)), "mean ± standard deviation over runs")


def _parts(run: Run) -> dict[str, Any]:
    """What the page shows of one run, in plain text, tables, charts and pictures."""
    scores = run.scores()
    metrics = list(dict.fromkeys(score.metric for score in scores))
    metrics.sort(key=lambda name: (name != "dice", name))
    translators = [Said(of_table(t), said, good) for t, said, good in quality_tables(run)]
    system = run.answer or (run.systems[-1] if run.systems else "")
    worst = cases(run, scores, system)
    names = [row[0] for row in worst.rows[:WORST]] if worst else []
    return {
        "name": run.folder.resolve().name,
        "answer": list(answer_lines(run)),
        "doubts": list(_doubts(run, translators)),
        "translators": translators,
        "choices": [
            Said(of_table(t, "candidates, and what they are judged by"), said)
            for t, said in choice_tables(run)
        ],
        "least_trusted": [of_table(table, heading) for table, heading in trust_tables(run)],
        "scores": [grid for metric in metrics if (grid := score_grid(run, scores, metric))],
        "boxes": [chart for metric in metrics if (chart := score_boxes(run, scores, metric))],
        "cases": worst,
        "scans": list(scans(run, system, names)),
        "panels": list(panels(run)),
        "acceptance": acceptance(run) if run.record else None,
        "curves": list(curves(run)),
        "costs": costs(run),
        "provenance": list(provenance_lines(run)) if run.record else [],
        "recipe": run.recipe,
        "systems": run.systems_file,
    }


def _doubts(run: Run, translators: Sequence[Said]) -> Iterator[str]:
    """What goes wrong, as far as that can be told without target labels."""
    if run.record:
        yield from troubles(run)
    yield from (one.text for one in translators if not one.good)
    for name, reason in run.record.get("left_out", {}).items():
        yield f"{name} is left out: {reason}"
