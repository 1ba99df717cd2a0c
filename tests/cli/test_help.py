"""Every option says what it does, what it is without being given, and in what unit."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys

import click
import pytest

from past_cli.bars import Bars, stage_progress
from past_cli.calm import CalmProgress
from past_cli.console import new_console
from past_cli.main import cli

UNITS = r"number|stages|threads|seed|random|rounds|mm"


def options():
    for name, command in cli.commands.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                yield pytest.param(command, parameter, id=f"{name} {parameter.opts[0]}")


@pytest.mark.parametrize(("command", "option"), [*options()])
def test_every_option_is_explained(command, option):
    assert option.help, "no help"
    assert option.help[0].isupper()
    record = option.get_help_record(click.Context(command))
    text = record[1]
    if not (option.is_flag or option.required):
        assert re.search(r"\[(default: \S|required)|\bWithout\b", text), "its default is not said"
    if isinstance(option.type, (click.types.IntParamType, click.types.FloatParamType)):
        assert re.search(UNITS, text, re.IGNORECASE), "a number of what?"


@pytest.mark.parametrize("name", [*cli.commands])
def test_every_argument_is_explained(name):
    command = cli.commands[name]
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            shown = parameter.make_metavar(click.Context(command)).strip("[].").removesuffix("]...")
            assert shown in command.help, f"{shown} is not in the text"


@pytest.mark.parametrize("columns", [80, 100, 160])
def test_summaries_of_commands_are_not_cut(past_cli, monkeypatch, columns):
    monkeypatch.setattr(
        "shutil.get_terminal_size", lambda *_, **__: os.terminal_size((columns, 24))
    )
    _, _, listed = past_cli("--help").out.partition("Commands:\n")
    lines = listed.strip("\n").splitlines()
    assert [line.split()[0] for line in lines] == sorted(cli.commands)
    assert all(line.endswith(".") and "..." not in line for line in lines), listed
    assert all(len(line) <= columns for line in lines)


PTY = """
import os, pty, sys
status = pty.spawn([sys.executable, '-m', 'past_cli', *sys.argv[1:]])
sys.exit(os.waitstatus_to_exitcode(status))
"""


def in_a_terminal(*arguments, **environment):
    """What a terminal would get of a command."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    done = subprocess.run(
        [sys.executable, "-c", PTY, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        env=kept | {"TERM": "xterm-256color"} | environment,
    )
    return done.returncode, done.stdout.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
@pytest.mark.parametrize("no_color", ["", "1"])
def test_no_color_leaves_a_terminal_without_codes(no_color):
    """Bold and colours: all of them are codes."""
    code, text = in_a_terminal("plugins", NO_COLOR=no_color)
    assert code == 0, text
    assert ("\x1b" in text) == (not no_color)
    assert "nicegan" in text


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("no_color", "kind"), [("1", CalmProgress), ("", Bars)])
def test_no_color_draws_no_bars(monkeypatch, no_color, kind):
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert isinstance(stage_progress(new_console()), kind)
