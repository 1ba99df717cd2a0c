"""Shares: what a training draws of each entry of ``images``."""

import pytest

from past_core.pipeline.images import weights
from tests.core.pipeline.toys import FITS, LABELLINGS

SOURCE = ("crossmoda_1", "crossmoda_2")
TARGET = ("crossmoda_106", "crossmoda_107", "crossmoda_108")

SYSTEMS = """
    [[translation]]
    name = "aligned"
    translator = "match"

    [[model]]
    name = "pooled"
    segmenter = "bayes"
    images = [{ from = "source", share = 0.25 }, { from = "aligned", copies = 1 }]
    [[model.round]]
    strategy = "keep"
    images = [{ from = "aligned", share = 0.1, copies = 1 }, { from = "target", share = 0.9 }]

    [[system]]
    name = "pooled"
    use = "pooled"
"""


@pytest.mark.parametrize(
    ("shares", "counts", "expected"),
    [
        ((None, None), (4, 12), [1, 1]),
        ((0.5, 0.5), (4, 12), [2, 2 / 3]),
        ((0.5, None), (4, 12), [2, 2 / 3]),
        ((0.5, None, None), (4, 6, 6), [2, 2 / 3, 2 / 3]),
        ((0.25, 0.75), (4, 12), [1, 1]),
    ],
)
def test_weights_give_each_entry_its_share(shares, counts, expected):
    assert weights(shares, counts) == pytest.approx(expected)


def test_models_and_rounds_are_trained_by_shares(run, request_of, systems_of):
    FITS.clear()
    LABELLINGS.clear()
    plain = {"translator": None, "segmenter": None, "strategy": None}
    run(request_of(systems=systems_of(SYSTEMS), **plain))
    fits = {fit.stage: fit.weights for fit in FITS}
    source, translated = SOURCE, [f"{case}_aligned" for case in SOURCE]
    copies = [f"{case}_copy1" for case in translated]
    # Two of six scans draw a quarter, four the rest.
    assert fits["fit-pooled"] == pytest.approx(
        {**dict.fromkeys(source, 0.75), **dict.fromkeys([*translated, *copies], 1.125)}
    )
    # Four of seven draw a tenth.
    copies = [f"{case}_copy1" for case in SOURCE]
    assert fits["fit-pooled-st1"] == pytest.approx(
        {**dict.fromkeys([*SOURCE, *copies], 0.175), **dict.fromkeys(TARGET, 2.1)}
    )
    assert set(fits["fit-aligned"].values()) == {1.0}
