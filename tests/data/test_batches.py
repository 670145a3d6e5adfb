"""Batches by position: the images here carry their own coordinates, so that crops tell where they come from."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from restorect.data.batches import Batch, BatchMaker, SamplingConfig, generator_for
from restorect.data.degrade.simulator import Degraded
from restorect.data.pairs import Pair
from restorect.data.store import ImageStore, PairStore
from restorect.errors import ConfigError, DataError
from restorect.train.processes import Processes

CPU = torch.device("cpu")
PAIRS, CLEAN = 5, 3


def _photo(path: Path, number: int, size: tuple[int, int]) -> Path:
    """Red is the row, green the column, blue the number of the photo."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    pixels = np.stack([rows, columns, np.full(size, number)], axis=2).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def _darker(image: Tensor, generator: torch.Generator) -> Degraded:
    """A simulator that leaves a trace: half as bright, with a drawn constant in place of blue."""
    out = image / 2
    out[2] = 0.9 + 0.1 * torch.rand(1, generator=generator)
    return Degraded(out, image)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("photos")
    for n in range(PAIRS):
        size = (100 + 8 * n, 150 - 10 * n)
        _photo(root / "low" / f"{n}.png", 10 + n, size)
        _photo(root / "high" / f"{n}.png", 20 + n, size)
        _photo(root / "fused" / f"{n}.png", 40 + n, size)
    for n in range(CLEAN):
        _photo(root / "clean" / f"{n}.png", 30 + n, (90, 120 - n))
    return root


def _maker(
    folder: Path, *, view: int = 16, seed: int = 0, clean: int = CLEAN, pairs: int = PAIRS, **config: float
) -> BatchMaker:
    real = [
        Pair(str(n), folder / f"low/{n}.png", folder / f"high/{n}.png", folder / f"fused/{n}.png" if n % 2 else None)
        for n in range(pairs)
    ]
    photos = [folder / f"clean/{n}.png" for n in range(clean)]
    sampling = SamplingConfig(**{"region": 64, **config})  # type: ignore[arg-type]
    return BatchMaker(PairStore(real, CPU, 1), ImageStore(photos, CPU, 1), _darker, sampling, view, seed)


def _equal(one: Batch, other: Batch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one[:4], other[:4], strict=True))


def _codes(image: Tensor) -> Tensor:
    return (255 * image).round().long()


def test_a_position_gives_the_same_sample_in_any_order_and_company(folder: Path) -> None:
    positions = list(range(30))
    whole = _maker(folder).batch(positions, 32)
    shuffled = [positions[i] for i in torch.randperm(30, generator=torch.Generator().manual_seed(0))]
    other = _maker(folder)
    for position in shuffled:
        alone = other.batch([position], 32)
        assert _equal(alone, Batch(*(images[position : position + 1] for images in whole[:4])))


def test_positions_and_seeds_differ(folder: Path) -> None:
    maker, other = _maker(folder, seed=0), _maker(folder, seed=1)
    size = len(maker)
    crops = [maker.batch([p], 32).high for p in range(4 * size)] + [other.batch([p], 32).high for p in range(size)]
    assert len({c.numpy().tobytes() for c in crops}) == len(crops)


def test_each_item_comes_once_an_epoch_in_a_fresh_order(folder: Path) -> None:
    maker = _maker(folder)
    assert len(maker) == PAIRS + CLEAN
    epochs = [[maker.item_at(8 * epoch + place) for place in range(8)] for epoch in range(6)]
    assert all(sorted(epoch) == list(range(8)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 6
    other = _maker(folder, seed=1)
    assert [other.item_at(place) for place in range(8)] != epochs[0]
    assert [maker.item_at(p) for p in (41, 3, 17)] == [epochs[5][1], epochs[0][3], epochs[2][1]]


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_the_shares_of_processes_cover_every_position_once(folder: Path, count: int) -> None:
    positions = range(16, 24)
    shares = [Processes(rank, count).share(positions) for rank in range(count)]
    assert sorted(p for share in shares for p in share) == list(positions)
    whole = _maker(folder).batch(positions, 32)
    for share in shares:
        mine = _maker(folder).batch(share, 32)
        assert _equal(mine, Batch(*(images[[p - 16 for p in share]] for images in whole[:4])))


def test_without_turns_up_stays_up(folder: Path) -> None:
    """Red is the row, green the column: rows grow downwards in all of them, columns to either side."""
    ways = set()
    for turn in (True, False):
        crops = _codes(_maker(folder, turn=turn, clean=0).batch(range(20), 32).low)
        down, right = crops[:, 0, -1, 0] - crops[:, 0, 0, 0], crops[:, 1, 0, -1] - crops[:, 1, 0, 0]
        ways |= {(turn, int(d.sign()), int(r.sign())) for d, r in zip(down, right, strict=True)}
    assert {(d, r) for turn, d, r in ways if not turn} == {(1, 1), (1, -1)}
    assert {(d, r) for turn, d, r in ways if turn} > {(1, 1), (-1, -1)}


def test_another_light_changes_the_degraded_photo_only(folder: Path) -> None:
    batch = _maker(folder, contrast=0.5, clean=0, simulate=0.0).batch(range(PAIRS), 32)
    assert set(_codes(batch.high[:, 2]).unique().tolist()) == set(range(20, 20 + PAIRS))
    assert not set(range(10, 10 + PAIRS)) <= set(_codes(batch.low[:, 2]).unique().tolist())


@pytest.mark.parametrize("patch", [32, 64])
def test_shapes_types_and_range(folder: Path, patch: int) -> None:
    batch = _maker(folder).batch(range(8), patch)
    assert batch.low.shape == batch.high.shape == (8, 3, patch, patch)
    assert batch.low_view.shape == batch.high_view.shape == (8, 3, 16, 16)
    for images in batch[:4]:
        assert images.dtype == torch.float32
        assert 0 <= images.min()
        assert images.max() <= 1


def test_crops_lie_inside_and_low_and_high_are_aligned(folder: Path) -> None:
    turns = set()
    batch = _maker(folder, clean=0, simulate=0.0).batch(range(200), 32)
    for low, high in zip(_codes(batch.low), _codes(batch.high), strict=True):
        assert torch.equal(low[:2], high[:2])
        numbers = low[2].unique(), high[2].unique()
        assert [len(n) for n in numbers] == [1, 1]
        assert int(numbers[1]) - int(numbers[0]) == 10
        n = int(numbers[0]) - 10
        rows, columns = high[0], high[1]
        assert rows.unique().tolist() == list(range(int(rows.min()), int(rows.min()) + 32))
        assert columns.unique().tolist() == list(range(int(columns.min()), int(columns.min()) + 32))
        assert rows.max() < 100 + 8 * n
        assert columns.max() < 150 - 10 * n
        turns.add((int(rows[1, 0] - rows[0, 0]), int(rows[0, 1] - rows[0, 0]), int(columns[0, 1] - columns[0, 0]),
                   int(columns[1, 0] - columns[0, 0])))  # fmt: skip
    assert len(turns) == 8  # all flips and rotations, none of them a stretch
    assert all(sorted(map(abs, turn)) == [0, 0, 1, 1] for turn in turns)


def test_views_are_thumbnails_of_the_region_around_the_crop(folder: Path) -> None:
    batch = _maker(folder, clean=0, simulate=0.0, region=64, region_scale=0.5).batch(range(100), 32)
    wide = 0
    for high, low_view, high_view in zip(255 * batch.high, batch.low_view, 255 * batch.high_view, strict=True):
        for axis in (0, 1):  # the thumbnail's mean pixels lie a 32nd of the region inside its ends
            step = max(high_view[axis].diff(dim=d).abs().max().item() for d in (0, 1))
            first, last = high_view[axis].min().item() - step / 2, high_view[axis].max().item() + step / 2
            assert first - 1.5 <= high[axis].min().item()
            assert high[axis].max().item() <= last + 1.5
            assert 31 < last - first < 65.5
            wide += last - first > 40
        assert torch.allclose(255 * low_view[:2], high_view[:2], atol=1e-3)
        assert (high_view[2] - 255 * low_view[2]).sub(10).abs().max() < 1e-3
    assert wide > 100


def test_a_region_of_the_crop_s_size_makes_the_view_exact(folder: Path) -> None:
    batch = _maker(folder, region=32).batch(range(16), 32)
    for crop, view in ((batch.low, batch.low_view), (batch.high, batch.high_view)):
        assert torch.allclose(view, F.avg_pool2d(crop, 2), atol=1e-6)


def test_view_0_gives_the_crops_themselves(folder: Path) -> None:
    batch = _maker(folder, view=0).batch(range(8), 32)
    assert torch.equal(batch.low_view, batch.low)
    assert torch.equal(batch.high_view, batch.high)


@pytest.mark.parametrize(("simulate", "expected"), [(0.0, 0.0), (0.3, 0.3), (1.0, 1.0)])
def test_a_share_of_the_pairs_is_simulated(folder: Path, simulate: float, expected: float) -> None:
    batch = _maker(folder, clean=0, simulate=simulate, view=0).batch(range(300), 32)
    simulated = batch.low[:, 2, 0, 0] > 0.8
    assert simulated.float().mean().item() == pytest.approx(expected, abs=0.09 * (0 < simulate < 1))
    assert torch.allclose(batch.low[simulated][:, :2], batch.high[simulated][:, :2] / 2)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_pairs_of_two_references_are_trained_towards_either(folder: Path, share: float) -> None:
    plain = _maker(folder, clean=0, simulate=0.0, fused=0.0).batch(range(300), 32)
    batch = _maker(folder, clean=0, simulate=0.0, fused=share).batch(range(300), 32)
    assert torch.equal(batch.low, plain.low)
    assert torch.equal(batch.low_view, plain.low_view)
    assert torch.equal(batch.high[:, :2], plain.high[:, :2])  # of the same place: nothing else is drawn anew
    number = _codes(plain.high[:, 2, 0, 0]) - 20
    second = _codes(batch.high[:, 2, 0, 0]) == 40 + number
    assert torch.equal(_codes(batch.high_view[:, 2, 0, 0]), _codes(batch.high[:, 2, 0, 0]))
    assert torch.equal(_codes(batch.high[~second, 2, 0, 0]), 20 + number[~second])
    assert not second[number % 2 == 0].any()
    assert second[number % 2 == 1].float().mean().item() == pytest.approx(share, abs=0.1 * (0 < share < 1))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_share_of_the_samples_are_good_photos_left_as_they_are(folder: Path, share: float) -> None:
    sampling = {"simulate": 0.4, "fused": 0.5, "light": 0.5, "identity": share}
    batch = _maker(folder, **sampling).batch(range(300), 32)
    same = (batch.low == batch.high).flatten(1).all(1)
    assert same.float().mean().item() == pytest.approx(share, abs=0.08 * (0 < share < 1))
    assert torch.equal(batch.low_view[same], batch.high_view[same])
    if share == 1:
        numbers = _codes(batch.high[:, 2, 0, 0]).unique().tolist()
        assert numbers == [20, 21, 22, 23, 24, 30, 31, 32, 41, 43]


def test_clean_photographs_are_always_simulated(folder: Path) -> None:
    batch = _maker(folder, pairs=0, simulate=0.0).batch(range(12), 32)
    assert (batch.low[:, 2] >= 0.9 - 1e-6).all()
    assert torch.allclose(batch.low[:, :2], batch.high[:, :2] / 2)
    assert _codes(batch.high[:, 2, 0, 0]).unique().tolist() == [30, 31, 32]
    assert len(batch.low[:, 2, 0, 0].unique()) == 12  # a draw of its own for each position


def test_photos_smaller_than_the_crop_are_enlarged(tmp_path: Path) -> None:
    for name in ("low", "high"):
        _photo(tmp_path / name / "0.png", 5, (20, 48))
    batch = _maker(tmp_path, pairs=1, clean=0, simulate=0.0).batch(range(40), 32)
    assert batch.high.shape == (40, 3, 32, 32)
    assert torch.equal(batch.low, batch.high)
    rows, columns = _codes(batch.high[:, 0]).flatten(1), _codes(batch.high[:, 1]).flatten(1)
    assert (rows.amin(1) == 0).all()  # the short side comes whole, stretched
    assert (rows.amax(1) == 19).all()
    assert (columns.amax(1) - columns.amin(1) == 31).all()  # the long side is cropped as it is
    assert 0 <= columns.min() <= 3
    assert 44 <= columns.max() <= 47


def test_generators_depend_on_both_numbers_only() -> None:
    keys = [(0, 0), (0, 1), (1, 0), (0, -1), (-1, 0), (1, -1), (0, 2**40), (2**70, 3), (7, -(2**20))]
    draws = [torch.rand(4, generator=generator_for(*key)) for key in keys]
    assert len({tuple(d.tolist()) for d in draws}) == len(keys)
    assert torch.equal(draws[1], torch.rand(4, generator=generator_for(0, 1)))
    neighbours = torch.stack([torch.rand(2, generator=generator_for(0, n)) for n in range(2000)])
    assert neighbours.mean().item() == pytest.approx(0.5, abs=0.02)
    assert torch.corrcoef(torch.stack([neighbours[:-1, 0], neighbours[1:, 0]]))[0, 1].abs() < 0.08


def test_nothing_to_train_on(folder: Path) -> None:
    with pytest.raises(DataError, match="nothing to train on"):
        _maker(folder, pairs=0, clean=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"simulate": -0.1}, "simulate is -0.1"),
        ({"simulate": 1.1}, "share from 0 to 1"),
        ({"fused": 1.1}, "fused is 1.1; it is a share from 0 to 1"),
        ({"identity": -1.0}, "identity is -1.0; it is a share from 0 to 1"),
        ({"half": ("lol", "")}, "half is ['lol', '']; give what stands before the first -"),
        ({"half": ("sice-",)}, "half is ['sice-']; give what stands before the first -"),
        ({"region": 31}, "at least 32 pixels"),
        ({"region_scale": 0.0}, "share above 0"),
        ({"region_scale": 1.5}, "region_scale is 1.5"),
    ],
)
def test_bad_sampling_is_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        SamplingConfig(**options)  # type: ignore[arg-type]
