"""Killed or told to end at random moments, the same command ends with the same table."""

from __future__ import annotations

import pytest

from tests.faults.commands import Toy
from tests.faults.moments import Sweep, draw


@pytest.mark.parametrize(("jobs", "moments"), [(1, 2), (2, 1)])
def test_a_run_that_gets_signals_ends_as_if_nothing_had_happened(toy, undisturbed, jobs, moments):
    sweep = Sweep(Toy(toy.place / f"jobs{jobs}", toy.data, jobs=jobs), undisturbed)
    for moment in draw(moments, undisturbed, seed=jobs):
        sweep.strike(moment)
    sweep.end()
    assert sweep.struck.total()
