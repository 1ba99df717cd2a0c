"""What trials of convolutions found: noted beside a training, and remembered for later ones."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import torch
from platformdirs import user_cache_path

from past_core.errors import DataError
from past_core.files import read_json, write_json
from past_seg.nnunet.convolution import Convolution

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from past_seg.nnunet.folders import Json

__all__ = ["machine", "read_note", "remember", "remembered", "write_note"]

log = logging.getLogger(__name__)


def machine() -> Json:
    """What verdicts hold for: torch, the processor's instructions, their limit, threads."""
    return {
        "torch": torch.__version__,
        "instructions": sorted(k for k, v in torch.cpu.get_capabilities().items() if v is True),
        "limit": os.environ.get("ONEDNN_MAX_CPU_ISA", ""),
        "threads": torch.get_num_threads(),
    }


def write_note(path: Path, verdicts: Mapping[Convolution, str], float32: Collection[str]) -> None:
    """Write the fault of every convolution (empty if sound) and the names of layers in float32."""
    entries = [{"fault": fault, **asdict(one)} for one, fault in verdicts.items()]
    write_json(path, {"machine": machine(), "float32": list(float32), "convolutions": entries})


def read_note(path: Path) -> dict[Convolution, str]:
    """Faults that an earlier start of the same training wrote down for this machine, if any."""
    if not path.exists():
        return {}
    try:
        content = read_json(path, "")
        if content["machine"] != machine():
            return {}
        return {_convolution(entry): entry["fault"] for entry in content["convolutions"]}
    except (DataError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s cannot be read, convolutions are tried anew: %s", path, error)
        return {}


def remembered() -> set[Convolution]:
    """Convolutions that some training of this user found sound on such a machine."""
    return {one for one, fault in read_note(_memory()).items() if not fault}


def remember(sound: Collection[Convolution]) -> None:
    """Spare later trainings these trials; a fault is not remembered, but tried again.

    A trial may also fail for want of memory, say, and what it then says must not last.
    """
    try:
        write_note(_memory(), dict.fromkeys(sorted(remembered() | set(sound), key=repr), ""), [])
    except OSError as error:
        log.info("verdicts on convolutions are not kept for later trainings: %s", error)


def _memory() -> Path:
    """One file a kind of machine, in the user's cache."""
    identity = json.dumps(machine(), sort_keys=True).encode()
    return user_cache_path("past") / f"convolutions-{sha256(identity).hexdigest()[:12]}.json"


def _convolution(entry: dict[str, Any]) -> Convolution:
    return Convolution.read({key: value for key, value in entry.items() if key != "fault"})
