"""Exported systems that were damaged, or made to harm, are refused by name; nothing is run."""

from __future__ import annotations

import json
import os
import shutil
import stat
import zipfile

import pytest

from past_core.errors import DataError, PluginError
from past_core.exported import load_system
from past_core.exported.export import export_system
from past_core.plugins import Registry


@pytest.fixture
def kept(run, request_of, tmp_path):
    done, _ = run(request_of(rounds=0))
    return export_system(done.folder, tmp_path / "kept", system="translated")


@pytest.fixture
def refused(registry):
    """What is said of a path that must not be loaded."""

    def go(path):
        with pytest.raises(DataError) as error:
            load_system(path, registry=registry)
        return str(error.value)

    return go


def edit(folder, change):
    path = folder / "system.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def packed(folder, path, entries=()):
    """A zip file of a folder, with further or replaced entries."""
    with zipfile.ZipFile(path, "w") as archive:
        replaced = {entry.filename for entry, _ in entries}
        for file in sorted(one for one in folder.rglob("*") if one.is_file()):
            name = file.relative_to(folder).as_posix()
            if name not in replaced:
                archive.write(file, name)
        for entry, content in entries:
            archive.writestr(entry, content)
    return path


def test_it_is_loaded_as_it_is(kept, registry, tmp_path):
    assert load_system(kept, registry=registry).labels.structures == ("vs", "cochlea")
    assert load_system(packed(kept, tmp_path / "x.zip"), registry=registry) is not None


@pytest.mark.parametrize("size", ["same", "shorter", "gone", "link"])
def test_a_weight_file_that_is_not_the_exported_one(kept, refused, size):
    path = kept / "model1/counts.npy"
    content = path.read_bytes()
    if size == "same":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif size == "shorter":
        path.write_bytes(content[:-9])
    else:
        path.rename(kept.parent / "elsewhere")
        if size == "link":
            path.symlink_to(kept.parent / "elsewhere")
    said = refused(kept)
    assert str(path) in said
    expected = {"gone": "no such file", "link": "a link"}.get(
        size, "not the file that was exported"
    )
    assert expected in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(format="past-system/9"), "format: Input should be"),
        (lambda c: c["members"].update({"../x": c["members"]["model1"]}), "no portable name"),
        (
            lambda c: c["members"]["model1"]["files"].update(
                {"/etc/passwd": {"sha256": "0" * 64, "size": 1}}
            ),
            "no portable name",
        ),
        (lambda c: c["members"]["model1"].update(code="import os"), "code: Extra inputs"),
        (lambda c: c["members"]["model1"]["plugin"].update(kind="translator"), "kind: Input"),
        (lambda c: c["answers"]["448"].update(vs=["model9"]), "answers name ['model9']"),
        (lambda c: c["answers"]["448"].pop("vs"), "has answers for cochlea"),
        (lambda c: c["answers"].update(x=c["answers"]["448"]), "'x' is answered for"),
        (lambda c: c["members"]["model1"].update(files={}), "model1 has no files"),
        (lambda c: c.update(roi=[0, 0, 0, 1, 1]), "roi"),
        (lambda c: c.update(clip_percentile=101), "clip_percentile: Input should be"),
        (lambda c: c.clear(), "format: Field required"),
    ],
)
def test_a_description_that_was_altered(kept, refused, change, said):
    edit(kept, change)
    assert said in refused(kept)


def test_files_that_are_no_exported_system(tmp_path, refused):
    (tmp_path / "empty").mkdir()
    assert "no system.json is here" in refused(tmp_path / "empty")
    (tmp_path / "x.zip").write_bytes(b"no archive")
    assert "not a readable zip file" in refused(tmp_path / "x.zip")
    (tmp_path / "list").mkdir()
    (tmp_path / "list/system.json").write_text("[" * 100_000)
    assert "not JSON" in refused(tmp_path / "list")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "no system.json is in it" in refused(tmp_path / "other.zip")


@pytest.mark.parametrize(
    "name", ["../evil.py", "/tmp/evil.py", "model1/../../evil.py", "model1/evil.py", "C:\\evil.py"]
)
def test_entries_of_an_archive_that_lead_elsewhere(kept, refused, tmp_path, name):
    path = packed(kept, tmp_path / "x.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "print('harm')")
    said = refused(path)
    assert "is no part of an exported system" in said
    assert not list(tmp_path.rglob("evil.py"))


def test_a_link_in_an_archive(kept, refused, tmp_path):
    entry = zipfile.ZipInfo("model1/counts.npy")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "is a link" in refused(packed(kept, tmp_path / "x.zip", [(entry, "/etc/passwd")]))


def test_an_archive_that_unpacks_to_more_than_it_says(kept, refused, tmp_path):
    bomb = zipfile.ZipInfo("model1/counts.npy")
    bomb.compress_type = zipfile.ZIP_DEFLATED
    path = packed(kept, tmp_path / "x.zip", [(bomb, b"\0" * 50_000_000)])
    assert path.stat().st_size < 1_000_000
    assert "has 50000000 bytes, described are" in refused(path)


def test_a_description_without_end(kept, refused, tmp_path):
    entry = zipfile.ZipInfo("system.json")
    entry.compress_type = zipfile.ZIP_DEFLATED
    path = packed(kept, tmp_path / "x.zip", [(entry, b" " * (17 << 20))])
    assert "more than 16777216 bytes" in refused(path)
    (kept / "system.json").write_bytes(b" " * (17 << 20))
    assert "too many for a description" in refused(kept)


def test_an_archive_with_a_wrong_hash_or_an_entry_twice(kept, refused, tmp_path):
    size = (kept / "model1/counts.npy").stat().st_size
    entry = zipfile.ZipInfo("model1/counts.npy")
    path = packed(kept, tmp_path / "x.zip", [(entry, os.urandom(size))])
    assert "not the file that was exported" in refused(path)
    path = packed(kept, tmp_path / "y.zip")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("system.json", "{}")
    assert "is there twice" in refused(path)


def test_what_was_unpacked_is_removed(kept, refused, registry, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    path = packed(kept, tmp_path / "x.zip")
    loaded = load_system(path, registry=registry)
    assert len(list(scratch.iterdir())) == 1
    del loaded
    assert not list(scratch.iterdir())
    (kept / "model1/counts.npy").write_bytes(b"")
    refused(packed(kept, tmp_path / "y.zip"))
    assert not list(scratch.iterdir())


def test_a_segmenter_that_is_not_installed_is_named(kept):
    with pytest.raises(PluginError, match="no segmenter is named 'bayes'"):
        load_system(kept, registry=Registry({}))


def test_a_half_written_export_is_not_there(run, request_of, tmp_path, monkeypatch):
    done, _ = run(request_of(rounds=0))
    monkeypatch.setattr(shutil, "copyfile", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        export_system(done.folder, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
    assert not list(tmp_path.glob(".kept*"))
