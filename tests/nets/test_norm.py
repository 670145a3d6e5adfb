import pytest
import torch
from torch.nn import functional as F

from restorect.nets.norm import SCLN, NormName, PixelNorm, make_norm


def _draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(1, 4, 1, 1), (2, 8, 5, 7), (3, 16, 1, 9)])
def test_scln_equals_group_norm(shape: tuple[int, ...]) -> None:
    norm, x = SCLN(shape[1]), 3 * _draw(0, *shape) + 2
    with torch.no_grad():
        norm.gain.copy_(_draw(1, shape[1]))
    assert torch.allclose(norm(x), F.group_norm(x, 1, norm.gain, None, 1e-5), atol=1e-6)


def test_scln_is_its_definition() -> None:
    norm, x = SCLN(4), 3 * _draw(0, 2, 4, 5, 6) + 2
    with torch.no_grad():
        norm.gain.copy_(torch.tensor([1.0, 2, -1, 0]))
    mean, variance = x.mean(dim=(1, 2, 3), keepdim=True), x.var(dim=(1, 2, 3), unbiased=False, keepdim=True)
    expected = (x - mean) / (variance + 1e-5).sqrt() * norm.gain.view(1, 4, 1, 1)
    assert torch.allclose(norm(x), expected, atol=1e-5)
    assert [name for name, _ in norm.named_parameters()] == ["gain"]


def test_pixel_norm_is_layer_norm_of_each_pixel() -> None:
    norm, x = PixelNorm(6), 3 * _draw(0, 2, 6, 4, 5) + 2
    with torch.no_grad():
        norm.gain.copy_(_draw(1, 6))
    expected = F.layer_norm(x.permute(0, 2, 3, 1), (6,), norm.gain, None, 1e-5).permute(0, 3, 1, 2)
    assert torch.allclose(norm(x), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["scln", "pixel"])
def test_statistics_are_float32_and_the_type_is_kept(name: NormName) -> None:
    norm, x = make_norm(name, 4), (200 * _draw(0, 2, 4, 8, 8)).half()  # squares overflow float16
    out = norm(x)
    assert out.dtype == torch.float16
    assert torch.allclose(out.float(), norm(x.float()), atol=2e-3)


def test_names() -> None:
    assert isinstance(make_norm("scln", 4), SCLN)
    assert isinstance(make_norm("pixel", 4), PixelNorm)
