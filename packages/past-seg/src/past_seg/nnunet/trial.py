"""Tries bfloat16 convolutions, in the process that ``past_seg.nnunet.probe`` starts for it.

Standard input says what to do with which convolutions; standard output gets one line of JSON
a convolution.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from functools import partial
from math import prod
from typing import TYPE_CHECKING

import torch

from past_seg.nnunet.convolution import Convolution

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["main"]

REPETITIONS = 3
TOLERANCE = 0.05
"""Of a value's own size and of the root mean square; bfloat16 rounds to 0.004."""
DOUBLE_BYTES = 256 * 1024**2
"""The reference is computed in float64 if its unfolded input is at most this large, in
float32 otherwise."""
BUFFER = 0x5A
"""Every byte of the buffers around a trial; none of them may change."""


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


def _measured(one: Convolution, *, reduced: bool) -> float:
    """Median seconds of a forward and backward pass, in bfloat16 if ``reduced``."""
    layer, x = one.layer(), one.input()
    with torch.no_grad():
        gradient = torch.randn_like(layer(x))
    times = []
    for _ in range(1 + REPETITIONS):
        start = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=reduced):
            _results(layer, x, gradient.bfloat16() if reduced else gradient)
        times.append(time.perf_counter() - start)
    return sorted(times[1:])[REPETITIONS // 2]


TASKS: dict[str, Callable[[Convolution], object]] = {
    "examine": _compared,
    "measure bfloat16": partial(_measured, reduced=True),
    "measure float32": partial(_measured, reduced=False),
}


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
