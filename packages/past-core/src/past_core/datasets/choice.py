"""Which folder of several is the source's and which the target's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from past_core.errors import DataError
from past_core.problems import shown

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["folders_named", "source_and_target"]


def folders_named(folder: Path, name: re.Pattern[str], content: str) -> list[Path]:
    """Folders in a folder whose whole names match, and that have ``content`` in them."""
    return sorted(
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if name.fullmatch(path.name) and (path / content).exists()
    )


def source_and_target(
    found: Mapping[str, bool], source: str, target: str, where: str, what: str
) -> tuple[str, str]:
    """Names of the source's and the target's, as settings say or as is clear without them.

    Parameters
    ----------
    found
        What there is by name, and whether it has labels.
    source, target
        The settings; empty where they are not given.
    where, what
        What was looked at and what is sought, for messages.

    Raises
    ------
    DataError
        If a setting names what is not there, or without settings it is not clear: two, of which
        one has labels, are.
    """
    for key, name in (("source", source), ("target", target)):
        if name and name not in found:
            raise DataError(
                f"{where}: no {what} {shown(name)} (dataset.{key}); there is "
                f"{', '.join(found) or 'none'}. Correct the setting."
            )
    rest = [name for name in found if name not in (source, target)]
    if len(found) == 2 and len(rest) == 1:
        source, target = source or rest[0], target or rest[0]
    labelled = [name for name, has in found.items() if has]
    if len(found) == 2 and len(rest) == 2 and len(labelled) == 1:
        source = labelled[0]
        target = next(name for name in found if name != source)
    if not source or not target:
        there = ", ".join(f"{name}{' (labelled)' if has else ''}" for name, has in found.items())
        raise DataError(
            f"{where}: which {what} is the source and which the target? There is "
            f"{there or 'none'}. Say it by --set dataset.source=NAME --set dataset.target=NAME."
        )
    if source == target:
        raise DataError(f"{where}: '{source}' cannot be source and target. Name two.")
    return source, target
