"""Judging a set: what is computed, in which order, how often, and what happens to what cannot be judged."""

import json
import shutil
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import torch
from evaluate_makers import dark, picture, save, write_set

from restorect.errors import ConfigError, DataError
from restorect.evaluate.cases import Case, paired, with_outputs
from restorect.evaluate.journal import Journal, Result
from restorect.evaluate.judge import Ruler, evaluate, look
from restorect.evaluate.methods import Method, baseline_method, outputs_method
from restorect.evaluate.protocols import find_protocol
from restorect.evaluate.scores import load_measure
from restorect.metrics.psnr import psnr
from restorect.metrics.registry import METRICS

RULER = Ruler(
    protocol=find_protocol("rgb-full"), measures=(load_measure(METRICS["psnr"]), load_measure(METRICS["ssim"]))
)


class Counting:
    """A method that brightens, and counts how often it is asked."""

    def __init__(self, gain: float = 4.0) -> None:
        self.calls, self.gain, self._lock = 0, gain, threading.Lock()

    def method(self, identity: str = "one") -> Method:
        return Method(name="brighter", identity=identity, restore=self._restore)

    def _restore(self, image: np.ndarray) -> np.ndarray:
        with self._lock:
            self.calls += 1
        return image * np.float32(self.gain)


@pytest.fixture
def cases(tmp_path: Path) -> list[Case]:
    root = write_set(tmp_path / "set", ["a", "b", "c", "d"])
    return paired(root / "low", root / "high")


def run(cases: list[Case], method: Method, folder: Path, **options: object) -> list[Result]:
    folder.mkdir(exist_ok=True)
    return evaluate(cases, method, RULER, Journal(folder / "journal.jsonl"), **options)  # type: ignore[arg-type]


def test_the_output_is_judged_as_it_would_be_written(cases: list[Case], tmp_path: Path) -> None:
    (first, *_) = run(cases, Counting(3.999).method(), tmp_path / "out")
    low, high = dark(picture(0)), picture(0)
    written = np.round((low * 3.999).clip(0, 255)) / 255
    tensors = [torch.from_numpy(x.transpose(2, 0, 1))[None].float() for x in (written, high / 255)]
    assert first.scores["psnr"] == pytest.approx(float(psnr(*tensors)), abs=1e-4)
    assert (first.name, first.width, first.height, first.error) == ("a", 32, 24, "")
    assert first.seconds is not None
    assert first.seconds > 0


def test_workers_change_nothing_but_the_time(cases: list[Case], tmp_path: Path) -> None:
    alone = run(cases, baseline_method("clahe"), tmp_path / "one")
    together = run(cases, baseline_method("clahe"), tmp_path / "three", workers=3)
    assert [(r.name, r.key, r.scores) for r in alone] == [(r.name, r.key, r.scores) for r in together]


def test_what_is_done_is_not_done_again(cases: list[Case], tmp_path: Path) -> None:
    counting = Counting()
    first = run(cases, counting.method(), tmp_path / "out")
    assert run(cases, counting.method(), tmp_path / "out") == first
    assert counting.calls == 4
    run(cases, counting.method("another"), tmp_path / "out")
    assert counting.calls == 8


def test_a_renamed_photo_is_known_and_a_changed_one_is_not(cases: list[Case], tmp_path: Path) -> None:
    counting = Counting()
    run(cases, counting.method(), tmp_path / "out")
    root = tmp_path / "set"
    for folder in ("low", "high"):
        (root / folder / "a.png").rename(root / folder / "z.png")
    save(root / "high" / "b.png", picture(7))
    results = run(paired(root / "low", root / "high"), counting.method(), tmp_path / "out")
    assert counting.calls == 5
    assert [r.name for r in results] == ["b", "c", "d", "z"]


def test_a_stopped_run_goes_on(cases: list[Case], tmp_path: Path) -> None:
    counting = Counting()

    def stop(done: int, total: int, stage: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(cases, counting.method(), tmp_path / "out", on_progress=stop)
    before = counting.calls
    kept = len((tmp_path / "out" / "journal.jsonl").read_text().splitlines())
    assert kept == 2
    assert len(run(cases, counting.method(), tmp_path / "out")) == 4
    assert counting.calls == before + 4 - kept


def test_a_line_cut_short_and_a_foreign_line_are_dropped(cases: list[Case], tmp_path: Path) -> None:
    counting = Counting()
    run(cases, counting.method(), tmp_path / "out")
    path = tmp_path / "out" / "journal.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], '{"colour": 3}', "[]", lines[2][: len(lines[2]) // 2]]))
    assert len(run(cases, counting.method(), tmp_path / "out")) == 4
    assert counting.calls == 6
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 4


def test_progress_is_told_after_each(cases: list[Case], tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    run(cases, Counting().method(), tmp_path / "out", on_progress=lambda *now: told.append(now))
    assert told == [(number, 4, "brighter") for number in (1, 2, 3, 4)]


def test_what_cannot_be_judged_has_a_reason_and_is_tried_again(cases: list[Case], tmp_path: Path) -> None:
    data = (tmp_path / "set/low/b.png").read_bytes()
    (tmp_path / "set/low/b.png").write_bytes(data[: len(data) // 2])
    counting = Counting()
    results = run(cases, counting.method(), tmp_path / "out")
    assert [bool(r.error) for r in results] == [False, True, False, False]
    assert "b.png" in results[1].error
    assert results[1].scores == {}
    (tmp_path / "set/low/b.png").write_bytes(data)
    assert not any(r.error for r in run(cases, counting.method(), tmp_path / "out"))
    assert counting.calls == 4


def test_nan_in_a_photo_is_named_and_counted(tmp_path: Path) -> None:
    pixels = picture(0).astype(np.float32) / 255
    tifffile.imwrite(tmp_path / "high.tif", pixels, photometric="rgb")
    pixels[0, 0], pixels[3, 3, 1] = np.nan, np.inf
    tifffile.imwrite(tmp_path / "low.tif", pixels, photometric="rgb")
    case = Case(name="a", low=tmp_path / "low.tif", high=tmp_path / "high.tif")
    (result,) = run([case], Counting().method(), tmp_path / "out")
    assert "low.tif: 4 values are NaN or infinite" in result.error


def test_nan_from_a_method_is_named_and_counted(cases: list[Case], tmp_path: Path) -> None:
    def broken(image: np.ndarray) -> np.ndarray:
        output = image.copy()
        output[0, :2, 0] = np.nan
        return output

    results = run(cases, Method(name="broken", identity="", restore=broken), tmp_path / "out")
    assert {r.error for r in results} == {"the method gave 2 values that are NaN or infinite"}


def test_transparent_pixels_are_refused(tmp_path: Path) -> None:
    rgba = np.dstack([picture(0), np.full((24, 32), 255, np.uint8)])
    rgba[0, :3, 3] = 0
    cv2.imwrite(str(tmp_path / "a.png"), rgba)
    with pytest.raises(DataError, match=r"a.png: 3 pixels are fully transparent"):
        look(Case(name="a", low=tmp_path / "a.png"), Counting().method())


def test_a_method_that_changes_the_size_is_refused(cases: list[Case], tmp_path: Path) -> None:
    cropping = Method(name="crop", identity="", restore=lambda image: image[1:])
    assert all("does not fit" in r.error for r in run(cases, cropping, tmp_path / "out"))


def test_finished_outputs_are_read_and_the_degraded_photo_does_not_matter(cases: list[Case], tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    shutil.copytree(tmp_path / "set" / "high", folder)
    theirs = outputs_method(folder)
    results = run(with_outputs(cases, folder), theirs, tmp_path / "out")
    assert theirs.name == "theirs"
    assert [(r.scores["psnr"], r.seconds) for r in results] == [(100.0, None)] * 4
    bare = [Case(name=case.name, high=case.high) for case in cases]
    assert [r.key for r in run(with_outputs(bare, folder), theirs, tmp_path / "out")] == [r.key for r in results]


def test_an_image_too_small_for_a_metric_is_told(tmp_path: Path) -> None:
    root = tmp_path / "set"
    save(root / "low" / "a.png", picture(0, 8, 8))
    save(root / "high" / "a.png", picture(1, 8, 8))
    (result,) = run(paired(root / "low", root / "high"), Counting().method(), tmp_path / "out")
    assert "at least 11x11" in result.error


def test_no_workers_is_a_mistake(cases: list[Case], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="workers is 0"):
        run(cases, Counting().method(), tmp_path / "out", workers=0)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").mkdir()
    with pytest.raises(DataError, match=r"cannot be written .* give another --out"):
        Journal(tmp_path / "journal.jsonl")


def test_an_unknown_baseline() -> None:
    with pytest.raises(ConfigError, match="baseline 'magic' is unknown; choose of input, gamma"):
        baseline_method("magic")
