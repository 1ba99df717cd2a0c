"""What ``system.json`` of an exported system says, validated before anything is believed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from past_core.errors import DataError
from past_core.pipeline.protocols import ProtocolRule

__all__ = [
    "DESCRIPTION",
    "FORMAT",
    "MOST",
    "Description",
    "File",
    "Fractions",
    "Member",
    "Plugin",
    "Protocols",
    "Volumes",
    "parse",
    "parse_json",
]

FORMAT = "past-system/1"
DESCRIPTION = "system.json"
"""The file of an exported system that tells all but the weights, and their hashes."""
MOST = 16 << 20
"""Bytes that it may have."""

_PORTABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def _portable(name: str) -> str:
    if not _PORTABLE.fullmatch(name) or ".." in name:
        raise ValueError(f"'{name}' is no portable name of a file (letters, digits, '.', '_', '-')")
    return name


PortableName = Annotated[str, AfterValidator(_portable)]
"""A name that leads nowhere else, whatever it is appended to."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Numbers = tuple[float, ...]
Fractions = tuple[float, float, float, float, float, float]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _said(names: Iterable[str]) -> str:
    """Names in a message, where pydantic takes nothing that UTF-8 cannot hold."""
    return ", ".join(names).encode("ascii", "backslashreplace").decode()


class File(_Strict):
    """One file of a member."""

    sha256: Sha256
    size: int = Field(ge=0)
    """In bytes."""


class Plugin(_Strict):
    """The segmenter that a member is of."""

    kind: Literal["segmenter"]
    name: str
    version: str
    """Distribution and version that trained it."""
    generation: int


class Member(_Strict):
    """A trained model."""

    plugin: Plugin
    prediction: dict[str, Any]
    """Settings of prediction that hold instead of those saved with it."""
    files: dict[PortableName, File] = {}
    """What is in its folder; nothing is told of a run's own models."""


class Protocols(_Strict):
    """How a scan finds the models that answer for it."""

    rule: ProtocolRule
    """Tells a scan's protocol by its file."""
    served: dict[str, Numbers]
    """Protocols of the training scans; logarithms of their median spacing and matrix."""


class Volumes(_Strict):
    """Volumes of a structure in labels of source scans, in ml."""

    low: float
    """The least."""
    median: float
    high: float
    """The greatest."""
    scans: int
    """How many scans have the structure."""


class Description(_Strict):
    """Everything that applying a system takes but the weights."""

    format: Literal["past-system/1"]
    system: str
    chosen: str | None = None
    """The system that it took, if it chose one."""
    structures: tuple[str, ...] = Field(min_length=1)
    """The first has value 1."""
    roi: Fractions
    """Lower, then upper fractions of the canonical (RAS+) axes."""
    scaled_over: Fractions | None = None
    """The same of the region that intensities are scaled over, if it is another."""
    clip_percentile: float = Field(gt=50, le=100)
    protocols: Protocols
    answers: dict[str, dict[str, tuple[str, ...]]] = Field(min_length=1)
    """By protocol and structure the members whose probabilities are averaged."""
    members: dict[PortableName, Member] = Field(min_length=1)
    volumes: dict[str, Volumes] = {}
    """By structure."""
    provenance: dict[str, Any] = {}
    """Where it comes from; for people."""

    @property
    def sha256(self) -> str:
        """Tells descriptions apart."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @model_validator(mode="after")
    def _fits_together(self) -> Description:
        for protocol, answers in self.answers.items():
            if protocol not in self.protocols.served:
                raise ValueError(f"protocol {protocol!a} is answered for, but not known")
            if set(answers) != set(self.structures):
                raise ValueError(f"protocol {protocol!a} has answers for {_said(answers)}")
            for names in answers.values():
                unknown = [name for name in names if name not in self.members]
                if unknown or not names:
                    raise ValueError(f"answers name {unknown or 'no member'}")
        if len(set(map(len, self.protocols.served.values()))) != 1:
            raise ValueError("protocols are known by different numbers of figures")
        return self


def parse(content: Any, where: str) -> Description:  # noqa: ANN401
    """Validate what was read.

    Raises
    ------
    DataError
        Naming what is wrong, one line each.
    """
    try:
        return Description.model_validate(content)
    except ValidationError as error:
        problems = [
            f"  {'.'.join(str(part) for part in one['loc']) or 'the whole'}: {one['msg']}"
            for one in error.errors()[:10]
        ]
        raise DataError(
            "\n".join([f"{where}: not what past-cli export writes.", *problems])
        ) from error


def parse_json(content: bytes, where: str) -> Description:
    """Read and validate what a description file holds.

    Raises
    ------
    DataError
        If it is no JSON, or naming what is wrong in it.
    """
    try:
        read = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not JSON ({error}). Copy the exported system again.") from error
    return parse(read, where)
