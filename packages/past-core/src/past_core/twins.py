"""Files of a data set that hold one image, whatever they are called."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Twin", "twin_doubts", "twin_problems"]

Twin = tuple[str, str, str, str]
"""A scan's part, id, path, and what tells its content from that of others."""


def twin_problems(scans: Iterable[Twin]) -> Iterator[str]:
    """One image that counts twice, or is learnt from and tested on."""
    for same in _groups(scans):
        if not _harmless(same):
            parts = {part for part, *_ in same}
            harm = "What is tested on was learnt from" if len(parts) > 1 else "It counts twice"
            yield f"{_where(same)}. {harm}. Keep one of them."


def twin_doubts(scans: Iterable[Twin]) -> Iterator[str]:
    """One image that is a target scan and to be segmented, in two files: allowed, but odd."""
    for same in _groups(scans):
        if _harmless(same):
            yield f"{_where(same)}. One file can be both; keep one of them."


def _groups(scans: Iterable[Twin]) -> Iterator[list[Twin]]:
    """Scans of one content under different paths or ids."""
    found: dict[str, dict[tuple[str, str], Twin]] = defaultdict(dict)
    for part, name, path, content in scans:
        if content:
            found[content].setdefault((name, path), (part, name, path, content))
    return (list(same.values()) for same in found.values() if len(same) > 1)


def _harmless(same: list[Twin]) -> bool:
    """Whether it is one target scan and one to be segmented, of which nothing is taught."""
    parts = [part for part, *_ in same]
    return len(parts) == 2 and "target" in parts and bool({"test", "validation"} & set(parts))


def _where(same: list[Twin]) -> str:
    files = len({path for _, _, path, _ in same})
    said = f"{files} files hold one image" if files > 1 else "one file is listed twice"
    return f"{said} ({'; '.join(f'{part}: {path}, as {name}' for part, name, path, _ in same)})"
