"""Tries bfloat16 convolutions in another process, since a faulty kernel damages memory.

``examine`` and ``measure`` start ``python -m past_seg.nnunet.trial`` and write it the
convolutions; it answers with one line a convolution. The process that examines runs with
strict checks of its heap, so that a write past a buffer ends it even where nothing but an
unused byte was hit.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import torch

from past_seg.nnunet.convolution import Convolution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ProbeError", "examine", "measure"]

COMMAND = (sys.executable, "-P", "-m", "past_seg.nnunet.trial")
PATIENCE = 60.0
"""Seconds that the process has for its start, and as many for every convolution."""

STRICT_HEAP = {
    "LD_PRELOAD": "libc_malloc_debug.so.0",
    "GLIBC_TUNABLES": "glibc.malloc.check=3:glibc.malloc.perturb=165",
    "MALLOC_CHECK_": "3",
    "MALLOC_PERTURB_": "165",
}
"""Lets glibc end the process when it frees memory that was written past. Up to glibc 2.33 the
third line does it, and the loader leaves out the library that is not there. What the first
two variables held before follows behind a colon."""


class ProbeError(Exception):
    """The other process could not be asked."""


def examine(
    convolutions: Sequence[Convolution], command: Sequence[str] = COMMAND
) -> dict[Convolution, str]:
    """Say what is wrong with each convolution in bfloat16, forward and backward.

    One process tries all of them. If it does not end well, each gets a process of its own:
    damaged memory may show long after the damage.

    Returns
    -------
    dict
        An empty text for a convolution that is sound.

    Raises
    ------
    ProbeError
        If the process does not even start.
    """
    answers, end = _ask("examine", convolutions, command, _strict_heap())
    if not end and len(answers) == len(convolutions):
        return {one: _text(answers[i]) for i, one in enumerate(convolutions)}
    if len(convolutions) == 1:
        return {convolutions[0]: end or _text(answers.get(0))}
    return {one: _examined_alone(one, command) for one in convolutions}


def measure(
    convolutions: Sequence[Convolution],
    precision: Literal["bfloat16", "float32"],
    limit: str | None = None,
    command: Sequence[str] = COMMAND,
) -> dict[Convolution, float]:
    """Seconds of forward and backward pass.

    Parameters
    ----------
    convolutions
        What to time, each in a process of its own; those that end it are left out.
    precision
        What they compute in.
    limit
        A value for ``ONEDNN_MAX_CPU_ISA``, the largest instruction set to use.
    command
        What to start.
    """
    environment = {} if limit is None else {"ONEDNN_MAX_CPU_ISA": limit}
    found = {}
    for one in convolutions:
        answers, end = _ask(f"measure {precision}", [one], command, environment)
        if answers and not end:
            found[one] = answers[0]
    return found


def _examined_alone(one: Convolution, command: Sequence[str]) -> str:
    try:
        return examine([one], command)[one]
    except ProbeError as error:
        return str(error)


def _strict_heap() -> dict[str, str]:
    joined = {name: os.environ.get(name) for name in ("LD_PRELOAD", "GLIBC_TUNABLES")}
    return {
        name: f"{value}:{before}" if (before := joined.get(name)) else value
        for name, value in STRICT_HEAP.items()
    }


def _text(answer: object) -> str:
    return answer if isinstance(answer, str) else "unreadable answer"


def _ask(
    task: str,
    convolutions: Sequence[Convolution],
    command: Sequence[str],
    environment: Mapping[str, str],
) -> tuple[dict[int, Any], str]:
    """Let another process do a task; return its answers, and how it ended unless well."""
    question = {
        "task": task,
        "threads": torch.get_num_threads(),
        "convolutions": [asdict(one) for one in convolutions],
    }
    end = ""
    try:
        done = subprocess.run(
            command,
            input=json.dumps(question).encode(),
            capture_output=True,
            env={**os.environ, **environment},
            timeout=PATIENCE * (1 + len(convolutions)),
            check=False,
        )
        output = done.stdout
        if done.returncode:
            end = _ended(done.returncode)
    except subprocess.TimeoutExpired as error:
        output, end = error.stdout or b"", f"no end within {error.timeout:g} s"
    except OSError as error:
        raise ProbeError(str(error)) from error
    lines = [_line(line) for line in output.decode(errors="replace").splitlines()]
    if {"ready": True} not in lines:
        raise ProbeError(f"{' '.join(command)}: {end or 'said nothing'}")
    return {line["index"]: line["answer"] for line in lines if line.keys() >= ANSWER}, end


ANSWER = {"index", "answer"}


def _line(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _ended(code: int) -> str:
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended with exit code {code}"
