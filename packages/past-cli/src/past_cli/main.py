"""``past-cli``: parses, calls and prints.

The modules imported here import nothing heavy, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys

import click

from past_cli.commands.check import check
from past_cli.commands.clean import clean
from past_cli.commands.compare import compare
from past_cli.commands.evaluate import evaluate
from past_cli.commands.export import export
from past_cli.commands.phantom import phantom
from past_cli.commands.pipeline import pipeline
from past_cli.commands.plugins import plugins
from past_cli.commands.predict import predict
from past_cli.commands.rank import rank
from past_cli.commands.show import show
from past_cli.commands.systems import systems

__all__ = ["cli", "main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="past-cli", prog_name="past-cli")
def cli() -> None:
    """Segment an MRI contrast that nobody has labelled.

    PAST translates labelled scans of a source contrast into the target contrast, trains
    a 3D segmenter on them, and improves it by self-training on its own most confident
    labels.
    """


for command in (
    *(pipeline, check, export, predict, show, compare, rank),
    *(clean, systems, plugins, phantom, evaluate),
):
    cli.add_command(command)


def main() -> None:
    """Run the command line; errors that a user can act upon come without a traceback."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        click.echo("Interrupted. The same command goes on from here.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:
        from past_core.errors import PastError  # noqa: PLC0415

        if not isinstance(error, PastError):
            raise
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
