"""Values that no honest file has, and how to put them into structured content."""

from __future__ import annotations

import copy
import json
import re

DEEP = "\x00deep\x00"
"""Stands for lists in lists in lists; ``as_json`` writes it out."""
NUMBERS = (
    *(0, 1, -1, 2, 3, 255, 256, 300, 2**31, -(2**31), 2**63, 2**64, 10**30, 10**310),
    *(0.5, 1.5, -0.0, 1e-320, 1e308, -1e308, float("nan"), float("inf"), float("-inf")),
)
WORDS = (
    *("", " ", "\n", "\x00", "a", "..", ".", "/", "../outside", "sub/../../outside"),
    *("é", "\ud800", "𝄞" * 40, "[red]x[/blue]", "%s{0}", "nan", "1e999", "-1", "true"),
    *("x" * 300, "y" * 20_000, "a\tb", "@", "a@b/1#2", "*", "source", "target", "cpu"),
)
CONTAINERS = (None, True, False, [], {}, [[]], [None], {"": {}}, [0] * 50, {"a": [1, {}]}, DEEP)


def nasty(random, outside=None):
    """One value of a wrong kind or size; ``outside`` is a path that must never be written."""
    kind = random.randrange(10)
    if kind < 4:
        return random.choice(NUMBERS)
    if kind < 7:
        word = random.choice(WORDS)
        return str(outside) if outside is not None and word == "a" else word
    return copy.deepcopy(random.choice(CONTAINERS))


def places(value, found=None):
    """Every container of a value with each of its keys."""
    found = [] if found is None else found
    if isinstance(value, dict):
        keys = list(value)
    else:
        keys = list(range(len(value))) if isinstance(value, list) else []
    for key in keys:
        found.append((value, key))
        places(value[key], found)
    return found


def mutated(value, random, outside=None):
    """A copy of a document with one to three of its values altered, dropped, doubled or moved."""
    value = copy.deepcopy(value)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        if random.randrange(25) == 0:
            return nasty(random, outside)
        found = places(value)
        if not found:
            return nasty(random, outside)
        _alter(*random.choice(found), random.choice(found), random, outside)
    return value


def _alter(container, key, other, random, outside):
    what = random.randrange(8)
    if what < 4:
        container[key] = nasty(random, outside)
    elif what == 4:
        del container[key]
    elif what == 5:
        name = nasty(random, outside)
        extra = copy.deepcopy(container[key])
        if isinstance(container, list):
            container.insert(key, extra)
        else:
            container[name if isinstance(name, str) else f"{key}2"] = extra
    elif what == 6:
        container[key] = copy.deepcopy(other[0][other[1]])
    else:
        container[key] = random.choice(([container[key]], {"a": container[key]}))


def as_json(value, random):
    """The text of a document; sometimes with a key twice, or more nesting than a parser takes."""
    text = json.dumps(value)
    depth = random.choice((20, 900, 3000, 100_000))
    text = text.replace(json.dumps(DEEP), "[" * depth + "]" * depth)
    if random.randrange(12) == 0:
        text = re.sub(
            r'"(\w+)":', rf'"\1": {random.choice(("0", "[]", "{}"))}, "\1":', text, count=1
        )
    return text.encode("utf-8", "surrogatepass")


def plain(value):
    """The same as TOML can say it: no empty values."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [plain(one) for one in value if one is not None]
    return "deep" if value == DEEP else value
