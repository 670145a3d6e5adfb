"""Cutting batches out of one buffer, against the same done photo by photo."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from restorect.data.flat import FlatPhotos, Places, squares, thumbnails

CPU = torch.device("cpu")
DEVICES = [CPU, *([torch.device("cuda")] if torch.cuda.is_available() else [])]
EIGHT = torch.tensor([[bool(n & 1), bool(n & 2), bool(n & 4)] for n in range(8)])
SIZES = ((40, 50), (33, 64), (70, 20), (5, 7), (64, 64))


def photos(device: torch.device, sizes: tuple[tuple[int, int], ...] = SIZES) -> tuple[list[Tensor], FlatPhotos]:
    generator = torch.Generator().manual_seed(0)
    separate = [torch.randint(256, (3, *size), generator=generator, dtype=torch.uint8) for size in sizes]
    return separate, FlatPhotos.of([photo.to(device) for photo in separate])


def turned(image: Tensor, transposed: bool, upside_down: bool, mirrored: bool) -> Tensor:
    """The definition, for a photo by itself: the reversals are of the photo, before rows and columns change places."""
    image = image.flip(-2) if upside_down else image
    image = image.flip(-1) if mirrored else image
    return image.transpose(-2, -1) if transposed else image


def test_photos_are_kept_as_they_are() -> None:
    separate, flat = photos(CPU)
    assert len(flat) == len(SIZES)
    assert all(torch.equal(flat[n], photo) for n, photo in enumerate(separate))
    assert flat.pixels.shape == (sum(photo.numel() for photo in separate) + 64,)
    assert not flat.pixels[-64:].any()
    empty = FlatPhotos(torch.tensor(SIZES), torch.uint8, CPU)
    for number, photo in enumerate(separate):
        empty[number].copy_(photo)
    assert torch.equal(empty.pixels, flat.pixels)
    assert len(FlatPhotos(torch.zeros(0, 2, dtype=torch.long), torch.uint8, CPU)) == 0


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_the_eight_symmetries(device: torch.device) -> None:
    separate, flat = photos(device, ((9, 9),))
    places = flat.places(torch.zeros(8, dtype=torch.long), torch.tensor([[0, 0, 9, 9]]).expand(8, 4))
    cut = squares(flat.pixels, places, torch.zeros(8, 2, dtype=torch.long), 9, EIGHT).cpu()
    assert cut.dtype == torch.float32
    assert cut.is_contiguous(memory_format=torch.channels_last)
    for image, symmetry in zip(cut, EIGHT.tolist(), strict=True):
        assert torch.equal(image, turned(separate[0].float(), *symmetry))
    assert len(cut.flatten(1).unique(dim=0)) == 8


@pytest.mark.parametrize("device", DEVICES, ids=str)
@given(data=st.data())
def test_squares_of_regions_of_several_photos(device: torch.device, data: st.DataObject) -> None:
    separate, flat = photos(device)
    side = data.draw(st.integers(1, 20))
    rows = []
    for _ in range(data.draw(st.integers(1, 4))):
        number = data.draw(st.integers(0, 4))
        row = [number]
        for length in SIZES[number]:
            extent = data.draw(st.integers(min(side, length), length))
            begin = data.draw(st.integers(0, length - extent))
            row += [begin, extent, data.draw(st.integers(0, max(0, extent - side)))]
        rows.append([*row, data.draw(st.integers(0, 7))])
    table = torch.tensor(rows)
    regions, corners, turns = table[:, [1, 4, 2, 5]], table[:, [3, 6]], EIGHT[table[:, 7]]
    cut = squares(flat.pixels, flat.places(table[:, 0], regions), corners, side, turns).cpu()
    for image, (number, top, height, down, left, width, right, symmetry) in zip(cut, rows, strict=True):
        region = separate[number][:, top : top + height, left : left + width].float()
        if min(height, width) < side:
            size = max(height, side), max(width, side)
            region = F.interpolate(region[None], size, mode="bilinear", align_corners=False)[0]
        square = turned(region[:, down : down + side, right : right + side], *EIGHT[symmetry].tolist())
        torch.testing.assert_close(image, square, atol=1e-3 * (min(height, width) < side), rtol=0)


@pytest.mark.parametrize("device", DEVICES, ids=str)
@given(side=st.integers(1, 40), regions=st.lists(st.tuples(*[st.floats(0, 1)] * 4), min_size=1, max_size=4))
def test_thumbnails_are_means_of_areas(
    device: torch.device, side: int, regions: list[tuple[float, float, float, float]]
) -> None:
    separate, flat = photos(device)
    numbers = torch.arange(len(regions))
    rows = []
    for photo, (a, b, c, d) in zip(separate, regions, strict=False):
        H, W = photo.shape[1:]
        height, width = 1 + int(a * (H - 1)), 1 + int(b * (W - 1))
        rows.append((int(c * (H - height)), int(d * (W - width)), height, width))
    views = thumbnails(flat.pixels, flat.places(numbers, torch.tensor(rows)), side).cpu()
    assert views.shape == (len(rows), 3, side, side)
    for view, photo, (top, left, height, width) in zip(views, separate, rows, strict=False):
        region = photo[:, top : top + height, left : left + width].double()
        expected = F.interpolate(region[None], (side, side), mode="area")[0]
        torch.testing.assert_close(view.double(), expected, atol=1e-4, rtol=0)


def test_thumbnails_of_large_photos_and_of_other_types_are_right_too() -> None:
    """The sums of 400 rows of white do not fit 16 bit; half precision and changed pixels are added up as float."""
    white = FlatPhotos.of([torch.full((3, 1200, 900), 255, dtype=torch.uint8)])
    whole = torch.tensor([[0, 0, 1200, 900]])
    assert (thumbnails(white.pixels, white.places(torch.tensor([0]), whole), 3) == 255).all()
    separate, _ = photos(CPU)
    halves = FlatPhotos.of([photo.half() + 0.25 for photo in separate[:2]])
    regions = torch.tensor([[1, 2, 30, 40], [0, 0, 33, 64]])
    places = halves.places(torch.tensor([0, 1]), regions)
    for develop in (None, lambda pixels: pixels.add_(1).sqrt_()):
        views = thumbnails(halves.pixels, places, 8, develop)
        for view, photo, (top, left, height, width) in zip(views, separate, regions.tolist(), strict=False):
            region = photo[:, top : top + height, left : left + width].float() + 0.25
            region = region if develop is None else (region + 1).sqrt()
            torch.testing.assert_close(view, F.adaptive_avg_pool2d(region, 8), atol=2e-4, rtol=0)


def test_places_of_images_are_the_images() -> None:
    images = torch.rand(3, 3, 6, 6)
    cut = squares(
        images.flatten(), Places.of(images), torch.zeros(3, 2, dtype=torch.long), 6, torch.zeros(3, 3, dtype=torch.bool)
    )
    assert torch.equal(cut, images)
