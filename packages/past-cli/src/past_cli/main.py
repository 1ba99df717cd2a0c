"""``past-cli``: parses, calls and prints.

The modules imported here import nothing heavy, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

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
from past_cli.commands.report import report
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
    *(pipeline, check, export, predict, show, report, compare, rank),
    *(clean, systems, plugins, phantom, evaluate),
):
    cli.add_command(command)


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP came: by a job's time limit, a shutdown, a terminal that was closed."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main() -> None:
    """Run the command line; errors that a user can act upon come without a traceback."""
    _listen()
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort as stop:
        sys.exit(_stopped(stop.__cause__))
    except Terminated as stop:
        sys.exit(_stopped(stop))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:
        from past_core.disk import disk_error  # noqa: PLC0415
        from past_core.errors import PastError  # noqa: PLC0415

        if isinstance(error, OSError):
            error = disk_error(error, Path.cwd())
        if not isinstance(error, PastError):
            raise
        click.echo(f"Error: {_printable(str(error))}", err=True)
        sys.exit(1)


def _printable(text: str) -> str:
    """Names of files and values may hold what a terminal obeys, or cannot show."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def _listen() -> None:
    """Let signals that ask for an end unwind the program, unless somebody said to ignore them."""
    owner = os.getpid()

    def end(number: int, _: object) -> None:
        if os.getpid() != owner:  # a process that was forked from this one
            os._exit(128 + number)
        raise Terminated(number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, end)


def _stopped(cause: BaseException | None) -> int:
    """Say that it ended early, and give the exit code that a shell gives for the signal."""
    number = cause.number if isinstance(cause, Terminated) else signal.SIGINT
    word = "Interrupted" if number == signal.SIGINT else f"Ended by {signal.Signals(number).name}"
    click.echo(f"{word}. The same command goes on from here.", err=True)
    return 128 + number
