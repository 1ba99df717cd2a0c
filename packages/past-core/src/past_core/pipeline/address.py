"""Addresses of models in a systems file: ``model@protocol/round#seed``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from past_core.errors import ConfigError

__all__ = ["Address", "check_name", "check_part_name"]

RESERVED = ("source", "target")
"""Words that ``from`` uses for the scans themselves."""

_ADDRESS = re.compile(
    r"(?P<name>[^@/#]+)(@(?P<protocol>[^@/#]+))?(/(?P<round>\d+))?(#(?P<seed>\d+))?"
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_ROUND = re.compile(r".*[-.](st|s)\d+")


@dataclass(frozen=True)
class Address:
    """Which trained weights are meant; what is left out is decided by the scan or the model."""

    name: str
    """Of the model, or in ``from`` of the translation."""
    protocol: str | None = None
    """Left out: that of the scan."""
    round: int | None = None
    """0 is the model before self-training; left out: its last round."""
    seed: int | None = None
    """Index into the model's ``seeds``; left out: the average over all of them."""

    @classmethod
    def parse(cls, text: str, where: str) -> Address:
        """Read ``nnunet@448/0``; ``where`` names its origin in errors.

        Raises
        ------
        ConfigError
            If the text is no address.
        """
        match = _ADDRESS.fullmatch(text)
        if match is None:
            raise ConfigError(
                f"{where}: '{text}' is no address. Write a model's name and what of it is meant, "
                "as in nnunet, nnunet@448, nnunet/0 or nnunet@448/0#1."
            )
        found = match.groupdict()
        numbers = [None if found[key] is None else int(found[key]) for key in ("round", "seed")]
        return cls(found["name"], found["protocol"], *numbers)

    def __str__(self) -> str:
        return (
            self.name
            + ("" if self.protocol is None else f"@{self.protocol}")
            + ("" if self.round is None else f"/{self.round}")
            + ("" if self.seed is None else f"#{self.seed}")
        )


def check_name(name: str) -> str:
    """Refuse a name that an address or a stage's folder could not hold.

    Raises
    ------
    ValueError
        Saying what is wrong, for pydantic.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            "a name has letters, digits and . _ + - only, and begins with a letter or digit"
        )
    if name.lower() in RESERVED:
        raise ValueError(f"'{name}' is reserved for the scans themselves")
    return name


def check_part_name(name: str) -> str:
    """As ``check_name``, for models and translations, whose stages say round and seed behind it.

    Raises
    ------
    ValueError
        Saying what is wrong, for pydantic.
    """
    if _ROUND.fullmatch(name):
        raise ValueError("endings like -st1 and -s1 are reserved for rounds and seeds")
    return check_name(name)
