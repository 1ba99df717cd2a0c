"""Preprocessed cases on disk, in files that run no code when read.

nnU-Net keeps them as pickles and as Blosc2 arrays, and either may hold code that runs when somebody
else's folder is opened. Here they are numpy's files, memory-mapped: patches are cut from disk, and
what was read lately the operating system has in memory, as far as there is room.
"""

from __future__ import annotations

import errno
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from nnunetv2.training.dataloading.nnunet_dataset import nnUNetBaseDataset

from past_core.errors import DataError
from past_core.files import atomic_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

__all__ = ["Copied", "PreparedCases", "is_prepared", "open_array", "save_array"]

IMAGE, LABEL = "image.npy", "label.npy"
PLACES = ".npz"
"""Behind a case's id; nnU-Net wants to see files of one kind that it knows, this or its own."""

UNREADABLE = (
    *(
        FileNotFoundError,
        IsADirectoryError,
        OverflowError,
        EOFError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
    ),
    *(BadZipFile, zlib.error, NotImplementedError),
)
"""What numpy raises of a file that is missing, damaged or another one."""

Places = dict[int | tuple[int, ...], "npt.NDArray[np.int64]"]
"""Some voxels ``(n, 4)`` of each class, or of any of several classes, for patches to lie around."""


class Copied(np.ndarray[Any, Any]):
    """An array whose parts are copies: nnU-Net augments what it cuts out in place."""

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401  (numpy's own)
        return np.array(super().__getitem__(key))


class PreparedCases(nnUNetBaseDataset):  # type: ignore[misc]
    """The cases of one training, as nnU-Net's loader of patches asks for them.

    Each has a folder by its id with ``image.npy``, ``(1, i, j, k)`` float32, or two channels where
    any case has voxel weights, and ``label.npy``, int16. Beside the folder is ``ID.npz`` with
    places of its classes; it is written last, so what has it is complete.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  (nnU-Net's own)
        super().__init__(*args, **kwargs)
        self._places: dict[str, Places] = {}

    def load_case(self, identifier: str) -> tuple[Any, ...]:
        """Image, label, earlier stage and properties of a case.

        Raises
        ------
        DataError
            If a file is damaged, or is none that ``save_case`` wrote.
        """
        folder = Path(self.source_folder) / identifier
        if identifier not in self._places:
            self._places[identifier] = _read_places(_places(folder))
        # Opened anew for each patch: a map that is kept holds a file open, and these are limited.
        image, label = open_array(folder / IMAGE), open_array(folder / LABEL)
        if not _fit(image, label):
            raise _damaged(folder / IMAGE, ValueError(f"shape {image.shape}, {label.shape}"))
        return image, label, None, {"class_locations": self._places[identifier]}

    @staticmethod
    def save_case(
        data: npt.NDArray[Any],
        seg: npt.NDArray[Any],
        properties: Mapping[str, Any],
        output_filename_truncated: str,
    ) -> None:
        """Write a case that nnU-Net preprocessed, each file whole or not at all."""
        folder = Path(output_filename_truncated)
        save_array(data.astype(np.float32, copy=False), folder / IMAGE)
        save_array(seg.astype(np.int16, copy=False), folder / LABEL)
        places = {
            _name(key): np.asarray(found, np.int64).reshape(-1, 4)
            for key, found in properties["class_locations"].items()
        }
        with atomic_path(_places(folder)) as temporary:
            np.savez(temporary, **places)  # type: ignore[arg-type]

    @staticmethod
    def get_identifiers(folder: str) -> list[str]:
        """Ids of all complete cases."""
        folders = (path for path in Path(folder).iterdir() if path.is_dir())
        return [path.name for path in folders if is_prepared(Path(folder), path.name)]


def is_prepared(folder: Path, name: str) -> bool:
    """Whether a case was preprocessed to its end."""
    case = folder / name
    return all(path.exists() for path in (case / IMAGE, case / LABEL, _places(case)))


def _places(case: Path) -> Path:
    return case.with_name(f"{case.name}{PLACES}")


def save_array(array: npt.NDArray[Any], path: Path) -> None:
    """Write an array as ``.npy``, whole or not at all."""
    with atomic_path(path) as temporary:
        np.save(temporary, np.ascontiguousarray(array))


def open_array(path: Path) -> Copied:
    """Map an array of numbers from a ``.npy`` file.

    Raises
    ------
    DataError
        If it is damaged, or holds anything but numbers.
    """
    try:
        found: Copied = np.load(path, mmap_mode="r").view(Copied)
        if found.dtype.kind not in "biuf":
            raise ValueError(f"its elements are {found.dtype}, no numbers")
    except UNREADABLE as error:
        raise _damaged(path, error) from error
    return found


def _read_places(path: Path) -> Places:
    try:
        # Opened here, for numpy leaves a file open that it cannot read.
        with path.open("rb") as file, np.load(file) as found:
            return {_key(name): _voxels(found[name]) for name in found.files}
    except (*UNREADABLE, OSError) as error:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE, errno.EIO):
            raise
        raise _damaged(path, error) from error


def _fit(image: npt.NDArray[Any], label: npt.NDArray[Any]) -> bool:
    """Whether these can be a scan and its label, with or without weights of voxels."""
    return (
        image.ndim == label.ndim == 4
        and image.dtype == np.dtype(np.float32)
        and label.dtype == np.dtype(np.int16)
        and image.shape[0] in (1, 2)
        and label.shape == (1, *image.shape[1:])
    )


def _voxels(found: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    if found.ndim != 2 or found.shape[1] != 4 or found.dtype != np.int64:
        raise ValueError(f"places of shape {found.shape}, {found.dtype}")
    return found


def _name(key: int | tuple[int, ...]) -> str:
    return ",".join(map(str, key if isinstance(key, tuple) else (key,)))


def _key(name: str) -> int | tuple[int, ...]:
    values = tuple(map(int, name.split(",")))
    return values if len(values) > 1 else values[0]


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path}: not what preprocessing wrote ({error}). Delete this file: it is made anew."
    )
