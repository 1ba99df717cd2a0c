"""All metrics of one structure against medpy's and MONAI's, on a scan of crossMoDA's size.

The segmentation has a speck in a far corner, which makes a distance map between as large as the
scan.
"""

import time
import warnings

import numpy as np
import pytest
import torch
from medpy.metric import binary as medpy
from monai.metrics.surface_distance import compute_average_surface_distance

from past_core.masks import Masks
from past_core.metrics.choice import create_metrics, named_metrics
from past_core.plugins import Registry

SHAPE, SPACING = (448, 448, 80), (0.41, 0.41, 1.5)
RADII = {"a tumour": 12, "a large organ": 50}
"""In mm."""


def ball(centre, radius):
    mm = [(np.arange(n) - c) * s for n, c, s in zip(SHAPE, centre, SPACING, strict=True)]
    return sum(np.ix_(*(axis**2 for axis in mm))) < radius**2


@pytest.fixture(params=RADII, ids=lambda name: name.replace(" ", "-"))
def pair(request):
    """Prediction and reference."""
    radius = RADII[request.param]
    prediction = ball((223, 220, 40), radius) | ball((440, 440, 76), 1.5)
    return prediction, ball((220, 220, 40), radius)


def seconds(work, *given):
    begin = time.perf_counter()
    value = work(*given)
    return time.perf_counter() - begin, value


def test_metrics(benchmark, pair):
    registry = Registry()
    metrics = create_metrics(registry, named_metrics(registry, ["all"]), {})
    affine = np.diag([*SPACING, 1.0])

    def ours(names):
        masks = Masks("vs", *pair, affine)
        return {name: metrics[name](masks) for name in names}

    ours(metrics)  # what is imported late
    values = benchmark(ours, list(metrics))
    own, _ = seconds(ours, ["assd"])
    both, _ = seconds(ours, ["dice", "assd", "hd95"])
    of_medpy, assd = seconds(lambda: medpy.assd(*pair, voxelspacing=SPACING))
    rest, (dice, hd95) = seconds(lambda: (medpy.dc(*pair), medpy.hd95(*pair, voxelspacing=SPACING)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        of_monai, _ = seconds(
            lambda: compute_average_surface_distance(
                *(torch.from_numpy(mask)[None, None] for mask in pair),
                include_background=True,
                symmetric=True,
                spacing=list(SPACING),
            )
        )
    benchmark.extra_info |= {
        "assd, times as fast as medpy": round(of_medpy / own, 1),
        "assd, times as fast as MONAI": round(of_monai / own, 1),
        "dice, assd, hd95, times as fast as medpy": round((of_medpy + rest) / both, 1),
        "baseline: medpy's assd, seconds": round(of_medpy, 2),
    }
    expected = {"dice": dice, "assd": assd, "hd95": hd95}
    assert {name: values[name] for name in expected} == pytest.approx(expected, rel=1e-12)
