from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from restorect.data.degrade.make_pairs import PairOutcome, pair_generator, write_pairs
from restorect.data.degrade.simulator import Degraded
from restorect.errors import DataError


def _noise(image: torch.Tensor, generator: torch.Generator) -> Degraded:
    low = (0.5 * image + 0.1 * torch.rand(image.shape, generator=generator)).clamp(0, 1)
    return Degraded(low, image)


def _photo(path: Path, size: tuple[int, int] = (20, 14), seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def _run(photos: list[Path], out: Path, **options: int) -> list[PairOutcome]:
    return list(write_pairs(photos, out, _noise, **options))  # type: ignore[arg-type]


def test_pairs_share_stem_and_size(tmp_path: Path) -> None:
    photo = _photo(tmp_path / "in" / "a.b.png")
    (outcome,) = _run([photo], tmp_path / "out")
    assert outcome.error is None
    assert outcome.written == (tmp_path / "out/low/a.b.png", tmp_path / "out/high/a.b.png")
    low, high = (np.asarray(Image.open(file)) for file in outcome.written)
    assert low.shape == high.shape == (14, 20, 3)
    assert np.array_equal(high, np.asarray(Image.open(photo)))
    assert sorted(file.name for file in (tmp_path / "out/low").iterdir()) == ["a.b.png"]


def test_pairs_do_not_depend_on_order_or_company(tmp_path: Path) -> None:
    photos = [_photo(tmp_path / "in" / f"{name}.png", seed=index) for index, name in enumerate("abc")]
    _run(photos, tmp_path / "all")
    _run([photos[2], photos[0]], tmp_path / "some")
    for name in "ac":
        one, other = (tmp_path / run / "low" / f"{name}.png" for run in ("all", "some"))
        assert one.read_bytes() == other.read_bytes()


def test_seed_name_and_number_change_what_is_drawn() -> None:
    draws = {
        torch.rand((), generator=pair_generator(*key)).item()
        for key in [("a.png", 0, 0), ("b.png", 0, 0), ("a.png", 1, 0), ("a.png", 0, 1), ("a.png", 0, -1)]
    }
    assert len(draws) == 5


def test_count_numbers_the_pairs(tmp_path: Path) -> None:
    (outcome,) = _run([_photo(tmp_path / "a.png")], tmp_path / "out", count=3)
    assert [file.stem for file in outcome.written] == ["a-1", "a-1", "a-2", "a-2", "a-3", "a-3"]
    assert len({file.read_bytes() for file in outcome.written if file.parent.name == "low"}) == 3


def test_existing_pairs_stay_unless_asked(tmp_path: Path) -> None:
    photo = _photo(tmp_path / "a.png")
    _run([photo], tmp_path / "out")
    before = (tmp_path / "out/low/a.png").read_bytes()
    (outcome,) = _run([photo], tmp_path / "out", seed=1)
    assert outcome.error is not None
    assert "--force" in outcome.error
    assert (tmp_path / "out/low/a.png").read_bytes() == before
    (outcome,) = _run([photo], tmp_path / "out", seed=1, overwrite=True)
    assert outcome.error is None
    assert (tmp_path / "out/low/a.png").read_bytes() != before


def test_a_photo_is_never_overwritten(tmp_path: Path) -> None:
    photo = _photo(tmp_path / "high" / "a.png")
    before = photo.read_bytes()
    (outcome,) = _run([photo], tmp_path, overwrite=True)
    assert outcome.error is not None
    assert "itself" in outcome.error
    assert photo.read_bytes() == before


def test_bad_photos_do_not_stop_the_rest(tmp_path: Path) -> None:
    good = _photo(tmp_path / "good.jpg", (200, 150))
    cut, empty, text, twin = (tmp_path / name for name in ("cut.jpg", "empty.jpg", "text.jpg", "good.png"))
    cut.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    empty.touch()
    text.write_text("hello")
    _photo(twin)
    outcomes = _run([cut, empty, text, good, twin], tmp_path / "out")
    assert [outcome.error is None for outcome in outcomes] == [False, False, False, True, False]
    for outcome in outcomes:
        if outcome.error is not None:
            assert "\n" not in outcome.error
            assert outcome.source.name in outcome.error
    assert [file.name for file in (tmp_path / "out/high").iterdir()] == ["good.png"]


def test_dark_16_bit_photo_keeps_its_light(tmp_path: Path) -> None:
    photo = tmp_path / "deep.png"
    cv2.imwrite(str(photo), np.full((8, 8, 3), 2570, np.uint16))  # 10 of 255
    (outcome,) = _run([photo], tmp_path / "out")
    assert outcome.error is None
    assert np.unique(np.asarray(Image.open(outcome.written[1]))).tolist() == [10]


def test_pairs_are_upright(tmp_path: Path) -> None:
    photo = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20), "red").save(photo, exif=exif)
    (outcome,) = _run([photo], tmp_path / "out")
    assert [Image.open(file).size for file in outcome.written] == [(20, 30), (20, 30)]


def test_out_that_is_a_file(tmp_path: Path) -> None:
    photo = _photo(tmp_path / "a.png")
    with pytest.raises(DataError, match="cannot make"):
        _run([photo], photo)
