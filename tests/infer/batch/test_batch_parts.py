"""The small parts: atomic writing, lock, memory, messages, settings."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
from batch_fakes import settings_of

from restorect.errors import ConfigError, ImageError, shown
from restorect.images.photo import Metadata, PhotoInfo
from restorect.images.write import WriteOptions
from restorect.infer.batch import BusyError, Failure, MemoryBudget, OutputError, RestoreSettings, Stop
from restorect.infer.batch.atomic import commit, remove_parts
from restorect.infer.batch.failures import reason_of
from restorect.infer.batch.lock import locked
from restorect.infer.batch.memory import needed_bytes
from restorect.infer.batch.part import LOCK_NAME
from restorect.infer.options import Options


class Identity:
    task, size, weights_hash, precision, engine = "low-light", "tiny", "00", "float32", "torch"


def test_a_new_file_replaces_nothing(tmp_path: Path) -> None:
    commit(tmp_path / "a", b"one", replace=False)
    with pytest.raises(OutputError, match="not made by restorect"):
        commit(tmp_path / "a", b"two", replace=False)
    assert (tmp_path / "a").read_bytes() == b"one"
    commit(tmp_path / "a", b"three", replace=True)
    assert (tmp_path / "a").read_bytes() == b"three"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_disk_without_hard_links_still_replaces_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    test_a_new_file_replaces_nothing(tmp_path)


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        commit(tmp_path / "a", b"one", replace=False)
    assert list(tmp_path.iterdir()) == []


def test_only_own_temporary_files_are_removed(tmp_path: Path) -> None:
    for name in (".restorect-1-ab.part", "mine.part", ".restorect.lock", "a.png"):
        (tmp_path / name).touch()
    assert remove_parts(tmp_path) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [".restorect.lock", "a.png", "mine.part"]
    assert remove_parts(tmp_path / "missing") == 0


def test_the_lock_is_held_once_and_given_back(tmp_path: Path) -> None:
    with locked(tmp_path):
        with pytest.raises(BusyError, match=f"process {os.getpid()} on "), locked(tmp_path):
            pass
        with pytest.raises(BusyError), locked(tmp_path):  # the loser has not freed it
            pass
    with locked(tmp_path):
        pass


def test_the_lock_file_is_not_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / LOCK_NAME).symlink_to(tmp_path / "precious")
    with pytest.raises(OutputError, match="cannot be written"), locked(tmp_path):
        pass
    assert (tmp_path / "precious").read_text() == "precious"


def test_needs_grow_with_the_photo() -> None:
    info = PhotoInfo(
        format="png", height=1000, width=2000, channels=3, bit_depth=8, has_alpha=False, profile="sRGB", orientation=1,
        pages=1, stored_bits=8, linear=False, lossless=True, metadata=Metadata(),
    )  # fmt: skip
    small = needed_bytes(info, file_bytes=0, samples=1)
    assert small >= 2_000_000 * (3 + 12)
    for name, value in {"height": 2000, "bit_depth": 16, "channels": 4}.items():
        assert needed_bytes(replace(info, **{name: value}), file_bytes=0, samples=1) > small
    for name, value in {"samples": 3, "file_bytes": 10**6}.items():
        assert needed_bytes(info, **{"file_bytes": 0, "samples": 1, name: value}) > small


def test_a_budget_takes_one_that_fits_and_refuses_one_that_does_not() -> None:
    budget, stop = MemoryBudget(lambda: 1000), Stop()
    assert budget.acquire(900, stop)
    budget.release(900)
    with pytest.raises(ImageError, match="memory"):
        budget.acquire(1000, stop)
    with pytest.raises(ImageError, match="memory"):
        budget.check(1000)
    stop.ask()
    assert not budget.acquire(1, stop)
    assert MemoryBudget(lambda: None).acquire(10**15, Stop()), "where the system does not tell, nothing is refused"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(errno.ENOENT, "x"), "no such file"),
        (PermissionError(errno.EACCES, "x"), "permission denied"),
        (OSError(errno.ENOSPC, "x"), "disk is full"),
        (OSError(errno.EBADF, "Bad file descriptor"), "Bad file descriptor"),
        (MemoryError(), "not enough memory"),
        (ImageError("a\nb"), "a b"),
        (ZeroDivisionError("oh\n no"), "unexpected ZeroDivisionError: oh no; please report"),
    ],
)
def test_every_error_is_one_line(error: Exception, words: str) -> None:
    assert words in reason_of(error)
    assert reason_of(error).isprintable()


def test_names_are_shown_on_one_line() -> None:
    assert shown("a\nb\x1b[31m\udcff🌙é") == "a\\nb\\x1b[31m\\xff🌙é"
    assert str(Failure.of("a\nb", ImageError("a\\nb: is bad"))) == "a\\nb: is bad"


@pytest.mark.parametrize(
    "values",
    [
        *(
            {"brightness": 3.1},
            {"brightness": float("nan")},
            {"strength": 1.1},
            {"strength": float("nan")},
            {"seed": -1},
            {"samples": 0},
            {"samples": 100},
        ),
        *({"steps": 0}, {"quality": 0}, {"subsampling": "4:1:1"}, {"bit_depth": 12}, {"page": -1}),
        {"max_megapixels": 0},
    ],
)
def test_settings_are_checked(values: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(values)).replace("_", " ")):
        settings_of(**values)


# What 0.1.0 wrote into manifests: the same settings must give the same hash for ever, or all is done again.
KNOWN = (
    ({}, "72888c497f48a8afff67ce5c1c07e1c3927420f44490902b99476563d1abe99f"),
    (
        {"strength": 0.5, "seed": 7, "samples": 3, "format": "tiff", "bit_depth": 16, "page": 2},
        "cf3b1713940a32fafe24f0262e38a0786951b0e761b61ec69cc4b8e07c4c1653",
    ),
)


def test_the_hash_stays_what_it_was() -> None:
    for values, digest in KNOWN:
        assert settings_of(**values).digest(Identity()) == digest


def test_the_hash_knows_all_that_shapes_an_output() -> None:
    base = settings_of().digest(Identity())
    changes = {"strength": 0.5, "seed": 1, "samples": 2, "steps": 3, "format": "png", "quality": 90}
    changes |= {"uncertainty": True, "start": "noise", "style": "reference", "brightness": -0.5, "fast": True}
    changes |= {"subsampling": "4:2:0", "lossless": True, "bit_depth": 8, "strip_metadata": True, "page": 1}
    hashes = {base} | {settings_of(**{name: value}).digest(Identity()) for name, value in changes.items()}
    for name in ("task", "size", "weights_hash", "precision", "engine"):
        hashes.add(settings_of().digest(type("Other", (Identity,), {name: "other"})()))
    assert len(hashes) == 1 + len(changes) + 5
    without = {"max_megapixels": 1, "salvage": True, "keep_date": False}
    for name, value in without.items():
        assert settings_of(**{name: value}).digest(Identity()) == base
    fields = {name for kind in (Options, WriteOptions, RestoreSettings) for name in kind.__dataclass_fields__}
    assert set(changes) | set(without) == fields - {"restore", "write"}
