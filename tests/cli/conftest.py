"""Call the command line in this process, as ``past-cli`` would be."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from past_cli.main import main


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def past_cli(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["past-cli", *map(str, arguments)])
        monkeypatch.delenv("COLUMNS", raising=False)
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        else:
            code = 0
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call
