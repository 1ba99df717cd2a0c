"""By what is scored: options of every command that scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from past_cli.completion import plugins_of, scorings

__all__ = ["metric_options"]


def metric_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--metric`` (parameter ``metrics``) and ``--scoring``."""
    command = click.option(
        "--scoring",
        metavar="NAME",
        shell_complete=scorings,
        help="Score as crossMoDA does: crossmoda-medpy0.4 or crossmoda-medpy0.5.  [default: as "
        "metrics are set]",
    )(command)
    return click.option(
        "--metric",
        "metrics",
        multiple=True,
        metavar="NAME",
        shell_complete=plugins_of("metric", "all"),
        help="Score by this one, or by all. Repeatable.  [default: dice, assd and other parties']",
    )(command)
