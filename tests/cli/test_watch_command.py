"""`restorect watch` in a real process: files that grow, signals, kill -9, with a quick stand-in for the networks."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from restore_files import files, photo
from restore_process import ENVIRONMENT, PROGRAM, started
from restore_program import Run


def watching(
    folder: Path, out: Path, *options: object, **environment: object
) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
    return started("watch", folder, "-o", out, "--every", 0.1, *options, **environment)


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 600
    while not condition():
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def outputs(out: Path) -> list[str]:
    return [name for name in (files(out) if out.is_dir() else []) if not name.endswith(".jsonl")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_photo_that_grows_slowly_is_restored_once_it_is_whole(
    run: Run, tmp_path: Path, number: signal.Signals
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    whole = photo(tmp_path / "a.jpg", shape=(240, 320, 3))
    content = whole.read_bytes()
    folder.mkdir()
    with watching(folder, out) as process:
        assert process.stderr is not None
        begun = process.stderr.readline()
        assert begun == f"restorect: watching {folder} every 0.1 s -> {out}; Ctrl-C ends it\n"
        with (folder / "a.jpg").open("wb", buffering=0) as growing:
            for start in range(0, len(content), 1 + len(content) // 20):
                growing.write(content[start : start + 1 + len(content) // 20])
                time.sleep(0.25)  # longer than a file rests
                if start + 1 + len(content) // 20 < len(content):
                    assert outputs(out) == []
        assert process.stderr.readline().startswith(f"{folder}/a.jpg -> a.jpg ")
        process.send_signal(number)
        stdout, error = process.communicate(timeout=900)
    assert (process.returncode, stdout) == (0, "")
    assert error.splitlines()[-1] == "restorect: ended; 1 restored, 0 failed"
    assert "failed:" not in error
    assert run(whole, "-o", tmp_path / "other")[0] == 0
    assert (out / "a.jpg").read_bytes() == (tmp_path / "other" / "a.jpg").read_bytes()


def test_after_a_kill_only_the_rest_is_done(run: Run, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    for number in range(4):
        photo(folder / f"{number}.png", number)
    with watching(folder, out, GO_ON_WHEN=tmp_path / "never") as process:
        until(lambda: len(outputs(out)) == 1, process)
        process.kill()
    first = outputs(out)
    (out / ".restorect-0-abc.part").touch()  # half written
    with watching(folder, out, "--json") as process:
        until(lambda: len(outputs(out)) == 4, process)
        process.terminate()
        lines = [json.loads(line) for line in process.communicate(timeout=900)[0].splitlines()]
    assert [Path(line["path"]).name for line in lines if line["event"] == "skipped"] == first
    assert sum(line["event"] == "restored" for line in lines) == 3
    assert not (out / ".restorect-0-abc.part").exists()
    assert "0 restored, 4 done before" in run(folder, "-o", out)[2]  # the record is that of restore


def test_a_bad_photo_is_one_line_and_a_second_watch_is_refused(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    photo(folder / "bad.png").write_bytes(b"no photo")
    with watching(folder, out, "--patience", 0.5, "--quiet") as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(f"failed: {folder}/bad.png: is not a photo")
        with watching(folder, out) as second:
            _, error = second.communicate(timeout=900)
        assert second.returncode == 2
        assert "another restorect is writing there" in error.splitlines()[-1]
        photo(folder / "good.png")
        until(lambda: outputs(out) == ["good.png"], process)
        process.terminate()
        error = process.communicate(timeout=900)[1]
    assert process.returncode == 0
    assert "failed" not in error


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["gone", "-o", "out"], "gone: there is no such folder"),
        ([".", "-o", "."], "is the folder that is watched"),
        ([".", "-o", "out", "--strength", "2"], "strength is 2"),
        ([".", "-o", "out", "--suffix", "a/b"], "--suffix 'a/b'"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path: Path, options: list[str], words: str) -> None:
    command = [sys.executable, str(PROGRAM), "watch", *options]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert words in done.stderr.splitlines()[-1]
    assert os.listdir(tmp_path) == []
