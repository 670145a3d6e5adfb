"""What lies beside photographs: thumbnail folders are not entered, and everything passed over is counted."""

from pathlib import Path

import pytest
from batch_fakes import FakeRestorer, make, settings_of

from restorect.images.find import SERVICE_FOLDERS
from restorect.infer.batch import Naming, Plan, RestoreSettings, plan_batch, run_batch


def plan(out: Path, *arguments: object, recursive: bool = False) -> Plan:
    naming = Naming(task="low-light", size="nano", settings=RestoreSettings())
    return plan_batch([str(a) for a in arguments], out, naming, recursive=recursive)


def outputs(result: Plan) -> list[str]:
    return [output for job in result.jobs for output in job.outputs]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "a.fake",
        "deep/b.fake",
        "@eaDir/a.fake/SYNOPHOTO_THUMB_XL.fake",
        "deep/@eaDir/x.fake",
        "#recycle/old.fake",
    ):
        make(tmp_path / "in" / name)
    make(tmp_path / "in" / ".@__thumb" / "default.fake")
    for name in ("x.gif", "y.GIF", "z.psd", "a.xmp", "Thumbs.db", "desktop.ini", ".hidden.gif", "README", "deep/c.mov"):
        make(tmp_path / "in" / name)
    return tmp_path / "in"


def test_service_folders_are_passed_over_and_told(folder: Path) -> None:
    result = plan(folder.parent / "out", folder, recursive=True)
    assert outputs(result) == ["a.fake", "deep/b.fake"]
    assert dict(result.others) == {
        **{"GIF": 2, "PSD": 1, "MOV": 1, "file without an ending": 1},
        **{"@eaDir folder": 2, "#recycle folder": 1, ".@__thumb folder": 1},
    }
    assert result.failures == ()
    flat = plan(folder.parent / "out", folder)
    assert outputs(flat) == ["a.fake"]
    assert dict(flat.others) == {"GIF": 2, "PSD": 1, "file without an ending": 1}


def test_patterns_do_not_lead_into_them(folder: Path) -> None:
    """Neither our own patterns nor the shell's, which hands over every name."""
    found = plan(folder.parent / "out", folder / "**" / "*.fake")
    assert outputs(found) == ["a.fake", "b.fake"]
    assert dict(found.others) == {"@eaDir folder": 2, "#recycle folder": 1}
    by_shell = plan(folder.parent / "out", *sorted(folder.iterdir())[1:], recursive=True)
    assert {"a.fake", "b.fake"} <= set(outputs(by_shell))
    assert by_shell.others["@eaDir folder"] == 2
    assert not any("holds no photographs" in failure.reason for failure in by_shell.failures)


def test_one_that_is_named_is_meant(folder: Path) -> None:
    assert outputs(plan(folder.parent / "out", folder / "#recycle")) == ["old.fake"]
    assert outputs(plan(folder.parent / "out", folder / "@eaDir" / "a.fake" / "*.fake")) == ["SYNOPHOTO_THUMB_XL.fake"]
    photo = folder / "deep" / "@eaDir" / "x.fake"
    assert outputs(plan(folder.parent / "out", photo, folder / "a.fake")) == ["x.fake", "a.fake"]
    assert {"@eaDir", "#recycle", ".@__thumb"} <= SERVICE_FOLDERS


def test_each_file_counts_once_and_our_own_never(folder: Path) -> None:
    twice = plan(folder.parent / "out", folder, folder, f"{folder}/../in")
    assert dict(twice.others) == {"GIF": 2, "PSD": 1, "file without an ending": 1}
    for name in ("x.gif", "y.GIF", "z.psd", "README"):
        (folder / name).unlink()
    naming = Naming(task="low-light", size="nano", settings=settings_of(format="png"))
    for _ in range(2):
        same = plan_batch([str(folder)], folder, naming)
        assert dict(same.others) == {}  # nor what an earlier run wrote there
        summary = run_batch(same, FakeRestorer)
        assert summary.passed_over == {}
