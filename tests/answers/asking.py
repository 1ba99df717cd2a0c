"""Ask the command line something, and measure what the answer costs."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Answer", "ask"]

FORKING = multiprocessing.get_context("forkserver")
"""Processes forked after the imports that every command needs: two hundred answers in seconds."""

FORKING.set_forkserver_preload(
    ["past_cli.display", "past_cli.drawing", "past_core.pipeline", "tests.core.pipeline.toys"]
)


@dataclass(frozen=True)
class Answer:
    """What a command said and took."""

    code: int
    """Its exit code; negative: the signal that ended it."""
    out: str
    err: str
    seconds: float
    """Of wall time."""
    processor: float
    """Seconds of processor time: what it takes on a machine that does nothing else."""
    megabytes: float
    """Peak of its memory above what it had when the command line began."""


def ask(
    arguments: Sequence[str | Path],
    cwd: Path,
    *,
    path: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
    limit: float = 60,
) -> Answer:
    """Be ``past-cli ARGUMENTS`` in a process of its own, in a folder.

    Parameters
    ----------
    path
        Folders of further distributions, as ``site-packages`` would have them.
    limit
        Seconds after which it is killed.
    """
    record = cwd / ".answer"
    record.mkdir()
    given = [str(one) for one in arguments], str(cwd), [*map(str, path)], dict(environment or {})
    process = FORKING.Process(target=_be_the_command, args=(record, *given))
    begin = time.perf_counter()
    process.start()
    process.join(limit)
    if process.is_alive():
        process.kill()
        process.join()
    seconds = time.perf_counter() - begin
    said = [(record / name).read_text(errors="replace") for name in ("out", "err")]
    cost = record / "cost"
    text = cost.read_text() if cost.exists() else "nan nan"
    processor, megabytes = map(float, text.split())
    assert process.exitcode is not None
    return Answer(process.exitcode, said[0], said[1], seconds, processor, megabytes)


def _be_the_command(
    record: Path, arguments: list[str], cwd: str, path: list[str], environment: dict[str, str]
) -> None:
    os.chdir(cwd)
    os.environ.update(environment)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(record / name, os.O_WRONLY | os.O_CREAT), number)
    sys.path[:0] = path
    sys.argv = ["past-cli", *arguments]
    begin, spent = _memory("VmRSS"), time.process_time()
    from past_cli.main import main

    code: object = 0
    try:
        main()
    except SystemExit as stop:
        code = stop.code
    except BaseException:
        traceback.print_exc()
        code = 1
    cost = time.process_time() - spent, _memory("VmHWM") - begin
    (record / "cost").write_text(" ".join(map(str, cost)))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


def _memory(what: str) -> float:
    """A figure of this process in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024
