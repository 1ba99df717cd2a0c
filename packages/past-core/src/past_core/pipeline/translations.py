"""The translations of a run, read from its files."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from past_core.errors import DataError
from past_core.files import read_json
from past_core.interfaces.context import RECORD
from past_core.pipeline.layout import image_path, label_path
from past_core.pipeline.manifest import read_manifest
from past_core.pipeline.recorded import QualityFile

__all__ = ["Translations", "old_translations", "translations_of"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Translations:
    """One fitted translator and files to look at."""

    name: str
    """``aligned`` or ``aligned@448``."""
    translator: str
    """The plugin."""
    scans: list[tuple[str, Path, Path, Path]]
    """Of each source scan its id, image, translation and label; cropped."""
    target: list[tuple[str, Path]]
    """Ids and images of real scans of its target; cropped."""
    quality: dict[str, Any] | None
    """Figures without target labels that the translator measured; None if it measured none."""
    planned: str | None = None
    """What the translator planned from the scans, in a sentence; None if it planned nothing."""


def translations_of(stages: Path, record: Mapping[str, Any]) -> list[Translations]:
    """Of a run with this record, whose stages are in this folder."""
    source = stages / record["scans"].get("source", "")
    target = stages / (record["scans"].get("target") or record["scans"].get("wide-target", ""))
    found = []
    for one in record["translations"]:
        images = stages / one["images"]
        scans = [
            (case, image_path(source, case), image_path(images, case), label_path(source, case))
            for case in record["cases"]["source"]
        ]
        protocol = one["protocol"]
        found.append(
            Translations(
                one["name"] if protocol is None else f"{one['name']}@{protocol}",
                one["translator"],
                [scan for scan in scans if scan[2].is_file()],
                [(case, image_path(target, case)) for case in one["target"]],
                _quality(stages / (one.get("measured") or one["fit"])),
                (_recorded(stages / one["fit"], "plan") or {}).get("said"),
            )
        )
    return found


def old_translations(stages: Path) -> list[Translations]:
    """Of a run of one chain, whose stages' folders have names without fingerprints."""
    crop, images = stages / "crop", stages / "translate"
    cases = [path.name.removesuffix("_image.nii.gz") for path in sorted(images.glob("*_image.*"))]
    if not cases:
        return []
    scans = [(c, image_path(crop, c), image_path(images, c), label_path(crop, c)) for c in cases]
    plugin = read_manifest(stages / "fit-translator").get("settings", {}).get("translator", {})
    others = [
        path.name.removesuffix("_image.nii.gz")
        for path in sorted(crop.glob("*_image.nii.gz"))
        if path.name.removesuffix("_image.nii.gz") not in cases
    ]
    target = [(case, image_path(crop, case)) for case in others]
    quality = _quality(stages / "fit-translator")
    return [Translations("translation", plugin.get("name", "translator"), scans, target, quality)]


def _quality(folder: Path) -> dict[str, Any] | None:
    """What a translator measured; figures of another form are nothing that could be shown."""
    found = _recorded(folder, "quality")
    if found is None:
        return None
    try:
        QualityFile.model_validate(found)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "the whole"
        log.warning(
            "%s: figures of another form (%s) are not shown; Translator.measure says which is.",
            folder / RECORD / "quality.json",
            where,
        )
        return None
    return found


def _recorded(folder: Path, name: str) -> dict[str, Any] | None:
    """What a stage's plugin left in its record under this name, if anything."""
    path = folder / RECORD / f"{name}.json"
    if not path.is_file():
        return None
    content = read_json(path, "Delete it, and run past-cli pipeline once more.")
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds no names and values. Delete it.")
    return content
