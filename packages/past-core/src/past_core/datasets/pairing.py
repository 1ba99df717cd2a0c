"""Which label belongs to which image, by the names of their files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from past_core.naming import stem

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Pairing", "pair"]

Words = tuple[str, ...]


@dataclass(frozen=True)
class Pairing:
    """What was found."""

    labels: Mapping[Path, Path]
    """By image."""
    unclear: Mapping[Path, Sequence[Path]]
    """Labels that belong to no image, or could belong to several, or to one that has a label
    already; and those images."""


def pair(images: Sequence[Path], labels: Sequence[Path]) -> Pairing:
    """Find each label's image.

    The one of the same name, if there is one. Else names are taken as words between ``_``,
    ``-``, ``.`` and spaces, and those that every file of the list begins or ends with (``image``,
    ``seg``) are passed over: a label belongs to the image whose remaining words it begins with,
    or else has, or the other way round. So ``P01_ceT1.nii.gz`` and ``P01-seg.nii`` belong
    together.

    Parameters
    ----------
    images, labels
        Files; more images than labels are no problem.
    """
    by_stem = {stem(image.name): image for image in images}
    image_words, label_words = _named(images), _named(labels)
    found: dict[Path, Path] = {}
    unclear: dict[Path, Sequence[Path]] = {}
    # Those of the same name first: they are the surest.
    for label in sorted(labels, key=lambda path: stem(path.name) not in by_stem):
        same = by_stem.get(stem(label.name))
        fitting = [same] if same is not None else _fitting(label_words[label], image_words)
        if not fitting and len(images) == len(labels) == 1:
            fitting = list(images)
        if len(fitting) == 1 and fitting[0] not in found:
            found[fitting[0]] = label
        else:
            unclear[label] = fitting
    return Pairing(found, unclear)


@dataclass(frozen=True)
class _Name:
    """A file's name as words."""

    words: Words
    before: int
    """How many of the first ones every file has."""
    behind: int
    """How many of the last ones."""

    @property
    def beginning(self) -> Words:
        return self.words[: len(self.words) - self.behind]

    @property
    def own(self) -> Words:
        return self.beginning[self.before :]


def _fitting(label: _Name, images: Mapping[Path, _Name]) -> list[Path]:
    """Images that a label may belong to, by the first rule that any fits."""
    begins = [
        image
        for image, name in images.items()
        if _starts(label.beginning, name.beginning) or _starts(name.beginning, label.beginning)
    ]
    return begins or [
        image
        for image, name in images.items()
        if _within(name.own, label.words) or _within(label.own, name.words)
    ]


def _named(files: Sequence[Path]) -> dict[Path, _Name]:
    words = {file: _words(file) for file in files}
    before = _common(list(words.values()))
    behind = _common([own[::-1] for own in words.values()])
    return {file: _Name(own, before, behind) for file, own in words.items()}


def _words(file: Path) -> Words:
    return tuple(word for word in re.split(r"[_\-. ]+", stem(file.name).casefold()) if word)


def _common(names: Sequence[Words]) -> int:
    """How many first words all names share, of two or more."""
    if len(names) < 2:
        return 0
    least, most = min(names), max(names)
    differing = (n for n, (a, b) in enumerate(zip(least, most, strict=False)) if a != b)
    return next(differing, len(least))


def _starts(words: Words, beginning: Words) -> bool:
    return bool(beginning) and words[: len(beginning)] == beginning


def _within(key: Words, words: Words) -> bool:
    """Whether all words of a key are there, in its order; an empty key is nowhere."""
    rest = iter(words)
    return bool(key) and all(word in rest for word in key)
