"""A reader recognises its layout and no other, and opens what passes ``Dataset.check``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from past_core.dataset import Dataset
from past_core.errors import DataError
from past_core.testing.promises import expect

if TYPE_CHECKING:
    from pathlib import Path

    from past_core.config import PluginConfig
    from past_core.interfaces import DatasetReader

__all__ = ["check_reader"]


def check_reader(
    factory: type[DatasetReader],
    config: PluginConfig,
    folder: Path,
    scratch: Path,
    *,
    recognised: bool = True,
) -> None:
    """Check a data set reader against ``past_core.interfaces.DatasetReader``.

    Parameters
    ----------
    factory
        The class that the plugin's description names.
    config
        Its configuration.
    folder
        A sound data set in the reader's layout (a reader that makes its data may be
        given a folder that does not exist).
    scratch
        An empty scratch folder.
    recognised
        Whether ``recognises`` should know ``folder``; not so for a reader that is
        chosen by name only.

    Raises
    ------
    AssertionError
        Saying which promise was broken.
    """
    who = factory.__name__
    reader = factory(config)
    dataset = reader.open(folder)
    expect(isinstance(dataset, Dataset), f"{who}: open gave {type(dataset).__name__}")
    expect(
        reader.recognises(folder) is recognised,
        f"{who}: recognises({folder}) should be {recognised}",
    )
    try:
        dataset.with_test().check()
    except DataError as error:
        raise AssertionError(f"{who}: the opened data set fails its check: {error}") from error
    expect(reader.open(folder) == dataset, f"{who}: opening twice gives different data sets")
    _check_other_folders(reader, scratch, who)


def _check_other_folders(reader: DatasetReader, scratch: Path, who: str) -> None:
    """What is not this layout is recognised as that, and refused with a ``DataError``."""
    stray = scratch / "stray"
    stray.mkdir(parents=True)
    (stray / "notes.txt").write_text("no data set")
    (stray / "dataset.json").write_text('{"name": "of another tool"}')
    (stray / "broken.nii.gz").write_bytes(b"no NIfTI")
    for place in (stray, scratch / "missing", stray / "notes.txt"):
        try:
            known = reader.recognises(place)
        except Exception as error:
            raise AssertionError(
                f"{who}: recognises raised {type(error).__name__} ({error}); it must never raise"
            ) from error
        expect(known is False, f"{who}: recognises {place.name}, which is no data set")
    try:
        reader.open(stray)
    except DataError:
        return
    except Exception as error:
        raise AssertionError(
            f"{who}: opening a folder that is no data set raised {type(error).__name__} "
            f"({error}); expected a DataError"
        ) from error
    raise AssertionError(f"{who}: opened a folder that is no data set; expected a DataError")
