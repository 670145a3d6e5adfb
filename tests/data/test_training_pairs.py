from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from restorect.data.pairs import Pair, find_pairs, hold_out
from restorect.data.store import ImageStore, PairStore
from restorect.errors import DataError, ImageError


def _pixels(size: tuple[int, int] = (6, 4), seed: int = 0, high: int = 256, channels: int = 3) -> np.ndarray:
    dtype = np.uint8 if high == 256 else np.uint16
    shape = (size[1], size[0], channels) if channels > 1 else (size[1], size[0])
    return np.random.default_rng(seed).integers(0, high, shape, dtype=dtype)


def _photo(path: Path, size: tuple[int, int] = (6, 4), seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(_pixels(size, seed)).save(path)
    return path


def _root(folder: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        _photo(folder / "low" / name, seed=number)
        _photo(folder / "high" / name, seed=100 + number)
    return folder


def test_pairs_are_found_by_stem_whatever_the_extension(tmp_path: Path) -> None:
    for low, high in (("b.png", "b.JPG"), ("a.x.tif", "a.x.bmp")):
        _photo(tmp_path / "low" / low)
        _photo(tmp_path / "high" / high)
    (tmp_path / "low" / "notes.txt").touch()
    (tmp_path / "high" / ".b.png").touch()
    assert find_pairs([tmp_path]) == [
        Pair("a.x", tmp_path / "low/a.x.tif", tmp_path / "high/a.x.bmp"),
        Pair("b", tmp_path / "low/b.png", tmp_path / "high/b.JPG"),
    ]


def test_several_roots_may_repeat_a_stem(tmp_path: Path) -> None:
    roots = [_root(tmp_path / name, "1.png", "2.png") for name in ("v1", "v2")]
    pairs = find_pairs([str(roots[0]), roots[1]])
    assert [(pair.name, pair.low.parent.parent.name) for pair in pairs] == [
        ("1", "v1"),
        ("2", "v1"),
        ("1", "v2"),
        ("2", "v2"),
    ]


def test_second_references_belong_to_some_of_the_pairs(tmp_path: Path) -> None:
    root = _root(tmp_path, "a.png", "b.png", "c.png")
    file = _photo(root / "fused" / "b.webp")
    assert [pair.fused for pair in find_pairs([root])] == [None, file, None]
    assert find_pairs([root])[1].files == (root / "low/b.png", root / "high/b.png", file)


def _fused_without_pair(root: Path) -> None:
    _photo(root / "fused" / "c.png")


def _fused_of_another_size(root: Path) -> None:
    _photo(root / "fused" / "a.png")
    _photo(root / "fused" / "b.jpg", (4, 6))


def _empty_fused(root: Path) -> None:
    (root / "fused").mkdir()


def _without_high(root: Path) -> None:
    (root / "high").rename(root / "High?")


def _without_low(root: Path) -> None:
    (root / "low").rename(root / "input")


def _empty_high(root: Path) -> None:
    for file in (root / "high").iterdir():
        file.unlink()


def _unpaired_low(root: Path) -> None:
    _photo(root / "low" / "c.png")


def _unpaired_high(root: Path) -> None:
    _photo(root / "high" / "c.png")


def _other_size(root: Path) -> None:
    _photo(root / "high" / "b.png", (4, 6))


def _twin(root: Path) -> None:
    _photo(root / "low" / "b.jpg")


@pytest.mark.parametrize(
    ("spoil", "file", "thing"),
    [
        (_without_high, "", "expected the folders low/ and high/"),
        (_without_low, "", "expected the folders low/ and high/"),
        (_empty_high, "high", "holds no image"),
        (_unpaired_low, "low/c.png", "has no partner of the stem 'c'"),
        (_unpaired_high, "high/c.png", "has no partner of the stem 'c'"),
        (_other_size, "low/b.png", "is 6x4, but b.png is 4x6; pairs must be of one size"),
        (_twin, "low/b.png", "has the same stem as b.jpg"),
        (_fused_without_pair, "fused/c.png", "has no pair of the stem 'c'"),
        (_fused_of_another_size, "fused/b.jpg", "is 4x6, but b.png is 6x4; pairs must be of one size"),
        (_empty_fused, "fused", "holds no image"),
    ],
)
def test_unusable_folders_are_named(tmp_path: Path, spoil: Callable[[Path], None], file: str, thing: str) -> None:
    root = _root(tmp_path / "set", "a.png", "b.png")
    assert len(find_pairs([root])) == 2
    spoil(root)
    with pytest.raises(DataError) as caught:
        find_pairs([root])
    assert str(caught.value).startswith(f"{root / file}: ")
    assert thing in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_photo_that_is_none_is_named(tmp_path: Path) -> None:
    root = _root(tmp_path / "set", "a.png", "b.png")
    (root / "low" / "b.png").write_bytes(b"no image at all")
    with pytest.raises(ImageError) as caught:
        find_pairs([root])
    assert str(caught.value).startswith(f"{root / 'low/b.png'}: is not a photo that can be read")
    assert "\n" not in str(caught.value)


def test_pairs_are_compared_upright_and_may_be_of_any_format_that_users_have(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    _photo(tmp_path / "high" / "a.avif", (6, 4))
    (tmp_path / "low").mkdir()
    Image.fromarray(_pixels((4, 6))).save(tmp_path / "low" / "a.jpg", exif=turned, quality=100, subsampling=0)
    (pair,) = find_pairs([tmp_path])
    low, high = PairStore([pair], torch.device("cpu"), 1.0)[0]
    assert low.shape == high.shape == (3, 4, 6)
    assert (low.int() - torch.from_numpy(np.rot90(_pixels((4, 6)), -1).copy()).permute(2, 0, 1)).abs().max() < 12


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none: expected the folders"):
        find_pairs([tmp_path / "none"])


def _named(count: int) -> list[Pair]:
    return [Pair(f"{n:03}", Path(f"low/{n}"), Path(f"high/{n}")) for n in range(count)]


@pytest.mark.parametrize("share", [0.001, 0.05, 0.3, 0.5, 0.99])
@pytest.mark.parametrize("count", [2, 3, 10, 97])
def test_hold_out_splits_into_two_disjoint_parts(count: int, share: float) -> None:
    pairs = _named(count)
    train, held = hold_out(pairs, share)
    assert sorted(p.name for p in train + held) == [p.name for p in pairs]
    assert len(held) == min(count - 1, max(1, round(share * count)))
    assert train


def test_hold_out_does_not_depend_on_the_order() -> None:
    pairs = _named(40)
    expected = hold_out(pairs, 0.2)
    shuffled = [pairs[i] for i in torch.randperm(40, generator=torch.Generator().manual_seed(0))]
    assert hold_out(shuffled, 0.2) == expected


def test_hold_out_spreads_over_the_names() -> None:
    held = [int(p.name) for p in hold_out(_named(100), 0.05)[1]]
    assert held == [10, 30, 50, 70, 90]


@pytest.mark.parametrize("count", [0, 1])
def test_one_pair_alone_cannot_be_split(count: int) -> None:
    with pytest.raises(DataError):
        hold_out(_named(count), 0.5)


@pytest.mark.parametrize("memory_gb", [0.0, 1.0])
def test_stores_give_the_same_images_from_memory_or_disk(tmp_path: Path, memory_gb: float) -> None:
    pairs = find_pairs([_root(tmp_path, "a.png", "b.png", "c.png")])
    store = PairStore(pairs, torch.device("cpu"), memory_gb)
    assert len(store) == 3
    assert [pair.name for pair in store.pairs] == ["a", "b", "c"]
    for number in range(3):
        low, high = store[number]
        assert low.dtype == torch.uint8
        assert np.array_equal(low.permute(1, 2, 0).numpy(), _pixels(seed=number))
        assert np.array_equal(high.permute(1, 2, 0).numpy(), _pixels(seed=100 + number))


def test_memory_is_used_only_where_all_fits(tmp_path: Path) -> None:
    files = [_photo(tmp_path / f"{n}.png", (10, 10)) for n in range(3)]  # 900 bytes
    fits, too_large = (ImageStore(files, torch.device("cpu"), gb) for gb in (900e-9, 899e-9))
    for file in files:
        _photo(file, (10, 10), seed=9)
    assert np.array_equal(fits[0].permute(1, 2, 0).numpy(), _pixels((10, 10), seed=0))
    assert np.array_equal(too_large[0].permute(1, 2, 0).numpy(), _pixels((10, 10), seed=9))


@pytest.mark.parametrize("memory_gb", [0.0, 1.0])
def test_stores_know_which_pairs_have_two_references(tmp_path: Path, memory_gb: float) -> None:
    root = _root(tmp_path, "a.png", "b.png")
    _photo(root / "fused" / "b.png", seed=200)
    store = PairStore(find_pairs([root]), torch.device("cpu"), memory_gb)
    assert store.fused(0) is None
    fused = store.fused(1)
    assert fused is not None
    assert np.array_equal(fused.permute(1, 2, 0).numpy(), _pixels(seed=200))


def test_a_folder_given_twice_is_kept_once(tmp_path: Path) -> None:
    root = _root(tmp_path, "a.png", "b.png")
    pairs = find_pairs([root, root])
    store = PairStore(pairs, torch.device("cpu"), 4 * 72e-9)  # four files of 72 bytes
    for file in root.rglob("*.png"):
        file.unlink()
    assert len(store) == 4
    assert [pair.name for pair in store.pairs] == ["a", "b", "a", "b"]
    for one, other in zip(store[0] + store[1], store[2] + store[3], strict=True):
        assert one.data_ptr() == other.data_ptr()


@pytest.mark.parametrize(("memory_gb", "side"), [(0.0, 0), (1.0, 0), (1.0, 4)])
def test_photos_of_some_sources_are_halved(tmp_path: Path, memory_gb: float, side: int) -> None:
    root = tmp_path
    for number, name in enumerate(("lol-1", "sice-1-2", "sice")):
        for folder in ("low", "high", "fused"):
            _photo(root / folder / f"{name}.png", (13, 8), seed=number)
    store = PairStore(find_pairs([root]), torch.device("cpu"), memory_gb, side, half=("sice", "sic", "mef"))
    for number, ((low, high), fused) in enumerate((store[i], store.fused(i)) for i in range(3)):
        assert fused is not None
        assert torch.equal(low, high)
        assert torch.equal(low, fused)
        whole = torch.from_numpy(_pixels((13, 8), seed=number)).permute(2, 0, 1)[None].float()
        if number > 0:
            whole = torch.nn.functional.adaptive_avg_pool2d(whole, (4, 6)).round()
        if side:
            whole = torch.nn.functional.adaptive_avg_pool2d(whole, (2, 4) if number == 0 else (3, 4)).half().float()
        torch.testing.assert_close(low.float(), whole[0])


def test_halved_photos_take_a_quarter_of_the_memory(tmp_path: Path) -> None:
    root = _root(tmp_path, "sice-1.png")
    pairs = find_pairs([root])
    fits, too_large = (PairStore(pairs, torch.device("cpu"), gb, half=("sice",)) for gb in (36e-9, 35e-9))
    for file in root.rglob("*.png"):
        file.unlink()
    assert fits[0][0].shape == (3, 2, 3)
    with pytest.raises(ImageError, match="cannot be opened"):
        too_large[0]


def test_a_pair_given_twice_is_held_out_or_trained_on_never_both() -> None:
    train, held = hold_out(_named(10) * 2, 0.3)
    assert len(held) == 3
    assert sorted(p.name for p in train + 2 * held) == sorted(p.name for p in 2 * _named(10))


def test_the_held_out_split_does_not_depend_on_the_order_of_folders(tmp_path: Path) -> None:
    pairs = [Pair(name, tmp_path / root / name, tmp_path / root / name) for root in ("v1", "v2") for name in "abc"]
    assert set(hold_out(pairs, 0.3)[1]) == set(hold_out(pairs[::-1], 0.3)[1])
