"""Turn the bytes of a good file into those of a bad one, by what kind of file it is."""

from __future__ import annotations

import ast
import csv
import gzip
import io
import json
import math
import struct
import tomllib

import tomli_w

from tests.fuzz.values import NUMBERS, as_json, mutated, nasty, plain

__all__ = ["mutate", "rename"]

NIFTI_FIELDS = {
    "dim": [("<h", 40 + 2 * n) for n in range(8)],
    "datatype": [("<h", 70), ("<h", 72)],
    "pixdim": [("<f", 76 + 4 * n) for n in range(8)],
    "scaling": [("<f", 108), ("<f", 112), ("<f", 116)],
    "units": [("<B", 123)],
    "codes": [("<h", 252), ("<h", 254)],
    "forms": [("<f", 256 + 4 * n) for n in range(18)],
    "sizes": [("<i", 0), ("<i", 344), ("<i", 348)],
}
INTEGERS = (0, 1, -1, 2, 3, 7, 64, 128, 512, 2**15 - 1, -(2**15), 2**31 - 1)
TOML_TEXTS = (
    *(
        "inf",
        "-nan",
        "9" * 5000,
        "1979-05-27",
        "[[]]",
        '"\\u0000"',
        "'''",
        "{}",
        "0x_",
        "true",
        "0x" + "f" * 6000,
    ),
    *("[" * 2000 + "]" * 2000, "{a." + "a." * 1500 + "a = 1}", "''", "[1, 'a', {b = 2}]"),
)


def mutate(name, content, random, outside=None):
    """Bytes of a file of this name, made wrong; ``outside`` is a path that must not be written."""
    if random.randrange(6) == 0:
        return _raw(content, random)
    for suffix, change in KINDS.items():
        if name.endswith(suffix):
            return change(content, random, outside)
    return _raw(content, random)


def _raw(content, random, outside=None):
    """Flips, cuts, insertions; whatever the file is."""
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 5))):
        at = random.randrange(len(data) + 1)
        what = random.randrange(7)
        if what == 0 and data:
            data[at % len(data)] ^= 1 << random.randrange(8)
        elif what == 1:
            del data[at:]
        elif what == 2:
            data[at:at] = random.choice((b"\xff\xfe", b"\x00" * 9, b'"', b"{", b"\n", b"[" * 5000))
        elif what == 3:
            data[at : at + 8] = struct.pack("<q", random.choice((0, -1, 2**62, 2**31, 77)))
        elif what == 4:
            del data[at : at + random.choice((1, 4, 64))]
        elif what == 5:
            data[at:at] = data[: random.choice((1, 16, 400))]
        else:
            data = bytearray(random.choice((b"", b"\x00", b"\xef\xbb\xbf", b"{}", b"[]", b"null")))
    return bytes(data)


def _json(content, random, outside):
    return as_json(mutated(json.loads(content), random, outside), random)


def _toml(content, random, outside):
    if random.randrange(2):
        changed = plain(mutated(tomllib.loads(content.decode()), random, outside))
        text = tomli_w.dumps(changed if isinstance(changed, dict) else {"a": changed or 0})
        return text.encode("utf-8", "surrogatepass")
    lines = content.decode().splitlines()
    at = random.randrange(len(lines))
    what = random.randrange(5)
    if what < 2:
        key, _, _ = lines[at].partition("=")
        lines[at] = f"{key}= {random.choice(TOML_TEXTS)}"
    elif what == 2:
        del lines[at]
    elif what == 3:
        lines.insert(random.randrange(len(lines)), lines[at])
    else:
        lines[at] = random.choice(("a." * 3000 + "a = 1", "[a" + ".a" * 3000 + "]", "[[model]]"))
    return "\n".join(lines).encode()


def _csv(content, random, outside):
    tabbed = b"\t" in content
    rows = list(csv.reader(io.StringIO(content.decode()), delimiter="\t" if tabbed else ","))
    for _ in range(random.choice((1, 1, 2))):
        row = rows[random.randrange(len(rows))]
        what = random.randrange(7)
        if what < 3 and row:
            row[random.randrange(len(row))] = str(nasty(random, outside))
        elif what == 3:
            rows.append(list(row))
        elif what == 4 and row:
            row.pop()
        elif what == 5:
            row += ["1", "2"]
        else:
            rows.insert(0, ["z" * 140_000])
    text = io.StringIO()
    csv.writer(text, delimiter="\t" if tabbed else ",").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


def _nifti(content, random, outside):
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 3))):
        form, at = random.choice(NIFTI_FIELDS[random.choice(list(NIFTI_FIELDS))])
        if form == "<f":
            number = random.choice([n for n in NUMBERS if not 1e38 < abs(n) < math.inf])
            struct.pack_into(form, data, at, float(number))
        elif form == "<B":
            data[at] = random.randrange(256)
        else:
            allowed = [n for n in INTEGERS if form == "<i" or abs(n) < 2**15]
            struct.pack_into(form, data, at, random.choice(allowed))
    return bytes(data)


def _gzipped(content, random, outside):
    changed = _nifti(gzip.decompress(content), random, outside)
    return gzip.compress(changed, compresslevel=1, mtime=0)


def _safetensors(content, random, outside):
    """Another header: its own JSON, and the facts that a string in it holds."""
    (size,) = struct.unpack_from("<Q", content)
    header, rest = json.loads(content[8 : 8 + size]), content[8 + size :]
    facts = header.get("__metadata__", {}).get("past")
    if facts is not None and random.randrange(3):
        text = as_json(mutated(json.loads(facts), random, outside), random)
        header["__metadata__"]["past"] = text.decode("utf-8", "replace")
        written = json.dumps(header).encode()
    else:
        written = as_json(mutated(header, random, outside), random)
    length = len(written) if random.randrange(8) else random.choice((0, 7, 2**40, 2**63))
    return struct.pack("<Q", length) + written + rest


def _npy(content, random, outside):
    """Another header: kind, order and shape of the array."""
    (size,) = struct.unpack_from("<H", content, 8)
    header = ast.literal_eval(content[10 : 10 + size].decode("latin-1"))
    what = random.randrange(4)
    if what == 0:
        kinds = ("|O", "<f4", "<f8", "|S0", "<c16", "|b1", "x", "<U1", [("a", "<f4")], "<M8[s]", 3)
        header["descr"] = random.choice(kinds)
    elif what == 1:
        shape = list(header["shape"]) or [1]
        shape[random.randrange(len(shape))] = random.choice((0, -1, 2**62, 10**9, 3, 1.5, None))
        header["shape"] = tuple(shape)
    elif what == 2:
        header["shape"] = random.choice(((), (2**31,) * 2, (1,) * 70, [3], 7, "a"))
    else:
        header[random.choice(("descr", "fortran_order", "shape", "other"))] = nasty(random)
    text = repr(header).encode("latin-1", "replace")[:60_000]
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return content[:8] + struct.pack("<H", len(text)) + text + content[10 + size :]


KINDS = {
    ".json": _json,
    ".toml": _toml,
    ".csv": _csv,
    ".tsv": _csv,
    ".nii": _nifti,
    ".nii.gz": _gzipped,
    ".safetensors": _safetensors,
    ".npy": _npy,
}


NAMES = (
    *(" ", "\n", "a", "-", "~", "é", "\udcff.nii.gz", "[red]x_image.nii.gz", "_image.nii.gz"),
    *(".nii.gz", "crossmoda_1_Label.nii.gz", "crossmoda_1_hrT2.nii.gz", "a b_0_image.nii.gz"),
    *("x" * 240, "%s{0}.nii", "CASE.NII.GZ", "dataset.json", "..nii", "a\tb.nii.gz"),
)


def rename(random):
    """Another name for a file."""
    return random.choice(NAMES)
