"""The versions on a sheet are what their captions say; on a small random network."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from restorect.images.curves import decode_srgb
from restorect.infer.options import Options
from restorect.infer.restorer import Restorer
from restorect.infer.sheet.cells import Cell, rows_of, shrunk
from restorect.nets.checkpoint import Card
from restorect.nets.presets import student_preset
from restorect.render.fusion import FusionConfig
from restorect.render.restoration import Restoration, RestorationConfig
from restorect.render.step import StepConfig


def restorer(*after: StepConfig) -> Restorer:
    torch.manual_seed(0)
    network = Restoration(RestorationConfig(student=student_preset("nano"), after=after))
    torch.nn.init.normal_(network.student.transformer.stem.output.weight, std=0.2)
    return Restorer(network, Card(kind="student", task="low-light", preset="nano"), "random", torch.device("cpu"))


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).uniform(0.1, 0.6, (24, 36, 3)).astype(np.float32)


def flat(rows: Iterator[list[Cell]]) -> dict[str, np.ndarray]:
    return {cell.caption: cell.pixels for row in rows for cell in row}


def test_each_caption_is_the_option_that_gives_its_picture(picture: np.ndarray) -> None:
    ours = restorer(FusionConfig())
    cells = flat(rows_of(ours, picture, seed=7))

    def whole_numbers(image: np.ndarray) -> np.ndarray:
        return np.rint(image.clip(0, 1) * 255).astype(np.uint8)

    expected = {"as it came": whole_numbers(picture)}
    expected |= {
        f"--strength {n}": whole_numbers(ours(picture, seed=7, strength=float(n))) for n in ("0.5", "0.75", "1")
    }
    expected |= {
        f"--style {style}": whole_numbers(ours(picture, seed=7, style=style)) for style in ("natural", "reference")
    }
    expected |= {
        f"--brightness {n}": whole_numbers(ours(picture, seed=7, brightness=float(n))) for n in ("-1", "0", "1")
    }
    samples = ours.restore(picture, Options(samples=3, seed=7)).images
    expected |= {f"--samples 3: NAME-{n}": whole_numbers(image) for n, image in enumerate(samples, start=1)}
    assert list(cells) == list(expected)
    for caption, pixels in cells.items():
        assert np.array_equal(pixels, expected[caption]), caption
    distinct = {pixels.tobytes() for pixels in cells.values()}
    assert len(distinct) == len(cells) - 3, "strength 1, style natural, brightness 0 and the sample of seed 7 are one"


def test_each_restoration_is_made_once(picture: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, asked = restorer(FusionConfig()), list[Options]()
    plain = ours.restore
    monkeypatch.setattr(ours, "restore", lambda image, options: asked.append(options) or plain(image, options))
    assert len(flat(rows_of(ours, picture))) == 12
    assert len(asked) == len(set(asked)) == 7


def test_styles_that_are_one_have_no_row(picture: np.ndarray) -> None:
    rows = list(rows_of(restorer(), picture))
    assert [len(row) for row in rows] == [4, 3, 3]
    assert not any("style" in cell.caption for row in rows for cell in row)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((600, 900), (320, 480)), ((900, 600), (480, 320)), ((200, 3000), (32, 480)), ((1, 5000), (1, 480))],
)
def test_large_pictures_are_shrunk_into_the_square(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    small = shrunk(np.full((*shape, 3), 0.5, np.float32), 480)
    assert small.shape == (*expected, 3)
    np.testing.assert_allclose(small, 0.5, atol=1e-5)


def test_small_ones_stay_and_light_is_kept() -> None:
    chance = np.random.default_rng(1)
    for shape in ((1, 1, 3), (480, 100, 3)):
        picture = chance.random(shape, np.float32)
        assert shrunk(picture, 480) is picture
    picture = chance.random((40, 60, 3), np.float32) * 1.4 - 0.2
    small = shrunk(picture, 30)
    blocks = decode_srgb(picture).reshape(20, 2, 30, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(decode_srgb(small), blocks, atol=1e-5)
