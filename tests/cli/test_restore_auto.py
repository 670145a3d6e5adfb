"""`restorect restore` choosing for each photo, maps of uncertainty, and the words on retinas."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from restore_program import Run

from notes import read_note
from restorect.images.read import read_photo

NOTICE = "not for diagnosis"


def photo(path: Path, *bgr: int, dtype: type = np.uint8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 9, (24, 32, 3))
    assert cv2.imwrite(str(path), (noise + np.array(bgr)).astype(dtype))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photo(tmp_path / "in" / "dark.png", 30, 30, 30)
    photo(tmp_path / "in" / "good.jpg", 180, 180, 180)
    photo(tmp_path / "in" / "good.png", 180, 180, 180)
    return tmp_path / "in"


def manifest(out: Path) -> dict[str, dict]:
    lines = [json.loads(line) for line in (out / "restorect-manifest.jsonl").read_text().splitlines()]
    return {Path(line["input"]).name: line for line in lines if line["status"] == "done"}


def test_each_photo_gets_what_it_needs_and_good_ones_stay_byte_for_byte(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, stdout, error = run(folder, "-o", out)
    assert (code, stdout) == (0, "")
    lines = {line.split(" -> ")[0].rpartition("/")[2]: line for line in error.splitlines()}
    assert lines["dark.png"].endswith("low-light, 88% sure")
    assert lines["good.jpg"].endswith("nothing to restore, 88% sure")
    assert "1 restored, 2 good already and copied" in error.splitlines()[-1]
    for name in ("good.jpg", "good.png"):
        assert (out / name).read_bytes() == (folder / name).read_bytes()
    assert (out / "dark.png").read_bytes() != (folder / "dark.png").read_bytes()
    note = read_note(read_photo(out / "dark.png").metadata.xmp)
    assert (note["task"], note["confidence"], note["steps"]) == ("low-light", "0.875", "4")
    noted = manifest(out)
    assert (noted["dark.png"]["task"], noted["dark.png"]["confidence"]) == ("low-light", 0.875)
    assert noted["good.jpg"]["task"] == "none"


def test_a_doubtful_photo_is_restored_with_half_of_the_strength(run: Run, tmp_path: Path) -> None:
    out, dusk = tmp_path / "out", photo(tmp_path / "dusk.png", 88, 88, 88)
    code, stdout, _ = run(dusk, "-o", out, "--json", "--strength", "0.6")
    assert code == 0
    (event,) = (e for e in map(json.loads, stdout.splitlines()) if e["event"] == "restored")
    assert (event["task"], event["mild"]) == ("low-light", True)
    assert manifest(out)["dusk.png"]["mild"]
    assert read_note(read_photo(out / "dusk.png").metadata.xmp)["strength"] == "0.3"
    assert "low-light, 88% sure, mildly" in run(dusk, "-o", tmp_path / "other")[2]


def test_a_second_run_does_nothing_and_a_given_task_does_all_again(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(folder, "-o", out)
    assert "3 done before" in run(folder, "-o", out)[2].splitlines()[-1]
    (out / "good.jpg").unlink()
    assert "1 good already and copied, 2 done before" in run(folder, "-o", out)[2].splitlines()[-1]
    assert "3 restored" in run(folder, "-o", out, "--task", "low-light")[2].splitlines()[-1]
    assert (out / "good.jpg").read_bytes() != (folder / "good.jpg").read_bytes()
    assert "confidence" not in read_note(read_photo(out / "dark.png").metadata.xmp)


def test_a_good_photo_in_another_shape_is_written_anew(run: Run, folder: Path, tmp_path: Path) -> None:
    for options in (["--format", "tiff"], ["--strip-metadata"], ["--bit-depth", "16"]):
        out = tmp_path / options[0]
        assert run(folder / "good.png", "-o", out, *options)[0] == 0
        (written,) = (path for path in out.iterdir() if path.suffix in (".png", ".tif", ".tiff"))
        assert written.read_bytes() != (folder / "good.png").read_bytes()
        pixels = cv2.imread(str(written), cv2.IMREAD_UNCHANGED)
        scale = 257 if pixels.dtype == np.uint16 else 1
        np.testing.assert_array_equal(pixels, cv2.imread(str(folder / "good.png")).astype(np.uint16) * scale)
    note = read_note(read_photo(next((tmp_path / "--format").glob("*.tif*"))).metadata.xmp)
    assert note["task"] == "none"
    assert "weights" not in note


def test_missing_weights_fail_that_photo_only_and_name_the_task(run: Run, folder: Path, tmp_path: Path) -> None:
    photo(folder / "sea.png", 90, 40, 10)
    code, stdout, _ = run(folder, "-o", tmp_path / "out", "--json")
    assert code == 1
    events = [json.loads(line) for line in stdout.splitlines()]
    restored = {Path(e["path"]).name: (e["task"], e["confidence"]) for e in events if e["event"] == "restored"}
    assert restored == {"dark.png": ("low-light", 0.875), "good.jpg": ("none", 0.875), "good.png": ("none", 0.875)}
    (failed,) = (e for e in events if e["event"] == "failed")
    assert "underwater" in failed["reason"]
    assert (events[-1]["restored"], events[-1]["unchanged"]) == (3, 2)


def test_samples_of_a_good_photo_are_copies(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(folder / "good.png", "-o", out, "--samples", 2, "--uncertainty")[0] == 0
    for name in ("good-1.png", "good-2.png"):
        assert (out / name).read_bytes() == (folder / "good.png").read_bytes()
    assert not cv2.imread(str(out / "good-uncertainty.png"), cv2.IMREAD_UNCHANGED).any()


def test_maps_of_uncertainty(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(folder / "dark.png", "-o", out, "--uncertainty", "--bit-depth", 8, "--format", "jpeg")[0] == 0
    values = cv2.imread(str(out / "dark-uncertainty.png"), cv2.IMREAD_UNCHANGED)
    assert (values.dtype, values.shape) == (np.uint16, (24, 32))
    assert (values == round(0.125 / 0.5 * 65535)).all()
    assert list(manifest(out)["dark.png"]["outputs"]) == ["dark.jpg", "dark-uncertainty.png"]
    assert "white (65535) is 0.5" in dict(read_photo(out / "dark-uncertainty.png").metadata.text)["Description"]
    again = ["--uncertainty", "--bit-depth", 8, "--format", "jpeg"]
    assert "1 done before" in run(folder / "dark.png", "-o", out, *again)[2].splitlines()[-1]
    (out / "dark-uncertainty.png").unlink()
    assert "1 restored" in run(folder / "dark.png", "-o", out, *again)[2].splitlines()[-1]
    assert (out / "dark-uncertainty.png").is_file()


def test_the_map_of_written_samples_is_their_own_spread(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(folder / "dark.png", "-o", out, "--samples", 3, "--uncertainty", "--bit-depth", 16)[0] == 0
    samples = [cv2.imread(str(out / f"dark-{k}.png"), cv2.IMREAD_UNCHANGED) / 65535 for k in (1, 2, 3)]
    expected = np.sqrt(np.stack(samples).var(axis=0).mean(axis=-1)) / 0.5
    values = cv2.imread(str(out / "dark-uncertainty.png"), cv2.IMREAD_UNCHANGED) / 65535
    np.testing.assert_allclose(values, expected, atol=1e-4)
    assert values.max() > 0.01


def test_a_map_collides_with_nothing(run: Run, folder: Path, tmp_path: Path) -> None:
    photo(folder / "dark-uncertainty.png", 30, 30, 30)
    code, _, error = run(folder, "-o", tmp_path / "out", "--uncertainty")
    assert code == 2
    assert "several photos would become one file" in error
    assert not (tmp_path / "out").exists()
    assert run(folder / "dark.png", "-o", "-", "--uncertainty")[0] == 2


def test_retinas_come_with_a_word_once(run: Run, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        photo(tmp_path / "in" / name, 10, 30, 120)
    _, _, error = run(tmp_path / "in", "-o", tmp_path / "out")
    assert error.count(NOTICE) == 1
    _, stdout, error = run(tmp_path / "in", "-o", tmp_path / "out", "--task", "fundus", "--json")
    assert [json.loads(line)["event"] for line in stdout.splitlines()].count("notice") == 1
    assert error == ""
    assert NOTICE not in run(tmp_path / "in", "-o", tmp_path / "other", "--task", "low-light")[2]
    assert run(tmp_path / "in", "-o", tmp_path / "quiet", "--quiet")[2].count(NOTICE) == 1


def test_fast_mode_is_no_earlier_run_and_nothing_for_retinas(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With shipped networks, on files of two sizes; the limit of a megapixel is set lower."""
    from restorect.auto.decision import Decision
    from restorect.infer.auto_restorer import AutoRestorer
    from restorect.infer.load import load
    from restorect.render import small

    monkeypatch.setattr(small, "_PIXELS", 24 * 32)
    monkeypatch.setattr("restorect.load", load)
    monkeypatch.setattr(
        AutoRestorer,
        "decide",
        lambda self, image: Decision(task="fundus" if image[..., 0].mean() > 0.5 else "low-light", confidence=0.875),
    )
    dark, retina, out = tmp_path / "dark.png", photo(tmp_path / "retina.png", 9, 9, 180), tmp_path / "out"
    ramp = np.linspace(5, 60, 90).astype(np.uint8)[:, None, None]
    assert cv2.imwrite(str(dark), np.broadcast_to(ramp, (90, 70, 3)).copy())
    command = (dark, "-o", out, "--size", "nano")
    assert run(*command)[0] == 0
    full = cv2.imread(str(out / "dark.png"))
    assert "1 done before" in run(*command)[2]
    assert "1 restored" in run(*command, "--fast")[2]
    quick = read_photo(out / "dark.png")
    assert read_note(quick.metadata.xmp)["fast"] == "yes"
    away = np.abs(quick.pixels[..., ::-1].astype(int) - full).mean()
    assert 0 < away < 8
    assert "1 done before" in run(*command, "--fast")[2]
    assert "1 restored" in run(*command)[2]
    code, _, error = run(dark, retina, "-o", tmp_path / "two", "--size", "nano", "--fast")
    assert code == 1
    told = [line for line in error.splitlines() if "fast mode is not for photos of retinas" in line]
    assert told
    assert all(f"{retina}: fast mode" in line for line in told)
    assert (tmp_path / "two" / "dark.png").exists()
    assert not (tmp_path / "two" / "retina.png").exists()


def test_fast_mode_of_the_task_of_retinas_is_wrong_usage(run: Run, folder: Path, tmp_path: Path) -> None:
    code, out, error = run(folder, "-o", tmp_path / "out", "--task", "fundus", "--fast")
    assert (code, out) == (2, "")
    assert error == "restorect: fast mode is not for photos of retinas: their finest detail matters; leave it out\n"
    assert not (tmp_path / "out").exists()
