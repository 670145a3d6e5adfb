"""`restorect restore` as a user meets it: real files of the real formats, a quick stand-in for the networks."""

import contextlib
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from restore_files import files, photo, pixels_of
from restore_program import Run

import restorect
from restorect.cli import main as command

PROGRAM = Path(__file__).with_name("restore_program.py")
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(restorect.__file__).parents[1])}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("a.png", "b.jpg", "c.JPEG", "deep/d.webp", "deep/e.tif")):
        photo(tmp_path / "in" / name, number)
    return tmp_path / "in"


def test_a_folder_with_the_same_tree(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, stdout, error = run(folder, "-o", out, "--recursive")
    assert (code, stdout) == (0, "")
    assert files(out) == ["a.png", "b.jpg", "c.JPEG", "deep/d.webp", "deep/e.tif", "restorect-manifest.jsonl"]
    assert "5 restored" in error.splitlines()[-1]
    expected = np.sqrt(pixels_of(folder / "a.png") / 255.0) * 255
    assert np.abs(pixels_of(out / "a.png") - expected).max() <= 0.51
    code, _, error = run(folder, "-o", out, "-r")
    assert code == 0
    assert error.splitlines()[-1].startswith("5 done before") or "0 restored, 5 done before" in error


def test_a_list_of_photos(run: Run, folder: Path, tmp_path: Path) -> None:
    listed = tmp_path / "photos.csv"
    listed.write_text(
        f"path,year\n{folder}/b.jpg,2024\n{folder}/deep/d.webp,2025\n{folder}/gone.jpg,\n{folder}/b.jpg,\n"
    )
    out = tmp_path / "out"
    code, _, error = run("--files-from", listed, "-o", out)
    assert code == 1
    assert files(out) == ["b.jpg", "deep/d.webp", "restorect-manifest.jsonl"]
    assert "gone.jpg: there is no such file" in error
    assert "passed over: 1 repeated name" in error
    piped = subprocess.run(
        [sys.executable, str(PROGRAM), "restore", "--files-from", "-", "-o", str(out)],
        input=f"{folder}/b.jpg\0{folder}/a.png\0",
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "1 restored, 1 done before" in piped.stderr


def test_a_dry_run_tells_what_a_run_would_do_and_writes_nothing(run: Run, folder: Path, tmp_path: Path) -> None:
    out, size = tmp_path / "out", sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    code, stdout, _ = run(folder, folder / "gone.png", "-o", out, "--dry-run", "--json")
    told = json.loads(stdout)
    assert (code, out.exists()) == (1, False)
    assert told.pop("event") == "estimate"
    assert {name: told[name] for name in told if name not in ("cpu_hours", "out")} == {
        "named": 3,
        "looked": 3,
        "photos": 3,
        "done": 0,
        "failed": 1,
        "bytes": size,
        "tried": 3,
    }
    assert 0 < told["cpu_hours"] < 1
    run(folder / "a.png", "-o", out)
    before = files(out)
    code, stdout, error = run(folder, "-o", out, "--dry-run")
    assert (code, error, files(out)) == (0, "", before)
    assert re.fullmatch(
        r"would restore 2 photos \([0-9]+ kB\), about [0-9.]+ s of one core, by 2 of them, 1 done before -> .*out\n",
        stdout,
    )
    assert "3 photos" in run(folder, "-o", out, "--dry-run", "--force")[1]


def test_parts_of_a_list_are_the_whole(run: Run, folder: Path, tmp_path: Path) -> None:
    listed, out = tmp_path / "photos.txt", tmp_path / "out"
    listed.write_text("\n".join(map(str, (folder / "a.png", folder / "b.jpg", folder / "c.JPEG"))))
    for number in (1, 2, 3):
        code, _, error = run("--files-from", listed, "-o", out, "--part", f"{number}/3")
        assert code == 0, error
    assert [name for name in files(out) if not name.endswith(".jsonl")] == ["a.png", "b.jpg", "c.JPEG"]
    assert "0 restored, 3 done before" in run("--files-from", listed, "-o", out)[2]


def test_what_failed_is_tried_again(run: Run, folder: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "out", (folder / "b.jpg").read_bytes()
    (folder / "b.jpg").write_bytes(whole[:200])
    assert run(folder, "-o", out)[0] == 1
    (folder / "b.jpg").write_bytes(whole)
    code, _, error = run("-o", out, "--retry-failed")
    assert (code, error.splitlines()[-1][:13]) == (0, "1 restored in"), error
    assert files(out) == ["a.png", "b.jpg", "c.JPEG", "restorect-manifest.jsonl"]
    assert run("-o", out, "--retry-failed")[2].startswith("0 restored in")


def test_requests_for_lists_that_cannot_be_are_one_line(run: Run, folder: Path, tmp_path: Path) -> None:
    listed = tmp_path / "photos.txt"
    listed.write_text(str(folder / "a.png"))
    for arguments, words in (
        ((), "there is nothing to restore"),
        (("--files-from", tmp_path / "none.txt"), "none.txt: cannot be read (there is no such file"),
        (("--files-from", "-", "-"), "standard input is either the list or a photo"),
        (("--files-from", listed, "-o", "-"), "standard output takes one photo"),
        (("--retry-failed", "-o", "-"), "standard output takes one photo"),
        (("--retry-failed",), "out: holds no record of a batch, so nothing has failed there"),
        (("--part", "5/4", listed), "--part 5/4: give K/N"),
        (("--part", "1/2", "-"), "--part: a photo on standard input is no batch"),
        (("--part", "1/2", listed, "-o", "-"), "standard output takes one photo"),
        (("--retry-failed", listed), "--retry-failed: takes photos from the record of OUT"),
    ):
        out = () if "-o" in arguments else ("-o", tmp_path / "out")
        code, stdout, error = run(*arguments, *out)
        assert (code, stdout, words in error) == (2, "", True), error
        assert len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_dark_16_bit_photo_stays_16_bit(run: Run, tmp_path: Path) -> None:
    source = photo(tmp_path / "dark.png", dtype=np.uint16, top=250)
    assert run(source, "-o", tmp_path / "out")[0] == 0
    result = pixels_of(tmp_path / "out" / "dark.png")
    assert result.dtype == np.uint16
    assert np.abs(result - np.sqrt(pixels_of(source) / 65535.0) * 65535).max() <= 1


def test_strength_zero_gives_the_same_pixels(run: Run, tmp_path: Path) -> None:
    for name, dtype in (("a.png", np.uint8), ("b.png", np.uint16), ("c.tif", np.uint16)):
        source = photo(tmp_path / name, dtype=dtype, top=255)
        assert run(source, "-o", tmp_path / "out", "--strength", 0)[0] == 0
        np.testing.assert_array_equal(pixels_of(tmp_path / "out" / name), pixels_of(source))


def test_bad_files_are_reported_at_the_end_and_the_rest_is_restored(run: Run, folder: Path, tmp_path: Path) -> None:
    (folder / "text.jpg").write_text("not a photo")
    (folder / "cut.jpg").write_bytes((folder / "b.jpg").read_bytes()[:150])
    (folder / "empty.png").touch()
    out, missing = tmp_path / "out", tmp_path / "missing.jpg"
    code, stdout, error = run(folder, missing, "-o", out, "--quiet")
    assert (code, stdout) == (1, "")
    lines = sorted(error.splitlines())
    assert len(lines) == 4, error
    for line, name in zip(lines, ("in/cut.jpg", "in/empty.png", "in/text.jpg", "missing.jpg"), strict=True):
        assert line.startswith(f"failed: {tmp_path}/{name}: ")
        assert line.count(name) == 1
    assert files(out) == ["a.png", "b.jpg", "c.JPEG", "restorect-manifest.jsonl"]


def test_samples_from_dark_to_bright(run: Run, tmp_path: Path) -> None:
    source = photo(tmp_path / "a.png")
    assert run(source, "-o", tmp_path / "out", "--samples", 3)[0] == 0
    means = [pixels_of(tmp_path / "out" / f"a-{k}.png").mean() for k in (1, 2, 3)]
    assert means == sorted(means)
    assert means[0] < means[2]


def test_names_and_formats(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(folder / "a.png", "-o", out, "--suffix", "_r", "--format", "jpg", "--quality", 80)[0] == 0
    assert run(folder / "b.jpg", "-o", out, "--name-template", "{task}/{index:02d}-{stem}", "--bit-depth", 8)[0] == 0
    assert files(out) == ["a_r.jpg", "auto/01-b.jpg", "restorect-manifest.jsonl"]


def test_the_content_decides_the_format_not_the_name(run: Run, tmp_path: Path) -> None:
    source = photo(tmp_path / "really.png").rename(tmp_path / "wrong.jpg")
    assert run(source, "-o", tmp_path / "out")[0] == 0
    assert files(tmp_path / "out") == ["restorect-manifest.jsonl", "wrong.png"]


def test_json_lines(run: Run, folder: Path, tmp_path: Path) -> None:
    (folder / "text.jpg").write_text("no")
    code, stdout, error = run(folder, "-o", tmp_path / "out", "--json")
    assert (code, error) == (1, "")
    events = [json.loads(line) for line in stdout.splitlines()]
    assert [event["event"] for event in events].count("restored") == 3
    assert events[0] == {"event": "began", "total": 4, "out": str(tmp_path / "out")}
    (failed,) = (event for event in events if event["event"] == "failed")
    assert failed["path"] == str(folder / "text.jpg")
    last = events[-1]
    assert (last["event"], last["restored"], last["exit_code"], last["left"]) == ("finished", 3, 1, 0)
    assert len(last["failures"]) == 1


@pytest.mark.parametrize(
    "options",
    [
        *(
            ["--brightness", "3.5"],
            ["--brightness", "nan"],
            ["--strength", "2"],
            ["--samples", "0"],
            ["--format", "heic"],
            ["--format", "doc"],
            ["--threads", "0"],
        ),
        *(["--format", "jpeg", "--bit-depth", "16"], ["--format", "jpg", "--lossless"], ["--bit-depth", "12"]),
        ["--name-template", ""],
        *(["--name-template", "../{stem}"], ["--suffix", "/../x"], ["--suffix", "a", "--name-template", "{stem}"]),
        *(["--task", "fog"], ["--no-such-option"], ["--subsampling", "1:1:1"], ["--page", "-1"]),
    ],
    ids=" ".join,
)
def test_usage_errors_end_with_2_before_any_work(run: Run, folder: Path, tmp_path: Path, options: list[str]) -> None:
    code, stdout, error = run(folder, "-o", tmp_path / "out", *options)
    assert (code, stdout) == (2, "")
    assert "Traceback" not in error
    assert not list(tmp_path.glob("out/*.*g"))


def test_wrong_places(run: Run, folder: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in folder.glob("*.*")}
    for out, words in {
        folder: "an input would be replaced",
        folder / "a.png": "is a photo's name",
        folder / "a.png" / "out": "folder",
        tmp_path / "new.jpg": "is a photo's name",
        Path("/proc/nowhere"): "cannot be made",
    }.items():
        code, _, error = run(folder, "-o", out)
        assert code == 2, out
        assert words in error
        assert len(error.splitlines()) == 1
    other = photo(tmp_path / "other" / "a.png")
    code, _, error = run(folder, other, "-o", tmp_path / "out")
    assert code == 2
    assert "several photos would become one file" in error
    assert before == {path: path.read_bytes() for path in folder.glob("*.*")}
    assert run("-o", tmp_path / "out")[0] == 2
    assert run(folder)[0] == 2


def test_a_folder_without_photos(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    code, _, error = run(tmp_path / "in", "-o", tmp_path / "out", "-q")
    assert code == 1
    assert (
        error
        == f"failed: {tmp_path}/in: holds no photographs; give another folder, or --recursive if they lie deeper\n"
    )


def test_too_many_megapixels(run: Run, folder: Path, tmp_path: Path) -> None:
    code, _, error = run(folder / "a.png", "-o", tmp_path / "out", "-q", "--max-megapixels", "0.0001")
    assert code == 1
    assert "--max-megapixels" in error


def test_strange_names_stay_on_their_line(run: Run, tmp_path: Path) -> None:
    names = ["two\nlines.png", "moon🌙 [red]x[bold].png", "-o.png", "é" * 125 + ".png"]
    (tmp_path / "in").mkdir()
    for name in names:
        photo(tmp_path / "x.png").rename(tmp_path / "in" / name)
    code, _, error = run(tmp_path / "in", "-o", tmp_path / "out")
    assert code == 0
    assert len(error.splitlines()) == 5
    assert set(names) <= set(files(tmp_path / "out"))


def test_a_leading_dash_after_two_dashes(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo(tmp_path / "x.png").rename(tmp_path / "-x.png")
    monkeypatch.chdir(tmp_path)
    assert run("-o", "out", "--", "-x.png")[0] == 0
    assert files(tmp_path / "out") == ["-x.png", "restorect-manifest.jsonl"]


def test_from_pipe_to_pipe(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = photo(tmp_path / "a.png").read_bytes()

    class Input:
        buffer = io.BytesIO(data)

    monkeypatch.setattr(sys, "stdin", Input)
    assert run("-", "-o", "-", "--task", "low-light")[2] == ""
    Input.buffer.seek(0)
    code, stdout, error = run("-", "-o", "-")
    assert (code, error) == (0, "restorect: stdin: low-light, 88% sure\n")
    result = cv2.imdecode(np.frombuffer(stdout.encode("latin-1"), np.uint8), cv2.IMREAD_COLOR)
    expected = np.sqrt(pixels_of(tmp_path / "a.png") / 255.0) * 255
    assert np.abs(result - expected).max() <= 0.51


def test_pipes_in_other_ways(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = photo(tmp_path / "a.png")

    class Input:
        buffer = io.BytesIO(source.read_bytes())

    monkeypatch.setattr(sys, "stdin", Input)
    assert run("-", "-o", tmp_path / "out")[0] == 0
    assert files(tmp_path / "out") == ["restorect-manifest.jsonl", "stdin.png"]
    code, stdout, _ = run(source, "-o", "-", "--format", "jpeg")
    assert code == 0
    assert stdout.startswith("\xff\xd8\xff")
    assert run(source, source, "-o", "-")[0] == 2
    assert run(source, "-o", "-", "--samples", 2)[0] == 2
    code, stdout, error = run(tmp_path / "none.png", "-o", "-")
    assert (code, stdout) == (1, "")
    assert error.startswith(f"failed: {tmp_path}/none.png: ")
    assert len(error.splitlines()) == 1


def test_what_a_format_cannot_hold_is_told_beside_a_pipe_too(run: Run, tmp_path: Path) -> None:
    source = photo(tmp_path / "alpha.png", shape=(24, 32, 4))
    code, stdout, error = run(source, "-o", "-", "--format", "jpeg")
    assert (code, stdout[:3]) == (0, "\xff\xd8\xff")
    assert f"restorect: {source}: its transparency is not kept: jpeg has none\n" in error
    assert run(source, "-o", "-", "--format", "jpeg", "--quiet")[2] == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize("side", [4, 200])  # within a write buffer, and beyond it
def test_a_full_disk_behind_standard_output_is_one_line(tmp_path: Path, side: int) -> None:
    source = photo(tmp_path / "a.png", shape=(side, side, 3))
    command = [sys.executable, str(PROGRAM), "restore", str(source), "-o", "-", "--quiet"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert done.returncode == 1
    assert done.stderr.startswith("failed: standard output: the disk is full")
    assert len(done.stderr.splitlines()) == 1


def test_a_reader_that_has_had_enough_is_no_traceback(tmp_path: Path) -> None:
    source = photo(tmp_path / "a.png", shape=(200, 200, 3))
    command = [sys.executable, str(PROGRAM), "restore", str(source), "-o", "-", "--quiet"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    assert running.stderr.read() == b""
    assert running.wait(timeout=900) == 1


def test_a_memory_that_is_too_small(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from restorect.infer.batch import memory
    from restorect.infer.batch import run as batch_run

    source = photo(tmp_path / "a.png", shape=(200, 300, 3))
    tight = lambda: memory.MemoryBudget(lambda: 5_000_000)  # noqa: E731
    monkeypatch.setattr(batch_run, "MemoryBudget", tight)
    code, _, error = run(source, "-o", tmp_path / "out", "-q")
    assert code == 1
    assert "MB of memory" in error


def process(*arguments: object, seconds: float = 0.0, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), "restore", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT | {"SECONDS_A_PHOTO": str(seconds)} | environment,
    )


def test_ctrl_c_and_a_second_command_in_real_processes(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    gate = tmp_path / "gate"
    first = process(folder, "-r", "-o", out, GO_ON_WHEN=str(gate))
    assert first.stderr is not None
    assert "[1/5]" in first.stderr.readline()
    second = process(folder, "-r", "-o", out)
    _, error = second.communicate(timeout=900)
    assert second.returncode == 2
    assert f"process {first.pid}" in error
    assert len(error.splitlines()) == 1
    first.send_signal(signal.SIGINT)
    told = [first.stderr.readline()]
    while "stopping after the current photo" not in told[-1]:
        assert told[-1], told
        told.append(first.stderr.readline())
    gate.touch()
    _, error = first.communicate(timeout=900)
    assert first.returncode == 130
    assert "give the same command again to go on" in error.splitlines()[-1]
    assert "Traceback" not in error
    third = process(folder, "-r", "-o", out)
    _, error = third.communicate(timeout=900)
    assert third.returncode == 0
    assert "done before" in error.splitlines()[-1]
    assert len(files(out)) == 6


def test_a_terminal_gets_a_bar_and_its_cursor_back(folder: Path, tmp_path: Path) -> None:
    (folder / "bad [red].jpg").write_text("no photo")
    wait = {"GO_ON_WHEN": str(tmp_path / "never")}  # all but the first photo
    for options, sends, more in (([], 0, {}), (["--force"], 2, wait)):
        controller, terminal = pty.openpty()
        running = subprocess.Popen(
            [sys.executable, str(PROGRAM), "restore", str(folder), "-o", str(tmp_path / "out"), *options],
            stdout=subprocess.DEVNULL,
            stderr=terminal,
            env=ENVIRONMENT | {"SECONDS_A_PHOTO": "0.4", "TERM": "xterm", "COLUMNS": "120"} | more,
        )
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):  # the terminal closes with the process
            while part := os.read(controller, 4096):
                shown += part
                if sends and b"MP/s" in shown:
                    running.send_signal(signal.SIGINT)
                    sends -= 1
        os.close(controller)
        text = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())  # without colours
        assert "/4 photos" in text
        assert "MP/s" in text
        assert "bad [red].jpg: is not a photo" in text
        assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor stays hidden"
        assert running.wait() == (130 if options else 1)


def test_kills_of_the_whole_command(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for wait in (0.6, 0.9, 1.2, 1.5, 2.0):
        running = process(folder, "-r", "-o", out, seconds=0.3)
        time.sleep(wait)
        running.kill()
        running.communicate()
        for name in files(out):
            assert name.endswith("jsonl") or pixels_of(out / name).shape == (24, 32, 3)
    last = process(folder, "-r", "-o", out)
    assert last.communicate(timeout=900)[0] == ""
    assert last.returncode == 0
    assert len(files(out)) == 6
    assert not list(out.rglob("*.part"))


def test_names_and_notes_follow_the_card_of_given_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from notes import read_note
    from restorect.files import file_hash
    from restorect.images.read import read_photo
    from restorect.nets.checkpoint import save_checkpoint
    from restorect.nets.presets import student_preset
    from restorect.nets.stem import FoldedStem
    from restorect.render.checkpoint import restoration_card
    from restorect.render.restoration import Restoration, RestorationConfig

    weights = tmp_path / "mine.safetensors"
    config = RestorationConfig(student=student_preset("nano"))
    torch.manual_seed(0)
    restoration = Restoration(config)
    stem = restoration.student.transformer.stem
    assert isinstance(stem, FoldedStem)
    # Untrained samples hardly differ; the rounding to 8 bit would decide which is darker.
    torch.nn.init.normal_(stem.tone.second.weight, std=0.1)
    save_checkpoint(weights, restoration, restoration_card(config, task="underwater", preset="nano"))
    arguments = ["restore", photo(tmp_path / "a.png"), "-o", tmp_path / "out", "--weights", weights, "--samples", "2"]
    template = ["--name-template", "{stem}-{task}-{size}"]
    monkeypatch.setattr(sys, "argv", ["restorect", *map(str, arguments), *template])
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == 0
    names = ["a-underwater-nano-1.png", "a-underwater-nano-2.png"]
    assert files(tmp_path / "out") == [*names, "restorect-manifest.jsonl"]
    dark, bright = (read_photo(tmp_path / "out" / name) for name in names)
    assert dark.pixels.mean() < bright.pixels.mean() - 1
    note = read_note(dark.metadata.xmp)
    assert (note["task"], note["model"], note["weights"]) == ("underwater", "nano", file_hash(weights))
    assert note["steps"] == str(config.student.steps)


def test_a_bomb_is_refused_by_the_limit_in_its_header(run: Run, tmp_path: Path) -> None:
    bomb = bytearray(photo(tmp_path / "bomb.png").read_bytes())
    bomb[16:24] = (40000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4, "big")
    (tmp_path / "bomb.png").write_bytes(bomb)
    code, _, error = run(tmp_path / "bomb.png", "-o", tmp_path / "out", "--quiet")
    assert code == 1
    assert "40000 x 40000 pixels (1600.0 megapixels), over the limit of 500: raise --max-megapixels" in error
    code, _, error = run(tmp_path / "bomb.png", "-o", tmp_path / "out", "--quiet", "--max-megapixels", "2000")
    assert code == 1
    assert "decompression bomb" in error
