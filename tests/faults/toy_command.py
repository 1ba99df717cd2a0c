"""The process of a toy command."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import past_core.plugins
from past_cli.main import main
from tests.faults.toy_plugins import registry

__all__ = ["be_command"]


def be_command(
    arguments: list[str],
    cwd: str,
    printed: str,
    prepare: Callable[[], None] | None,
    toys: bool,
) -> None:
    """Be the command; what it prints goes into a file."""
    os.setsid()
    os.chdir(cwd)
    file = os.open(printed, os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    # A file is no terminal: neither bars nor colours.
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    if toys:
        past_core.plugins.Registry = registry
    sys.argv = arguments
    if prepare is not None:
        prepare()
    main()


if __name__ == "__main__":
    past_core.plugins.Registry = registry
    main()
