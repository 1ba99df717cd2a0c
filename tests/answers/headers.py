"""Files that are no scans, and headers that promise what cannot be."""

from __future__ import annotations

import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np

from past_core.volume import Volume, load_volume, save_volume
from tests.answers.place import Place, wrong

DIM, DATATYPE, PIXDIM, OFFSET, SLOPE, UNITS = 40, 70, 76, 108, 112, 123
"""Places of fields in a NIfTI-1 header."""
QFORM, SFORM, ROWS = 252, 254, 280

FILE = "source0_image.nii.gz"


def edited(path: Path, edit: Callable[[bytearray], object]) -> None:
    """Change the header of a packed file."""
    content = bytearray(gzip.decompress(path.read_bytes()))
    edit(content)
    path.write_bytes(gzip.compress(bytes(content), 1))


def header(name: str, *says: str, code: int = 1, command: str = "pipeline"):
    """Enter a case of a header that is edited."""

    def enter(edit: Callable[[bytearray], object]) -> None:
        def spoil(place: Place):
            edited(place.image, edit)
            if command == "pipeline":
                return place.pipeline()
            edited(place.label, edit)  # a label that lies elsewhere would be another fault
            return [command, place.data]

        wrong("headers", name, FILE, *says, code=code)(spoil)

    return enter


def put(layout: str, offset: int, *values: float | bytes) -> Callable[[bytearray], object]:
    """Write values into a header."""
    return lambda content: struct.pack_into(layout, content, offset, *values)


def affine(*rows: tuple[float, ...]) -> Callable[[bytearray], object]:
    """Write the rows of an sform."""
    return put("<12f", ROWS, *(value for row in rows for value in row))


for _name, _edit, _says in (
    ("voxels are RGB", put("<2h", DATATYPE, 128, 24), "RGB"),
    ("voxels are complex", put("<2h", DATATYPE, 32, 64), "complex"),
    ("a data type that does not exist", put("<h", DATATYPE, 777), "not a readable NIfTI"),
    ("30000 x 30000 x 30000 voxels", put("<4h", DIM, 3, *[30000] * 3), "30000 x 30000 x 30000"),
    ("4000 x 4000 x 4000 voxels", put("<4h", DIM, 3, *[4000] * 3), "4000 x 4000 x 4000"),
    ("a side of no voxel", put("<4h", DIM, 3, 16, 0, 8), ""),
    ("a side of less than no voxel", put("<4h", DIM, 3, 16, -16, 8), ""),
    ("nine dimensions", put("<h", DIM, 9), "not a readable NIfTI"),
    ("two dimensions", put("<4h", DIM, 2, 16, 16, 1), "expected a 3D volume"),
    ("time as a fourth dimension", put("<5h", DIM, 4, 16, 16, 2, 4), "4"),
    ("an affine with NaN", affine((np.nan, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0)), "not finite"),
    ("an infinite affine", affine((np.inf, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0)), "not finite"),
    ("an origin that is NaN", affine((1, 0, 0, np.nan), (0, 1, 0, 0), (0, 0, 1, 0)), "not finite"),
    ("a singular affine", affine((1, 1, 0, 0), (0, 0, 0, 0), (0, 0, 1, 0)), "singular"),
    ("an affine of zeros", affine((0, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0)), ""),
    ("voxels of 1e6 mm", affine((1e6, 0, 0, 0), (0, 1e6, 0, 0), (0, 0, 1e6, 0)), "no scanner"),
    ("voxels of 1e-6 mm", affine((1e-6, 0, 0, 0), (0, 1e-6, 0, 0), (0, 0, 1e-6, 0)), "no scanner"),
    ("lengths in metres", put("<B", UNITS, 1), "meter"),
    ("lengths in micrometres", put("<B", UNITS, 3), "micron"),
    ("voxels that begin behind the file's end", put("<f", OFFSET, 1e9), ""),
    ("voxels that begin before the file", put("<f", OFFSET, -5e3), ""),
    ("voxels that begin nowhere", put("<f", OFFSET, np.nan), ""),
    ("a scale that overflows", put("<2f", SLOPE, 1e38, 0.0), "NaN or infinite"),
    ("a mark of another format", put("<4s", 344, b"nope"), ""),
):  # fmt: skip
    header(_name, *([_says] if _says else []))(_edit)


@header("neither qform nor sform", "neither qform nor sform", code=0, command="check")
def _(content: bytearray) -> None:
    struct.pack_into("<2h", content, QFORM, 0, 0)


@header("qform and sform that mirror each other", "mirror each other", code=0, command="check")
def _(content: bytearray) -> None:
    struct.pack_into("<2h", content, QFORM, 1, 1)
    struct.pack_into("<f", content, ROWS, -1.0)


def content(name: str, *says: str):
    """Enter a case of a file with other content."""

    def enter(make: Callable[[bytes], bytes]) -> None:
        def spoil(place: Place):
            place.image.write_bytes(make(place.image.read_bytes()))
            return place.pipeline()

        wrong("files", name, FILE, *says)(spoil)

    return enter


def _bomb(packed: bytes) -> bytes:
    """Three gigabytes of zeros behind a header that promises them, in 3 MB."""
    head = bytearray(gzip.decompress(packed)[:352])
    struct.pack_into("<4h", head, DIM, 3, 1500, 1000, 1000)
    struct.pack_into("<2h", head, DATATYPE, 4, 16)
    return gzip.compress(bytes(head)) + gzip.compress(bytes(1 << 26), 9) * 45


for _name, _make in (
    ("an empty file", lambda _: b""),
    ("text", lambda _: b"Please find the scan in the other folder.\n"),
    ("not packed, though its name says so", gzip.decompress),
    ("packed, but cut off", lambda packed: packed[: len(packed) // 2]),
    ("packed, with zeros behind its beginning", lambda p: p[:200] + bytes(len(p) - 200)),
    ("unpacked it is cut off", lambda packed: gzip.compress(gzip.decompress(packed)[:-9], 1)),
    ("a header alone", lambda packed: gzip.compress(gzip.decompress(packed)[:352], 1)),
    ("half a header", lambda packed: gzip.compress(gzip.decompress(packed)[:100], 1)),
    ("much behind its voxels", lambda p: gzip.compress(gzip.decompress(p) + bytes(1 << 23), 1)),
    ("a wrong checksum", lambda packed: packed[:-8] + b"\1\2\3\4" + packed[-4:]),
    ("3 GB in 3 MB", _bomb),
    ("a DICOM file", lambda _: bytes(128) + b"DICM" + bytes(900)),
):  # fmt: skip
    content(_name)(_make)


@wrong("files", "a folder in a scan's place", FILE)
def _(place: Place):
    place.image.unlink()
    place.image.mkdir()
    return place.pipeline()


@wrong("files", "a link that leads nowhere", FILE)
def _(place: Place):
    place.image.unlink()
    place.image.symlink_to("elsewhere.nii.gz")
    return place.pipeline()


@wrong("files", "a pipe in a scan's place", FILE)
def _(place: Place):
    place.image.unlink()
    os.mkfifo(place.image)
    return place.pipeline()


@wrong("files", "a device without end in a scan's place", FILE)
def _(place: Place):
    place.image.unlink()
    place.image.symlink_to("/dev/zero")
    return place.pipeline()


@wrong("files", "a name of 5000 characters", "dataset.json: 1 problem")
def _(place: Place):
    place.listed(target=["target0_image.nii.gz", f"{'x' * 5000}.nii.gz"])
    return place.pipeline()


@wrong("files", "Analyze, a pair of files", "source0_image.img", "PAST reads .nii and .nii.gz")
def _(place: Place):
    nib.save(nib.Nifti1Pair(np.zeros((4, 4, 4)), np.eye(4)), place.data / "source0_image.img")
    entries = [{"image": "source0_image.img", "label": "source0_label.nii.gz"}]
    place.listed(source=entries * 2)
    return place.pipeline()


def voxels(name: str, *says: str, of: str = FILE):
    """Enter a case of other voxels."""

    def enter(make: Callable[[np.ndarray], np.ndarray]) -> None:
        def spoil(place: Place):
            found = load_volume(place.data / of)
            save_volume(Volume(make(found.data), found.affine), place.data / of)
            return place.pipeline()

        wrong("voxels", name, of, *says)(spoil)

    return enter


def _with(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def make(data: np.ndarray) -> np.ndarray:
        data[3, 3, 3] = value
        return data

    return make


voxels("one is NaN", "1 voxels are NaN or infinite")(_with(np.nan))
voxels("one is infinite", "1 voxels are NaN or infinite")(_with(np.inf))
voxels("one is beyond float32", "NaN or infinite")(lambda d: _with(1e300)(d.astype(np.float64)))
voxels("all are alike", "every voxel is")(np.zeros_like)
LABEL = "source0_label.nii.gz"
voxels("a label's value is not declared", "[7.0] are not declared", of=LABEL)(_with(7))
voxels("a label's value is negative", "[-1.0] are not declared", of=LABEL)(_with(-1))
voxels("a label is a map of probabilities", "and more are not declared", of=LABEL)(
    lambda data: np.random.default_rng(0).random(data.shape, np.float32)
)
voxels("a label has NaN", "nan", of=LABEL)(_with(np.nan))
voxels("a label on another grid", "the label lies on another grid", of=LABEL)(lambda d: d[1:])
voxels("a label of one slice", of=LABEL)(lambda data: data[:, :, :1])


@wrong("voxels", "a label of the same size elsewhere", LABEL, "another affine")
def _(place: Place):
    found = load_volume(place.label)
    save_volume(Volume(found.data, found.affine @ np.diag([1, 1, 2, 1])), place.label)
    return place.pipeline()


@wrong("voxels", "a scan of one slice", FILE, "a single slice")
def _(place: Place):
    for path in (place.image, place.label):
        found = load_volume(path)
        save_volume(Volume(found.data[:, :, :1], found.affine), path)
    return place.pipeline()


@wrong("voxels", "the region of interest is constant", FILE, "every voxel in the region")
def _(place: Place):
    found = load_volume(place.image)
    found.data[4:12, 4:12] = 5
    save_volume(found, place.image)
    place.listed(roi={"lower": [0.25, 0.25, 0], "upper": [0.75, 0.75, 1]})
    return place.pipeline()
