"""Tries bfloat16 convolutions in another process, since a faulty kernel damages memory.

``examine`` and ``measure`` start ``python -m past_seg.nnunet.probe`` and write it the
convolutions; it answers with one line a convolution. The process that examines runs with
strict checks of its heap, so that a write past a buffer ends it even where nothing but an
unused byte was hit.
"""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Self

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Convolution", "ProbeError", "examine", "measure"]

COMMAND = (sys.executable, "-P", "-m", "past_seg.nnunet.probe")
PATIENCE = 60.0
"""Seconds that the process has for its start, and as many for every convolution."""
REPETITIONS = 3
TOLERANCE = 0.05
"""Of a value's own size and of the root mean square; bfloat16 rounds to 0.004."""
DOUBLE_BYTES = 256 * 1024**2
"""The reference is computed in float64 if its unfolded input is at most this large, in
float32 otherwise."""
BUFFER = 0x5A
"""Every byte of the buffers around a trial; none of them may change."""

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


@dataclass(frozen=True)
class Convolution:
    """What decides which kernel computes a 3D convolution."""

    inputs: int
    outputs: int
    """Channels."""
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    shape: tuple[int, ...]
    """Of the input: batch, then the three axes."""
    bias: bool = True
    transposed: bool = False
    channels_last: bool = True

    @classmethod
    def of(cls, layer: torch.nn.Module, shape: Sequence[int], channels_last: bool) -> Self:
        """Describe a layer and the shape ``(batch, channels, i, j, k)`` of its input."""
        assert isinstance(layer, torch.nn.Conv3d | torch.nn.ConvTranspose3d)
        assert isinstance(layer.padding, tuple)
        return cls(
            layer.in_channels,
            layer.out_channels,
            layer.kernel_size,
            layer.stride,
            layer.padding,
            (shape[0], *shape[2:]),
            layer.bias is not None,
            isinstance(layer, torch.nn.ConvTranspose3d),
            channels_last,
        )

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Read back what ``dataclasses.asdict`` and JSON made of one."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**fields)

    def layer(self) -> torch.nn.Conv3d | torch.nn.ConvTranspose3d:
        """A layer of this kind, with random weights."""
        kind = torch.nn.ConvTranspose3d if self.transposed else torch.nn.Conv3d
        made: torch.nn.Conv3d | torch.nn.ConvTranspose3d = kind(
            self.inputs,
            self.outputs,
            self.kernel,  # type: ignore[arg-type]
            self.stride,  # type: ignore[arg-type]
            self.padding,  # type: ignore[arg-type]
            bias=self.bias,
        )
        return made.to(memory_format=self._order())

    def input(self) -> torch.Tensor:
        """A random input that bfloat16 holds exactly."""
        batch, *axes = self.shape
        values = torch.randn(batch, self.inputs, *axes).bfloat16().float()
        return values.to(memory_format=self._order())

    def _order(self) -> torch.memory_format:
        return torch.channels_last_3d if self.channels_last else torch.contiguous_format


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
    limit: str | None = None,
    command: Sequence[str] = COMMAND,
) -> dict[Convolution, dict[str, float]]:
    """Seconds of forward and backward pass in ``bfloat16`` and in ``float32``.

    Parameters
    ----------
    convolutions
        What to time, each in a process of its own; those that end it are left out.
    limit
        A value for ``ONEDNN_MAX_CPU_ISA``, the largest instruction set to use.
    command
        What to start.
    """
    environment = {} if limit is None else {"ONEDNN_MAX_CPU_ISA": limit}
    found = {}
    for one in convolutions:
        answers, end = _ask("measure", [one], command, environment)
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


# What follows runs in the other process.


def _compared(one: Convolution) -> str:
    """Compare output and gradients with those of float64; name the first that is wrong."""
    torch.manual_seed(0)
    layer = one.layer()
    with torch.no_grad():
        for weight in layer.parameters():
            weight.copy_(weight.bfloat16())
    x = one.input()
    with torch.no_grad():
        gradient = torch.randn_like(layer(x)).bfloat16()
    unfolded = 8 * one.inputs * prod(one.kernel) * prod(one.shape)
    exact = torch.float64 if unfolded <= DOUBLE_BYTES else torch.float32
    expected = _results(copy.deepcopy(layer).to(exact), x.to(exact), gradient.to(exact))
    for _ in range(REPETITIONS):
        before = _buffers()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = _results(layer, x, gradient)
        after = _buffers()
        for name, value in found.items():
            if not _close(value, expected[name]):
                return f"wrong {name}"
        if not all(bool((buffer == BUFFER).all()) for buffer in (*before, *after)):
            return "wrote into other memory"
        layer.zero_grad(set_to_none=True)
    return ""


def _results(
    layer: torch.nn.Module, x: torch.Tensor, gradient: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Output and gradients; the backward pass runs outside autocast, as in training."""
    x = x.detach().clone().requires_grad_()
    output = layer(x)
    with torch.autocast("cpu", enabled=False):
        output.backward(gradient)
    assert x.grad is not None
    found = {"output": output.detach(), "gradient of the input": x.grad}
    for name, weight in layer.named_parameters():
        assert weight.grad is not None
        found[f"gradient of the {name}"] = weight.grad.clone()
    return found


def _close(found: torch.Tensor, expected: torch.Tensor) -> bool:
    expected = expected.double()
    allowed = TOLERANCE * (expected.abs() + expected.square().mean().sqrt())
    # A nan compares as false.
    return bool(((found.double() - expected).abs() <= allowed).all())


def _buffers() -> list[torch.Tensor]:
    """Memory of several sizes around that of the layer."""
    return [torch.full((size,), BUFFER, dtype=torch.uint8) for size in (64, 4096, 2**17, 2**20)]


def _measured(one: Convolution) -> dict[str, float]:
    """Median seconds of a forward and backward pass."""
    layer, x = one.layer(), one.input()
    with torch.no_grad():
        gradient = torch.randn_like(layer(x))
    seconds = {}
    for name, reduced in (("bfloat16", True), ("float32", False)):
        times = []
        for _ in range(1 + REPETITIONS):
            start = time.perf_counter()
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=reduced):
                _results(layer, x, gradient.bfloat16() if reduced else gradient)
            times.append(time.perf_counter() - start)
        seconds[name] = sorted(times[1:])[REPETITIONS // 2]
    return seconds


TASKS: dict[str, Callable[[Convolution], object]] = {"examine": _compared, "measure": _measured}


def main() -> None:
    """Answer what standard input asks, on standard output."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415  (not on Windows)

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    question = json.load(sys.stdin)
    torch.set_num_threads(question["threads"])
    _say({"ready": True})
    for index, values in enumerate(question["convolutions"]):
        answer = TASKS[question["task"]](Convolution.read(values))
        _say({"index": index, "answer": answer})


def _say(line: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
