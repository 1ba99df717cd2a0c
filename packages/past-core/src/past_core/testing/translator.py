"""A translator keeps grid and range, follows its seed, resumes, and reads back as saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from past_core.case import Domain
from past_core.testing.cases import LABELS, tiny_cases, tiny_volume
from past_core.testing.promises import attempt, check_damaged_files, check_resumes, expect

if TYPE_CHECKING:
    from pathlib import Path

    from past_core.config import PluginConfig
    from past_core.interfaces import Context, Translator
    from past_core.volume import Volume

__all__ = ["check_translator"]


def check_translator(
    factory: type[Translator], config: PluginConfig, folder: Path, *, seed: int = 0
) -> None:
    """Check a translator against ``past_core.interfaces.Translator``.

    Parameters
    ----------
    factory
        The class that the plugin's description names.
    config
        One with which training takes seconds.
    folder
        An empty scratch folder.
    seed
        For training.

    Raises
    ------
    AssertionError
        Saying which promise was broken.
    """
    who = factory.__name__
    source = tiny_cases(folder / "source", Domain.SOURCE)
    target = tiny_cases(folder / "target", Domain.TARGET, labelled=False)
    scan = source[0].load_image()

    def fit(context: Context) -> Translator:
        translator = factory(config)
        translator.fit(source, target, LABELS, context)
        return translator

    translator = attempt(fit, folder / "work", who, seed=seed)
    translated = _translate(translator, scan, who)
    expect(
        np.array_equal(translated, _translate(translator, scan, who)),
        f"{who}: translating the same volume twice gives different results",
    )
    other_grid, _ = tiny_volume(shape=(29, 22, 11), seed=5, spacing=(0.5, 0.9, 3.0))
    _translate(translator, other_grid, who)

    def same(_: Translator, other: Translator) -> bool:
        return np.array_equal(translated, _translate(other, scan, who))

    finished = attempt(fit, folder / "work", who, seed=seed)
    expect(
        same(translator, finished),
        f"{who}: fit in a folder where the same work is already finished gives another result",
    )
    check_resumes(fit, same, translator, folder, who, seed=seed)

    saved = folder / "saved"
    saved.mkdir()
    translator.save(saved)
    expect(any(path.is_file() for path in saved.rglob("*")), f"{who}: save wrote no file")
    loaded = factory.load(saved)
    expect(isinstance(loaded, factory), f"{who}: load must return an instance of its class")
    expect(same(translator, loaded), f"{who}: translates otherwise after save and load")
    check_damaged_files(saved, factory.load, folder / "damaged", who)


def _translate(translator: Translator, scan: Volume, who: str) -> np.ndarray:
    """Translate, and check grid, type and range."""
    before, affine = scan.data.copy(), scan.affine.copy()
    result = translator.translate(scan)
    expect(
        np.array_equal(scan.data, before) and np.array_equal(scan.affine, affine),
        f"{who}: translate changed its input",
    )
    expect(
        result.data.shape == before.shape,
        f"{who}: shape {before.shape} became {result.data.shape}; the source labels must fit",
    )
    expect(
        np.array_equal(result.affine, affine),
        f"{who}: the affine changed; the translation lies where the source lay",
    )
    expect(result.data.dtype == np.float32, f"{who}: expected float32, got {result.data.dtype}")
    expect(
        bool(np.isfinite(result.data).all())
        and float(result.data.min()) >= 0
        and float(result.data.max()) <= 255,
        f"{who}: values run from {result.data.min()} to {result.data.max()}, not within [0, 255]",
    )
    return result.data
