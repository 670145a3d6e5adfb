"""Batches by position: the images here carry their own coordinates, so that crops tell where they come from."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from restorect.data.batches import Batch, BatchMaker
from restorect.data.degrade.simulator import Degraded, Simulator
from restorect.data.pairs import Pair
from restorect.data.sampling import SIMULATIONS, SamplingConfig, draw, generator_for
from restorect.data.store import PairStore
from restorect.errors import ConfigError, DataError
from restorect.train.processes import Processes

CPU = torch.device("cpu")
DEVICES = [CPU, *([torch.device("cuda")] if torch.cuda.is_available() else [])]
PAIRS, CLEAN = 5, 3


def _photo(path: Path, number: int, size: tuple[int, int]) -> Path:
    """Red is the row, green the column, blue the number of the photo."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
    pixels = np.stack([rows, columns, np.full(size, number)], axis=2).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def _darker(image: Tensor, generator: torch.Generator) -> Degraded:
    """A simulator that leaves a trace: half as bright, with bright noise in place of blue; in steps of 8 bit."""
    out = (image * 255 / 2).floor() / 255
    noise = torch.randint(100, 256, image.shape[1:], generator=generator).to(image)
    return Degraded(torch.cat([out[:2], noise[None] / 255]), image)


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
    folder: Path,
    *,
    view: int = 16,
    seed: int = 0,
    clean: int = CLEAN,
    pairs: int = PAIRS,
    device: torch.device = CPU,
    memory_gb: float = 1,
    nights_gb: float = 1,
    side: int = 0,
    simulator: Simulator = _darker,
    **config: float,
) -> BatchMaker:
    real = [
        Pair(str(n), folder / f"low/{n}.png", folder / f"high/{n}.png", folder / f"fused/{n}.png" if n % 2 else None)
        for n in range(pairs)
    ]
    photos = [folder / f"clean/{n}.png" for n in range(clean)]
    pairs_and_photos = real + [Pair(photo.stem, photo, photo) for photo in photos]
    sampling = SamplingConfig(**{"region": 64, **config})  # type: ignore[arg-type]
    store = PairStore(pairs_and_photos, device, memory_gb, side)
    return BatchMaker(store, simulator, sampling, view, seed, nights_gb)


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
    simulated = batch.low[:, 2, 0, 0] > 0.3
    assert simulated.float().mean().item() == pytest.approx(expected, abs=0.09 * (0 < simulate < 1))
    assert torch.equal(_codes(batch.low[simulated][:, :2]), _codes(batch.high[simulated][:, :2]) // 2)


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
    assert (_codes(batch.low[:, 2]) >= 100).all()
    assert torch.equal(_codes(batch.low[:, :2]), _codes(batch.high[:, :2]) // 2)
    assert _codes(batch.high[:, 2, 0, 0]).unique().tolist() == [30, 31, 32]
    assert len(batch.low[:, 2].flatten(1).unique(dim=0)) == 12  # a draw of its own for each position


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


def _sample(maker: BatchMaker, position: int, patch: int) -> list[Tensor]:
    """The definition: a sample made by itself, of whole photos."""
    config, stored = maker.config, maker.pairs.images
    drawn, item = draw([position], config, maker.seed), maker.item_at(position)
    (low, high), fused = maker.pairs[item], maker.pairs.fused(item)
    always = torch.equal(low, high)  # a clean photo
    high = fused if fused is not None and drawn.second else high
    height, width = (
        min(side, max(patch, min(config.region, round(float(drawn.scale) * side)))) for side in high.shape[1:]
    )
    top, left = (
        int(share * (whole - side + 1))
        for share, whole, side in zip(drawn.place[0], high.shape[1:], (height, width), strict=True)
    )
    low, high = (x[:, top : top + height, left : left + width].float() / 255 for x in (low, high))
    if (always or drawn.simulated) and not drawn.same:
        low, high = maker.simulator(high, generator_for(maker.seed, SIMULATIONS + position))
        low = low if stored.dtype.is_floating_point else (low * 255).round() / 255
    size = max(height, patch), max(width, patch)
    crops = [F.interpolate(x[None], size, mode="bilinear", align_corners=False)[0] for x in (low, high)]
    down, right = (int(share * (side - patch + 1)) for share, side in zip(drawn.corner[0], size, strict=True))
    crops = [x[:, down : down + patch, right : right + patch] for x in crops]
    low, crops[0] = (_another_light(x, drawn.light[0], config) for x in (low, crops[0]))
    views = [F.interpolate(x[None], (maker.view,) * 2, mode="area")[0] for x in (low, high)] if maker.view else crops
    low, high, low_view, high_view = (_turned(x, *drawn.turns[0].tolist()) for x in (*crops, *views))
    return [high, high, high_view, high_view] if drawn.same else [low, high, low_view, high_view]


def _another_light(image: Tensor, draws: Tensor, config: SamplingConfig) -> Tensor:
    if config.light == config.cast == config.contrast == 0:
        return image
    factor = (config.light * draws[1] + config.cast * draws[2:]).exp()
    return (image.clamp(min=1e-4) ** (config.contrast * draws[0]).exp() * factor[:, None, None]).clamp(max=1)


def _turned(image: Tensor, transposed: bool, upside_down: bool, mirrored: bool) -> Tensor:
    image = image.flip(-2) if upside_down else image
    image = image.flip(-1) if mirrored else image
    return image.transpose(-2, -1) if transposed else image


SAMPLINGS: tuple[dict[str, float], ...] = (
    {"simulate": 0.0},
    {"simulate": 0.0, "region": 512, "turn": False, "fused": 0.5},
    {"simulate": 0.4, "identity": 0.2, "fused": 0.5},
    {"simulate": 0.4, "identity": 0.2, "fused": 0.5, "light": 0.2, "cast": 0.1},
    {"simulate": 0.0, "contrast": 0.2, "region_scale": 0.3},
)


@pytest.mark.parametrize("device", DEVICES, ids=str)
@pytest.mark.parametrize("memory_gb", [1, 0])
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize(("patch", "view", "side"), [(32, 16, 0), (64, 0, 0), (96, 40, 0), (32, 24, 70)])
def test_batches_are_what_samples_made_one_by_one_are(
    folder: Path, device: torch.device, memory_gb: float, sampling: dict[str, float], patch: int, view: int, side: int
) -> None:
    """Photos are 90 to 132 by 110 to 150 pixels: some are smaller than the largest crop, one side or both."""
    maker = _maker(folder, device=device, memory_gb=memory_gb, view=view, side=side, **sampling)
    reference = _maker(folder, view=view, side=side, **sampling)
    batch = maker.batch(range(100, 124), patch)
    expected = [_sample(reference, position, patch) for position in range(100, 124)]
    exact = patch < 90 and not side and "light" not in sampling and "contrast" not in sampling
    for name, images, ones in zip(Batch._fields[:4], batch[:4], zip(*expected, strict=True), strict=True):
        assert images.device.type == device.type
        if exact and (view == 0 or "view" not in name):
            assert torch.equal(images.cpu(), torch.stack(ones)), name
        torch.testing.assert_close(images.cpu(), torch.stack(ones), atol=3e-6, rtol=0)


def test_large_batches_are_made_in_parts(folder: Path) -> None:
    maker = _maker(folder)
    whole = maker.batch(range(150), 32)
    parts = [maker.batch(range(start, start + 30), 32) for start in range(0, 150, 30)]
    assert _equal(whole, Batch(*(torch.cat(images) for images in zip(*(p[:4] for p in parts), strict=True))))


def test_prepared_nights_are_used_again(folder: Path) -> None:
    calls: list[tuple[int, ...]] = []

    def counted(image: Tensor, generator: torch.Generator) -> Degraded:
        calls.append(tuple(image.shape))
        return _darker(image, generator)

    maker, other = (_maker(folder, nights=2, simulate=0.5, fused=0.3, simulator=counted) for _ in range(2))
    assert not calls
    batch = maker.batch(range(400), 32)
    assert 2 * (PAIRS + CLEAN) < len(calls) <= 2 * (PAIRS + PAIRS // 2 + CLEAN)
    assert set(calls) == {(3, 100 + 8 * n, 150 - 10 * n) for n in range(PAIRS)} | {
        (3, 90, 120 - n) for n in range(CLEAN)
    }
    made = len(calls)
    assert _equal(batch, maker.batch(range(400), 32))
    assert len(calls) == made
    simulated = _codes(batch.low[:, 2, 0, 0]) >= 100
    assert 0.55 < simulated.float().mean() < 0.8  # half of five eighths, and all of three
    assert torch.equal(_codes(batch.low[simulated][:, :2]), _codes(batch.high[simulated][:, :2]) // 2)
    # Killed, and gone on with at another position.
    assert _equal(other.batch(range(390, 400), 32), Batch(*(images[390:] for images in batch[:4])))


def test_only_what_can_be_simulated_takes_memory(folder: Path) -> None:
    sizes = [(100 + 8 * n) * (150 - 10 * n) for n in range(PAIRS)]
    clean = sum(90 * (120 - n) for n in range(CLEAN))
    for sampling, pixels in (
        ({"simulate": 0.0, "fused": 1.0}, clean),
        ({"simulate": 0.1}, clean + sum(sizes)),
        ({"simulate": 0.1, "fused": 0.1}, clean + sum(sizes) + sum(sizes[1::2])),
    ):
        need = 2 * 2 * 3 * pixels / 1e9
        _maker(folder, nights=2, nights_gb=need, **sampling)
        with pytest.raises(ConfigError, match=r"data\.sampling\.nights: 2 of each photo take 0\.\d GB"):
            _maker(folder, nights=2, nights_gb=0.999 * need, **sampling)


def test_nothing_to_train_on(folder: Path) -> None:
    with pytest.raises(DataError, match="nothing to train on"):
        _maker(folder, pairs=0, clean=0)


def test_regions_stay_while_crops_go_on_changing(folder: Path) -> None:
    maker = _maker(folder, regions=2, simulate=0.5, fused=0.5, identity=0.2)
    batches = [maker.batch(range(epoch * len(maker), (epoch + 1) * len(maker)), 32) for epoch in range(6)]
    seen: dict[int, list[tuple[Tensor, Tensor, Tensor]]] = {}
    for batch in batches:
        assert batch.keys is not None
        for key, crop, low_view, high_view in zip(
            batch.keys.tolist(), batch.high, batch.low_view, batch.high_view, strict=True
        ):
            seen.setdefault(key, []).append((crop, low_view, high_view))
    assert sorted(seen) == list(range(2 * len(maker)))
    for samples in seen.values():
        assert len(samples) == 3
        assert all(
            torch.equal(first, other)
            for _, *views in samples
            for first, other in zip(samples[0][1:], views, strict=True)
        )
    moved = sum(not torch.equal(samples[0][0], samples[1][0]) for samples in seen.values())
    assert moved > 0.8 * len(seen)


def test_without_fixed_regions_there_are_no_keys(folder: Path) -> None:
    assert _maker(folder).batch(range(4), 32).keys is None
