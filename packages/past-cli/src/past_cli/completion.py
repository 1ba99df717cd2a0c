"""What a shell offers for an option's value; asked when a user presses the tab key."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from os import devnull
from pathlib import Path
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    import click

__all__ = ["any_plugin", "plugins_of", "recipes", "scorings", "systems"]

Complete = Callable[["click.Context", "click.Parameter", str], list[CompletionItem]]


def plugins_of(kind: str, *words: str) -> Complete:
    """Names of installed plugins of a kind, and words that may stand in their place."""

    def complete(
        ctx: click.Context,  # noqa: ARG001
        param: click.Parameter,  # noqa: ARG001
        incomplete: str,
    ) -> list[CompletionItem]:
        found = [*_installed(kind), *((word, "") for word in words)]
        return _beginning(found, incomplete)

    return complete


def any_plugin(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Names of all installed plugins."""
    from past_core.plugins import KINDS  # noqa: PLC0415

    return _beginning((one for kind in KINDS for one in _installed(kind)), incomplete)


def scorings(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Names of challenges' scorings."""
    from past_core.metrics.official import SCORINGS  # noqa: PLC0415

    return _beginning(((name, "") for name in SCORINGS), incomplete)


def recipes(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Names of recipes, else files."""
    from past_cli.recipes import FOLDER  # noqa: PLC0415

    return _named_or_file((path.stem for path in sorted(FOLDER.glob("*.toml"))), incomplete)


def systems(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    """Names of systems files that come along, else files."""
    from past_cli.systems import systems_named  # noqa: PLC0415

    return _named_or_file(systems_named(), incomplete)


def _installed(kind: str) -> list[tuple[str, str]]:
    """Name and summary; a broken plugin must not write into the line that is being typed."""
    from past_core.plugins import Registry  # noqa: PLC0415

    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with Path(devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            return [(one.spec.name, one.spec.summary) for one in Registry().all(kind)]
    finally:
        logging.disable(before)


def _beginning(found: Iterable[tuple[str, str]], incomplete: str) -> list[CompletionItem]:
    helps: dict[str, str] = {}
    for name, summary in found:
        if name.startswith(incomplete):
            # The scripts of shells read one line an answer.
            helps.setdefault(name, summary.partition("\n")[0])
    return [CompletionItem(name, help=said or None) for name, said in helps.items()]


def _named_or_file(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    found = _beginning(((name, "") for name in names), incomplete)
    return found or [CompletionItem(incomplete, type="file")]
