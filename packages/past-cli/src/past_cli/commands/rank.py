"""``past-cli rank``: how well label-free figures rank the candidates of a run."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["rank"]


@click.command()
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
def rank(run: Path) -> None:
    """Say how well label-free figures rank the candidates.

    Of the run folder RUN, whose test scans must have labels. For every validator of a system that
    chooses: Spearman's and Kendall's correlation of its figures with the mean Dice of the
    candidates, with 95 % intervals (bootstrap over candidates), and what is lost if its highest
    figure chooses. Then the same over the scans that the chosen one segmented: whether the
    figures tell good segmentations from bad ones.
    """
    from past_cli.choices import correlation_table  # noqa: PLC0415
    from past_cli.console import new_console  # noqa: PLC0415
    from past_core.errors import DataError  # noqa: PLC0415
    from past_core.pipeline import open_run  # noqa: PLC0415
    from past_core.rank_correlation import correlations  # noqa: PLC0415

    opened, console = open_run(run), new_console()
    truth = opened.mean_scores("dice")
    choices = opened.choices()
    if not choices:
        raise DataError(
            f"{run}: no system of this run chooses among others. Give one of its systems "
            "choose = [...]; see docs/systems.md."
        )
    for system, choice in choices.items():
        console.print(f"Figures of the candidates of {system} against their true Dice:")
        console.print(correlation_table(correlations(choice["means"], truth)))
    for system, figures in opened.trust().items():
        console.print(f"Figures of the segmentations of {system} against their true Dice:")
        console.print(correlation_table(correlations(figures, opened.case_scores(system, "dice"))))
