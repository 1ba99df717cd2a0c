"""Maps which 3D convolutions are sound in bfloat16 on this CPU, and what they cost, as CSV.

    python tests/benchmarks/map_bf16_convolutions.py > map.csv
    python tests/benchmarks/map_bf16_convolutions.py --axes 88 96 104 --channels 32 --time

Every convolution is tried, forward and backward, in another process that watches its heap:
``fault`` is empty where nothing is wrong. With ``--time`` further columns give seconds of a
forward and backward pass in bfloat16, in float32 (what the trainer does with a faulty one), and
in bfloat16 without AMX; another patch is another last axis. oneDNN's choice of kernel depends
on the number of threads, so set OMP_NUM_THREADS as in training.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import sys

from past_seg.nnunet.convolution import Convolution
from past_seg.nnunet.probe import ProbeError, examine, measure

KERNELS = {"1x1x1": (1, 1, 1), "1x3x3": (1, 3, 3), "3x3x3": (3, 3, 3)}
WITHOUT_AMX = "AVX512_CORE_FP16"


def row(options: argparse.Namespace, axis: int) -> list[Convolution]:
    """All combinations on square slices of one size."""
    return [
        Convolution(
            inputs=channels,
            outputs=channels,
            kernel=KERNELS[kernel],
            stride=(1, stride, stride),
            padding=tuple(size // 2 for size in KERNELS[kernel]),
            shape=(options.batch, depth, axis, axis),
        )
        for kernel, channels, depth, stride in itertools.product(
            options.kernels, options.channels, options.depths, options.strides
        )
    ]


def costs(one: Convolution) -> list[float | None]:
    """Seconds in bfloat16, in float32, and in bfloat16 without AMX; None where it dies."""
    return [
        measure([one], "bfloat16").get(one),
        measure([one], "float32").get(one),
        measure([one], "bfloat16", WITHOUT_AMX).get(one),
    ]


def parse() -> argparse.Namespace:
    """What to map."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--axes", type=int, nargs="+", default=list(range(8, 193, 8)))
    parser.add_argument("--kernels", choices=KERNELS, nargs="+", default=["1x3x3", "3x3x3"])
    parser.add_argument("--channels", type=int, nargs="+", default=[8, 32])
    parser.add_argument("--depths", type=int, nargs="+", default=[5, 16])
    parser.add_argument("--strides", type=int, nargs="+", default=[1])
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--time", action="store_true", help="measure costs too")
    return parser.parse_args()


def main() -> None:
    """Print one line a convolution, after every last axis."""
    options = parse()
    header = ["last_axis", "kernel", "stride", "channels", "depth", "fault"]
    timed = ["bfloat16_s", "float32_s", "bfloat16_without_amx_s"] if options.time else []
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(header + timed)
    for axis in options.axes:
        try:
            faults = examine(row(options, axis))
        except ProbeError as error:
            sys.exit(f"nothing can be tried here: {error}")
        for one, fault in faults.items():
            kernel = "x".join(str(size) for size in one.kernel)
            line = [axis, kernel, one.stride[-1], one.inputs, one.shape[1], fault]
            table.writerow(line + (costs(one) if options.time else []))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
