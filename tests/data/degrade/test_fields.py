import pytest
import torch

from restorect.data.degrade import fields


def _seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("size", [(1, 1), (3, 70), (64, 48)])
def test_smooth_field_spans_zero_to_one(size: tuple[int, int]) -> None:
    field = fields.smooth_field(_seeded(), torch.zeros(3, *size), 3)
    assert field.shape == (1, *size)
    assert field.min() >= 0
    assert field.max() <= 1
    if size == (64, 48):
        assert (field.min().item(), field.max().item()) == (0, 1)
        assert field.diff(dim=-1).abs().max() < 0.15


def test_stretch_of_a_flat_map() -> None:
    assert fields.stretch(torch.full((1, 4, 4), 3.0)).unique().tolist() == [0.5]


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.3, 6.0, 20.0])
def test_blur_keeps_constants_and_has_its_width(sigma: float) -> None:
    assert torch.allclose(fields.gaussian_blur(torch.full((3, 40, 30), 0.7), sigma), torch.tensor(0.7), atol=1e-5)
    point = torch.zeros(1, 241, 241)
    point[0, 120, 120] = 1
    spread = fields.gaussian_blur(point, sigma)[0]
    assert spread.sum().item() == pytest.approx(1.0, abs=0.02)
    offset = torch.arange(241) - 120.0
    variance = (spread.sum(dim=0) * offset.square()).sum().item()
    assert variance**0.5 == pytest.approx(sigma, rel=0.12)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3)])
def test_tiny_pictures(size: tuple[int, int]) -> None:
    image = torch.rand(3, *size, generator=_seeded())
    for blurred in (fields.gaussian_blur(image, 4.0), fields.gaussian_blur(image, 1.0)):
        assert blurred.shape == image.shape
        assert torch.isfinite(blurred).all()
    assert fields.follow_edges(image[:1], image).shape == (1, *size)
    assert fields.local_deviation(image).shape == (1, *size)


def test_map_follows_the_edge_of_the_picture() -> None:
    image = torch.zeros(3, 96, 96)
    image[:, :, 48:] = 1
    rough = fields.gaussian_blur(image[:1], 8.0)
    sharp = fields.follow_edges(rough, image)
    assert sharp[0, 48, 48] - sharp[0, 48, 47] > 0.25
    assert rough[0, 48, 48] - rough[0, 48, 47] < 0.06


def test_deviation_tells_busy_from_flat() -> None:
    image = torch.full((3, 64, 64), 0.5)
    image[:, :, 32:] += 0.3 * (torch.rand(1, 64, 32, generator=_seeded()) - 0.5)
    deviation = fields.local_deviation(image)
    assert deviation[0, :, :20].max() < 1e-3
    assert deviation[0, :, 44:].min() > 0.02
