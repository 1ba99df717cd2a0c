"""Where results come from is written down; none of it decides what is trained."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from importlib.metadata import version

import pytest

from past_core.pipeline import machine, origin, revision
from past_core.pipeline.revision import revision_of

LIBRARIES = ("numpy", "scipy", "nibabel", "monai", "torch", "nnunetv2")
SHORT = {"strategy": "none", "until": "train"}


def manifests(run):
    return [json.loads(path.read_text()) for path in run.folder.glob("stages/*/manifest.json")]


def test_run_and_manifests_say_with_what_they_were_made(run, request_of):
    result, _ = run(request_of(command=("pipeline", "--seed", "0"), **SHORT))
    everything = manifests(result)
    assert {m["stage"] for m in everything} >= {"check", "fit-aligned", "fit-bayes"}
    for said in (result.record, *everything):
        for name in LIBRARIES:
            assert said["versions"][name] == version(name)
        assert said["versions"]["python"] == sys.version.split()[0]
        hardware = said["hardware"]
        assert 1 <= hardware["cores"] <= os.cpu_count()
        assert hardware["memory_gib"] > 0
        assert hardware["cpu"]
        assert hardware["gpu"] is None
        assert said["command"] == ["pipeline", "--seed", "0"]
    assert all(m["threads"] == 1 for m in everything)


def test_plugins_are_named_with_distribution_version_and_revision(run, request_of):
    result, _ = run(request_of(**SHORT))
    (fit,) = [m for m in manifests(result) if m["stage"] == "fit-bayes"]
    assert list(fit["plugins"]) == ["segmenter bayes"]
    assert fit["plugins"]["segmenter bayes"].keys() == {"distribution", "version", "revision"}
    assert result.record["plugins"]["segmenter bayes"] == fit["plugins"]["segmenter bayes"]
    assert result.record["plugins"].keys() >= {"dataset crossmoda", "translator match"}
    (check,) = [m for m in manifests(result) if m["stage"] == "check"]
    assert check["plugins"] == {}


def test_other_versions_and_machines_train_nothing_again(run, request_of, monkeypatch):
    request = request_of(**SHORT)
    run(request)
    monkeypatch.setattr(machine, "version", lambda name: "99.9")
    monkeypatch.setattr(machine, "_cpu", lambda: "another")
    monkeypatch.setattr(revision, "_checked_out", lambda folder: {"commit": "0" * 40})
    machine.versions.cache_clear()
    machine._machine.cache_clear()
    try:
        second, observed = run(request)
    finally:
        machine.versions.cache_clear()
        machine._machine.cache_clear()
    assert observed.ran == []
    assert second.record["versions"]["numpy"] == "99.9", "the run's own record is of now"
    assert second.record["hardware"]["cpu"] == "another"
    assert all(m["versions"]["numpy"] == version("numpy") for m in manifests(second))


def test_a_moved_data_folder_changes_nothing(run, request_of, phantom_folder, tmp_path):
    data = shutil.copytree(phantom_folder, tmp_path / "here")
    first, _ = run(request_of(data=data, **SHORT))
    moved = data.rename(tmp_path / "there")
    second, observed = run(request_of(data=moved, **SHORT))
    assert observed.ran == ["check"], "whose files they are is looked at again"
    one, two = (
        {m["stage"]: m for m in manifests(each)}["check"]["params"]["cases"]
        for each in (first, second)
    )
    assert one == two
    assert one[0]["image"][0] == "source_training/crossmoda_1_ceT1.nii.gz"
    assert all(str(path).startswith(str(moved)) for path in second.references().values())
    assert all(path.is_file() for path in second.references().values())


def test_other_files_of_the_same_names_sizes_and_times_are_told_apart(
    run, request_of, phantom_folder, tmp_path
):
    """As archives unpack them: an earlier check must not vouch for them."""
    data = shutil.copytree(phantom_folder, tmp_path / "one")
    other = shutil.copytree(phantom_folder, tmp_path / "two")
    (image, *_) = sorted(other.glob("target_training/*"))
    content = image.read_bytes()
    image.write_bytes(content[:5] + bytes([content[5] ^ 1]) + content[6:])  # gzip's own time
    for folder in (data, other):
        for path in folder.rglob("*.nii.gz"):
            os.utime(path, ns=(1, 1))
    request = request_of(data=data, **SHORT)
    run(request)
    _, observed = run(request_of(data=other, **SHORT))
    assert "crop-target" in observed.ran


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A package in a repository of its own, as an editable install has it on the path."""
    folder = tmp_path / "repository" / "src" / "a_package_of_mine"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemError('was imported')")
    git = ["git", "-C", str(tmp_path / "repository"), "-c", "user.name=x", "-c", "user.email=x@x"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    monkeypatch.syspath_prepend(folder.parent)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return folder, head.stdout.strip()


needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@needs_git
def test_a_checkout_has_its_commit_and_whether_it_was_changed(checkout):
    folder, head = checkout

    def asked():
        return revision_of("a_package_of_mine", "a-package")

    assert asked() == {"commit": head, "dirty": False}
    (folder.parents[1] / "notes.txt").write_text("outside of the package")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__/x.pyc").write_bytes(b"")
    assert asked() == {"commit": head, "dirty": False}
    (folder / "more.py").write_text("")
    assert asked() == {"commit": head, "dirty": True}
    (folder / "more.py").unlink()
    (folder / "__init__.py").write_text("changed = True")
    assert asked() == {"commit": head, "dirty": True}


@needs_git
def test_without_git_or_an_answer_the_revision_is_unknown(checkout, monkeypatch, tmp_path):
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    monkeypatch.setenv("PATH", str(slow.parent))
    assert revision_of("a_package_of_mine", "a-package") is None, "no git"
    slow.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(revision, "PATIENCE", 0.1)
    started = time.monotonic()
    assert revision_of("a_package_of_mine", "a-package") is None, "git hangs"
    assert time.monotonic() - started < 10
    slow.write_text("#!/bin/sh\nexit 128\n")
    assert revision_of("a_package_of_mine", "a-package") is None, "git refuses"


@needs_git
def test_an_installed_package_has_not_the_revision_of_the_repository_around_it(
    checkout, monkeypatch
):
    folder, _ = checkout
    site = folder.parent / "venv/lib/site-packages"
    site.mkdir(parents=True)
    folder.rename(site / "another_package_of_mine")
    monkeypatch.syspath_prepend(site)
    assert revision_of("another_package_of_mine", "another-package") is None


def test_a_package_installed_from_a_repository_has_its_commit(tmp_path, monkeypatch):
    info = tmp_path / "from_afar-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: from-afar\nVersion: 1.0\n")
    vcs = {"url": "https://example.org/x", "vcs_info": {"vcs": "git", "commit_id": "abc123"}}
    (info / "direct_url.json").write_text(json.dumps(vcs))
    monkeypatch.syspath_prepend(tmp_path)
    assert revision_of("from_afar", "from-afar") == {"commit": "abc123", "dirty": False}
    (info / "direct_url.json").write_text("[")
    assert revision_of("from_afar", "from-afar") is None
    assert revision_of("from_afar", "not-installed-at-all") is None


def test_git_is_asked_once_a_run(run, request_of, monkeypatch):
    asked = []
    monkeypatch.setattr(origin, "revision_of", lambda *names: asked.append(names))
    run(request_of(**SHORT))
    assert len(asked) == len(set(asked)) > 0


def test_knowing_versions_and_hardware_imports_no_torch():
    code = (
        "import sys; from past_core.pipeline.machine import hardware, threads, versions\n"
        "assert 'torch' in versions(); hardware('cuda'); threads()\n"
        "print([name for name in ('torch', 'monai', 'nnunetv2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
