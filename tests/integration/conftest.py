"""Wheels of all distributions, and fresh environments to install them into."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.integration.commands import ROOT, run_command

DISTRIBUTIONS = ("past-core", "past-gan", "past-seg", "past-selftrain", "past-cli")


@pytest.fixture(scope="session")
def past_cli():
    """The command of the environment that the tests run in."""
    return Path(sys.executable).with_name("past-cli")


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    """Every distribution and the example plugin, built as wheels."""
    folder = tmp_path_factory.mktemp("wheels")
    sources = [ROOT / "packages" / name for name in DISTRIBUTIONS]
    for source in (*sources, ROOT / "examples" / "past-invert"):
        run_command(
            *(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder), cwd=source
        )
    return folder


@pytest.fixture(scope="session")
def environment_of(wheels, tmp_path_factory):
    """Make an environment that holds just the named distributions and what they need."""

    def make(*names: str) -> Path:
        folder = tmp_path_factory.mktemp("environment")
        uv = [sys.executable, "-m", "uv", "--quiet"]
        run_command(*uv, "venv", "--python", sys.executable, folder, cwd=folder)
        python = folder / "bin" / "python"
        run_command(
            *(*uv, "pip", "install", "--python", python, "--find-links", wheels, *names),
            cwd=folder,
        )
        return folder / "bin"

    return make
