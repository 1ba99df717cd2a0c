"""Tries many inputs on a target: drawn by hypothesis, or led by coverage with atheris."""

from __future__ import annotations

import random

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, given, settings

__all__ = ["FromBytes", "by_hypothesis"]


def by_hypothesis(prepared, inputs, *, derandomize=True):
    """Try so many inputs; a finding is raised, with the first choices that made it."""

    @settings(
        max_examples=inputs,
        deadline=None,
        database=None,
        derandomize=derandomize,
        # Shrinking would try thousands of inputs; a finding names the file and what was raised.
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.binary(min_size=64, max_size=512))
    def attempt(content):
        prepared.attempt(FromBytes(content))

    attempt()


class FromBytes(random.Random):
    """Choices read from bytes that another program makes up; zeros when they are used up."""

    def __init__(self, content):
        super().__init__(0)
        self.content, self.at = content, 0

    def getrandbits(self, k):
        size = -(-k // 8)
        found = self.content[self.at : self.at + size].ljust(size, b"\0")
        self.at += size
        return int.from_bytes(found, "little") >> (size * 8 - k)

    def random(self):
        return self.getrandbits(53) / (1 << 53)
