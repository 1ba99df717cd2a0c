"""``past-cli evaluate``: score segmentations that lie in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from past_cli.formats import format_option, print_table
from past_cli.metric_options import metric_options

if TYPE_CHECKING:
    from past_core.interfaces import Metric

__all__ = ["evaluate"]

FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command()
@click.argument("predictions", type=FOLDER)
@click.argument("references", type=FOLDER)
@click.option(
    "--labels",
    required=True,
    metavar="NAME=VALUE,...",
    help="Structures and their values, as in vs=1,cochlea=2; or names in the order of values.",
)
@metric_options
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Setting of a metric, as in metric.assd.form=directed. Repeatable.  [default: none]",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    help="Number of cases at a time.  [default: one a core]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the scores as CSV, to this file.  [default: only print them]",
)
@format_option
def evaluate(
    predictions: Path,
    references: Path,
    labels: str,
    *,
    jobs: int | None,
    out: Path | None,
    form: str,
    **by: Any,  # noqa: ANN401
) -> None:
    """Score segmentations that lie in a folder.

    Those in PREDICTIONS are paired by name with those in REFERENCES. What each metric means, its
    settings and what it gives for empty masks: past-cli plugins NAME.
    """
    from past_cli.tables import score_table  # noqa: PLC0415
    from past_core.device import usable_cores  # noqa: PLC0415
    from past_core.evaluation import score_folders  # noqa: PLC0415
    from past_core.labels import Labels  # noqa: PLC0415
    from past_core.scoring import summarise, write_scores  # noqa: PLC0415

    structures = Labels.from_text(labels, "--labels")
    metrics = _metrics(**by)
    rows = score_folders(predictions, references, structures, metrics, jobs=jobs or usable_cores())
    print_table(score_table(summarise(rows)), form)
    if out is not None:
        write_scores(out, rows)


def _metrics(
    metrics: tuple[str, ...], scoring: str | None, assignments: tuple[str, ...]
) -> dict[str, Metric]:
    from past_core.metrics.choice import create_metrics, named_metrics  # noqa: PLC0415
    from past_core.metrics.official import official  # noqa: PLC0415
    from past_core.plugins import Registry  # noqa: PLC0415
    from past_core.recipe import merged, parse_assignments  # noqa: PLC0415

    registry = Registry()
    rules = official(scoring)
    names = named_metrics(registry, (*metrics, *rules))
    assigned = parse_assignments(assignments, {"metric": names})
    return create_metrics(registry, names, merged(rules, assigned.get("metric", {})))
