"""Wrong things of the table get the answers that they should.

One of eight here, in turn; all of them by ``hatch run answers``.
"""

from __future__ import annotations

import pytest

from tests.answers.place import first_places
from tests.answers.table import ALL, answered, faults


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return first_places(tmp_path_factory.mktemp("first"))


@pytest.mark.parametrize("case", ALL[::8], ids=str)
def test_a_wrong_thing_is_answered(case, first, tmp_path):
    answer = answered(case, first, tmp_path / "place")
    assert list(faults(case, answer)) == [], answer.err or answer.out


def test_the_cases_have_different_names():
    names = [str(case) for case in ALL]
    assert len(set(names)) == len(names) > 150
