"""The same batch again does only what is missing, changed or broken, and never touches what is not its own."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from batch_fakes import FakeRestorer, expected, make, settings_of

from restorect.errors import ConfigError
from restorect.infer.batch import Event, Naming, RestoreSettings, Skipped, Summary, plan_batch, plan_failed, run_batch

Run = Callable[..., Summary]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def once(
        *paths: Path, restorer: Any = None, force: bool = False, out: Path | None = None, **values: Any
    ) -> Summary:
        settings = settings_of(**values)
        naming = Naming(task="low-light", size="fake", settings=settings)
        plan = plan_batch([str(path) for path in paths or (tmp_path / "in",)], out or tmp_path / "out", naming)
        return run_batch(plan, lambda: restorer or FakeRestorer(), force=force)

    return once


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    return [make(tmp_path / "in" / f"{name}.fake", name.encode() * 9) for name in "abcd"]


def counts(summary: Summary) -> tuple[int, int, int]:
    return summary.restored, summary.skipped, len(summary.failures)


def test_nothing_is_done_twice(run: Run, sources: list[Path]) -> None:
    assert counts(run()) == (4, 0, 0)
    restorer = FakeRestorer()
    assert counts(run(restorer=restorer)) == (0, 4, 0)
    assert restorer.calls == 0


def test_only_what_is_missing_changed_or_broken_is_done(run: Run, sources: list[Path], tmp_path: Path) -> None:
    run()
    out = tmp_path / "out"
    (out / "a.fake").unlink()
    stamp = sources[1].stat()
    make(sources[1], b"B" * 9)  # same size, and the same time: only the content tells
    os.utime(sources[1], ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    (out / "c.fake").write_bytes(b"FAKE" + b"x" * 9)
    events: list[Event] = []
    settings = RestoreSettings()
    naming = Naming(task="low-light", size="fake", settings=settings)
    plan = plan_batch([str(tmp_path / "in")], out, naming)
    summary = run_batch(plan, FakeRestorer, on_event=events.append)
    assert counts(summary) == (3, 1, 0)
    assert [event.outputs for event in events if isinstance(event, Skipped)] == [("d.fake",)]
    assert all((out / source.name).read_bytes() == expected(source) for source in sources)


def test_other_settings_or_weights_do_all_again(run: Run, sources: list[Path]) -> None:
    class Other(FakeRestorer):
        weights_hash = "def456"

    run()
    assert counts(run(seed=1)) == (4, 0, 0)
    assert counts(run(seed=1, max_megapixels=3)) == (0, 4, 0)
    assert counts(run(seed=1, restorer=Other())) == (4, 0, 0)
    assert counts(run(seed=1, restorer=Other(), force=True)) == (4, 0, 0)


def test_a_strange_file_is_never_overwritten_unless_forced(run: Run, sources: list[Path], tmp_path: Path) -> None:
    strange = tmp_path / "out" / "b.fake"
    make(strange, b"somebody's own")
    before = strange.read_bytes()
    summary = run()
    assert counts(summary) == (3, 0, 1)
    assert "not made by restorect" in summary.failures[0].reason
    assert "--force" in summary.failures[0].reason
    assert strange.read_bytes() == before
    assert summary.exit_code == 1
    assert counts(run(force=True)) == (4, 0, 0)
    assert strange.read_bytes() == expected(sources[1])


def test_a_link_in_the_place_of_an_output_is_not_followed(run: Run, sources: list[Path], tmp_path: Path) -> None:
    outside = make(tmp_path / "precious.fake")
    before = outside.read_bytes()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.fake").symlink_to(outside)
    assert counts(run()) == (3, 0, 1)
    assert counts(run(force=True)) == (4, 0, 0)
    assert outside.read_bytes() == before
    assert not (tmp_path / "out" / "a.fake").is_symlink()


def test_outputs_beside_their_inputs_are_no_inputs_of_the_next_run(tmp_path: Path) -> None:
    settings = RestoreSettings()
    from restorect.infer.batch import NameTemplate

    make(tmp_path / "a.fake")
    naming = Naming(task="t", size="s", settings=settings, template=NameTemplate(text="{stem}_r"))
    for arguments, outcome in (([str(tmp_path)], (1, 0)), ([str(tmp_path)], (0, 1)), (["*.fake"], (0, 1))):
        paths = [str(path) for a in arguments for path in ([a] if a[0] == "/" else sorted(tmp_path.glob(a)))]
        plan = plan_batch(paths, tmp_path, naming)
        summary = run_batch(plan, FakeRestorer)
        assert (summary.restored, summary.skipped) == outcome
    assert plan.passed_over == (str(tmp_path / "a_r.fake"),)
    assert sorted(path.name for path in tmp_path.glob("*.fake")) == ["a.fake", "a_r.fake"]


def test_the_manifest_says_what_was_done(run: Run, sources: list[Path], tmp_path: Path) -> None:
    make(tmp_path / "in" / "e.fake", b"!BAD")
    run()
    lines = [json.loads(line) for line in (tmp_path / "out" / "restorect-manifest.jsonl").read_text().splitlines()]
    done = {line["input"]: line for line in lines if line["status"] == "done"}
    assert set(done) == {str(source) for source in sources}
    import hashlib

    for source in sources:
        line = done[str(source)]
        assert line["bytes"] == source.stat().st_size
        assert line["sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
        assert line["outputs"] == {source.name: hashlib.sha256(expected(source)).hexdigest()}
        assert len(line["settings"]) == 64
        assert line["seconds"] >= 0
    (failed,) = [line for line in lines if line["status"] == "failed"]
    assert failed["error"] == "is damaged; get it again"


def test_a_torn_and_a_foreign_manifest_line_do_no_harm(run: Run, sources: list[Path], tmp_path: Path) -> None:
    run()
    path = tmp_path / "out" / "restorect-manifest.jsonl"
    text = path.read_bytes()
    deep = b"[" * 100_000
    nonsense = b'{"status": "done", "input": 5, "outputs": {"d.fake": 1}}\n[1]\nnull\n\xff\xfe\n' + deep + b"\n"
    path.write_bytes(nonsense + text + text[:57])
    assert counts(run()) == (0, 4, 0)
    make(sources[0], b"new")
    assert counts(run()) == (1, 3, 0)
    assert counts(run()) == (0, 4, 0)
    assert path.read_bytes().startswith(nonsense + text + text[:57] + b"\n{"), "the manifest is only appended to"


def test_samples_are_done_together(run: Run, tmp_path: Path) -> None:
    make(tmp_path / "in" / "a.fake")
    run(samples=3)
    out = tmp_path / "out"
    names = ["a-1.fake", "a-2.fake", "a-3.fake"]
    assert sorted(path.name for path in out.glob("*.fake")) == names
    assert [(out / name).read_bytes()[-1] for name in names] == [180, 190, 200], "from dark to bright"
    (out / "a-2.fake").unlink()
    assert counts(run(samples=3)) == (1, 0, 0)
    assert counts(run(samples=3)) == (0, 1, 0)


def test_strength_zero_runs_no_network_and_converts_nothing(run: Run, sources: list[Path], tmp_path: Path) -> None:
    restorer = FakeRestorer(peak=10**18)  # nor does it count the network's memory
    assert counts(run(strength=0, restorer=restorer)) == (4, 0, 0)
    assert restorer.calls == 0
    assert all((tmp_path / "out" / source.name).read_bytes() == source.read_bytes() for source in sources)


def test_only_what_failed_is_tried_again(tmp_path: Path) -> None:
    """Whether it failed while planning (no photo) or at work (damaged); names are those of the run that failed."""
    naming = Naming(task="low-light", size="fake", settings=settings_of())
    out, inputs = tmp_path / "out", tmp_path / "in"
    for name in ("a.fake", "deep/b.fake", "deep/c.fake"):
        make(inputs / name)
    make(inputs / "deep" / "b.fake", b"!BAD")
    (inputs / "deep" / "c.fake").write_text("no photo")
    first = run_batch(plan_batch([str(inputs)], out, naming, recursive=True), FakeRestorer)
    assert counts(first) == (1, 0, 2)
    make(inputs / "deep" / "b.fake", b"night")
    (inputs / "a.fake").unlink()  # of what was done nothing is asked
    second = run_batch(plan_failed(out, naming), FakeRestorer)
    assert (counts(second), second.total) == ((1, 0, 1), 2)
    assert second.failures[0].path == str(inputs / "deep" / "c.fake")
    assert (out / "deep" / "b.fake").read_bytes() == expected(inputs / "deep" / "b.fake")
    make(inputs / "deep" / "c.fake")
    assert [job.outputs for job in plan_failed(out, naming).jobs] == [("deep/c.fake",)]
    assert counts(run_batch(plan_failed(out, naming), FakeRestorer)) == (1, 0, 0)
    assert plan_failed(out, naming).jobs == ()
    with pytest.raises(ConfigError, match="none: holds no record of a batch"):
        plan_failed(tmp_path / "none", naming)
