"""Folders of files named ``CASE_KIND.nii.gz``, as all crossMoDA editions have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from past_core.case import Case, Domain
from past_core.naming import nifti_files

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["Files", "Part", "cases", "lonely", "scan", "unlabelled"]

Files = dict[str, dict[str, "Path"]]
"""Case id to kind (a contrast, or "Label") to file."""


@dataclass(frozen=True)
class Part:
    """One folder and what it may hold."""

    folder: Path
    name: re.Pattern[str]
    """Of a whole file name: its first group is the case's id, its second the kind."""
    examples: tuple[str, ...]
    """Names to show to who has others."""
    kinds: tuple[str, ...]
    """Contrasts, and "Label"."""


def scan(part: Part, problems: list[str]) -> Files:
    """Files of one folder in the order of their numbers; hidden files are passed over.

    A missing or empty folder and every file of another name are added to ``problems``.
    """
    expected = " and ".join(part.examples)
    if not part.folder.is_dir():
        problems.append(f"{part.folder}: no such folder. Create it, with files {expected}.")
        return {}
    files: Files = {}
    for path in nifti_files(part.folder):
        match = part.name.fullmatch(path.name)
        if match is None or match[2] not in part.kinds:
            problems.append(
                f"{path}: unexpected file; this folder holds {expected}. Rename or remove it."
            )
            continue
        files.setdefault(match[1], {})[match[2]] = path
    if not files:
        problems.append(f"{part.folder}: the folder is empty. Put files {expected} into it.")
    return dict(sorted(files.items(), key=lambda item: _number(item[0])))


def unlabelled(files: Files, contrast: str) -> Iterator[str]:
    """A problem for every image without a label."""
    for case_id, found in files.items():
        if "Label" not in found:
            yield (
                f"{found[contrast]}: no label beside it; expected {case_id}_Label.nii.gz. "
                "Add the label, or remove the image."
            )


def lonely(files: Files, contrast: str) -> Iterator[str]:
    """A problem for every label without an image."""
    for case_id, found in files.items():
        if contrast not in found:
            yield (
                f"{found['Label']}: a label without an image; expected "
                f"{case_id}_{contrast}.nii.gz. Add the image, or remove the label."
            )


def cases(
    files: Files,
    contrast: str,
    domain: Domain,
    protocol: Callable[[str, Path], str | None] = lambda case_id, image: None,  # noqa: ARG005
    ending: str = "_Label.nii.gz",
) -> tuple[Case, ...]:
    """The cases of what was found.

    Parameters
    ----------
    protocol
        Tells one's from its id and its image.
    ending
        What the challenge wants behind the id in the name of a segmentation.
    """
    return tuple(
        Case(
            case_id,
            domain,
            found[contrast],
            found.get("Label"),
            protocol(case_id, found[contrast]),
            segmentation=f"{case_id}{ending}",
        )
        for case_id, found in files.items()
        if contrast in found
    )


def _number(case_id: str) -> tuple[str, int]:
    name, _, number = case_id.rpartition("_")
    return name, int(number)
