"""Write the table of all cases and their answers: ``python -m tests.answers > docs/answers.md``."""

from __future__ import annotations

import re
import sys

from tests.answers.asking import Answer
from tests.answers.place import Wrong
from tests.answers.table import ALL, faults, survey

WIDEST = 160
"""Characters of an answer in the table."""

HEAD = """# What wrong input gets

{count} wrong files, data sets, recipes, options, run folders and plugins, each met by the command
line, and its answer. None is a traceback. The longest took {seconds:.1f} s of processor time, the
largest {megabytes:.0f} MB above what the program begins with. Exit code 1 is an error of what was
given, 2 one of the command itself; 0 is a run or a check that goes on: what is wrong is said,
mended or harmless.

```
hatch test tests/answers           # one of eight
hatch run answers > docs/answers.md
```
"""
COLUMNS = "| what | exit | answer | s | MB |\n|---|---|---|---|---|\n"


def line(case: Wrong, answer: Answer) -> str:
    """A row: what is wrong, exit code, answer, seconds, MB."""
    text = answer.err.strip() or answer.out.strip()
    said = text if answer.code else _spoken(case, text + answer.out)
    short = re.sub(r"\S*/tmp\w*/(\d+/?)?", "", " ".join(said.split()))
    short = short if len(short) <= WIDEST else f"{short[:WIDEST]} …"
    cells = (
        case.name,
        str(answer.code),
        short,
        f"{answer.processor:.1f}",
        f"{answer.megabytes:.0f}",
    )
    return "| " + " | ".join(re.sub(r"([|\\<`*_])", r"\\\1", one) for one in cells) + " |"


def _spoken(case: Wrong, text: str) -> str:
    """Of a command that went on: the lines that speak of the case, if any."""
    spoken = [one for one in text.splitlines() if any(said in one for said in case.says)]
    return " ".join(spoken[:1]) or "goes on"


def main() -> None:
    """Try every case; those that fail are named at the end."""
    rows: dict[str, list[str]] = {}
    wrong, seconds, megabytes = [], 0.0, 0.0
    for case, answer in survey():
        rows.setdefault(case.group, []).append(line(case, answer))
        wrong += [f"{case}: {fault}" for fault in faults(case, answer)]
        seconds, megabytes = max(seconds, answer.processor), max(megabytes, answer.megabytes)
        sys.stderr.write(".")
        sys.stderr.flush()
    sys.stdout.write(HEAD.format(count=len(ALL), seconds=seconds, megabytes=megabytes))
    for group, lines in rows.items():
        title = group[0].upper() + group[1:]
        sys.stdout.write(
            f"\n## {title}\n\n| what | exit | answer | s | MB |\n|---|---|---|---|---|\n"
        )
        sys.stdout.write("\n".join(lines) + "\n")
    sys.exit("\n".join(wrong) if wrong else 0)


if __name__ == "__main__":
    main()
