"""The long sweeps: ``hatch run faults --moments 50``; figures on stdout."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

import click

PARTS = ("signals", "sites", "files", "disk", "real")


def main() -> None:
    """Do the parts that are asked for; the first thing that does not hold ends it."""
    parser = argparse.ArgumentParser(prog="hatch run faults", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all")
    parser.add_argument("--moments", type=int, default=50, help="signals in all (50)")
    parser.add_argument("--real-moments", type=int, default=6, help="of a real run (6)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (0)")
    parser.add_argument("--failures", type=int, default=1, help="of each write site (1)")
    parser.add_argument("--step", type=int, default=8, help="KiB that the full disk grows by (8)")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_FP16")
    os.environ["PAST_FAULTS_REAL"] = "1"
    from tests.faults.commands import Toy, make_data
    from tests.faults.moments import undisturbed_run

    folder = Path(tempfile.mkdtemp(prefix="past-faults-"))
    toy = Toy(folder / "place", make_data(folder / "data"))
    undisturbed = undisturbed_run(toy)
    for part in options.parts or PARTS:
        begun = time.monotonic()
        click.echo(f"{part}: {DO[part](toy, undisturbed, options)}")
        click.echo(f"  {time.monotonic() - begun:.0f} s")
    shutil.rmtree(folder)


def _signals(toy, undisturbed, options) -> str:
    return "".join(
        _swept(toy, undisturbed, options.moments // 2, options.seed + jobs, jobs) for jobs in (1, 2)
    )


def _swept(toy, undisturbed, moments, seed, jobs) -> str:
    from dataclasses import replace

    from tests.faults.moments import Sweep, draw

    one = replace(toy, place=toy.place.with_name(f"jobs{jobs}"), jobs=jobs)
    sweep = Sweep(one, undisturbed)
    for moment in draw(moments, undisturbed, seed):
        sweep.strike(moment)
    sweep.end()
    kinds = sorted({kind for _, kind in sweep.struck})
    numbers = sorted({number for number, _ in sweep.struck})
    lines = [f"\n  with --jobs {jobs}, {sweep.struck.total()} of {moments} were in time:"]
    for kind in kinds:
        each = ", ".join(f"{sweep.struck[number, kind]} {number}" for number in numbers)
        lines.append(f"    {kind}: {each}")
    return "\n".join(lines)


def _sites(toy, undisturbed, options) -> str:
    """Every write and read site, each with one failure after the other."""
    from tests.faults.commands import fresh
    from tests.faults.disk import fail_everywhere, goes_on
    from tests.faults.injected import EachSiteOnce

    count: Counter[str] = Counter()
    for shift in range(options.failures):
        for reading in (False, True) if shift == 0 else (False,):
            one = fresh(toy, f"sites-{shift}-{reading}")
            failed = toy.place / f"failed-{shift}-{reading}"
            inject = EachSiteOnce(one.run, failed, 1, shift, reading)
            count["reading" if reading else "writing"] += fail_everywhere(one, inject)
            goes_on(one, undisturbed)
            shutil.rmtree(one.run)
    inject = EachSiteOnce(toy.data, toy.place / "failed-data", 1, 0, reading=True)
    one = fresh(toy, "sites-data")
    count["reading the data set"] += fail_everywhere(one, inject)
    goes_on(one, undisturbed)
    return ", ".join(f"{number} failures of {kind}" for kind, number in count.items())


def _files(toy, undisturbed, _) -> str:
    """Each file is cut off by the kernel, at a byte within it."""
    from tests.faults.commands import fresh
    from tests.faults.disk import goes_on, refused
    from tests.faults.injected import LargestFile

    sizes = sorted({p.stat().st_size for p in toy.run.rglob("*") if p.is_file()})
    sizes = [size for size in sizes if size > 200]
    one = fresh(toy, "files")
    cut = 0
    for size in sizes[::3]:
        said = one.go(LargestFile(size - 1))
        if said.code:
            refused(one, said)
            cut += 1
    goes_on(one, undisturbed)
    return f"{cut} files cut off by the kernel"


def _disk(toy, undisturbed, options) -> str:
    """A tmpfs that grows page by page."""
    from dataclasses import replace

    from tests.faults.disk import fill_up, goes_on
    from tests.faults.mounts import CannotMountError, remount, small_disk

    try:
        with small_disk(toy.place.with_name("disk"), "64m") as disk:
            one = replace(toy, place=disk / "place")
            full = fill_up(one, disk, start=24, step=options.step, most=10000)
            remount(disk, "size=64m")
            goes_on(one, undisturbed)
    except CannotMountError as error:
        return f"left out, {error}"
    return f"{full} times full"


def _real(toy, _, options) -> str:
    from past_core.datasets.phantom.config import PhantomConfig
    from past_core.datasets.phantom.dataset import write_phantom
    from tests.faults.moments import undisturbed_run
    from tests.faults.real import Real

    data = toy.place.with_name("real-data")
    write_phantom(data, PhantomConfig(source=3, target=3, test=2, matrix=112, slices=16))
    real = Real(toy.place.with_name("real"), data)
    return _swept(real, undisturbed_run(real), options.real_moments, options.seed, 1)


DO = {"signals": _signals, "sites": _sites, "files": _files, "disk": _disk, "real": _real}

if __name__ == "__main__":
    main()
