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


def test_what_lies_beyond_the_limit_is_held_there() -> None:
    norm, held, x = SCLN(4), SCLN(4, limit=2), _draw(0, 2, 4, 9, 9)
    x[0, 1, 3, 3], x[1, 2, 0, 0] = 1e4, -50
    gain = torch.tensor([1.0, 2, -1, 0])
    with torch.no_grad():
        norm.gain.copy_(gain)
        held.gain.copy_(gain)
    reach = 2 * gain.abs().view(1, 4, 1, 1)
    assert torch.allclose(held(x), norm(x).clamp(-reach, reach), atol=1e-5)
    assert norm(x)[0, 1, 3, 3] > 8
    assert held(x)[0, 1, 3, 3] == 4
    ordinary = _draw(0, 1, 4, 9, 9)
    assert torch.allclose(SCLN(4, limit=100)(ordinary), SCLN(4)(ordinary), atol=1e-6)


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
    norm = make_norm("scln", 4, limit=8)
    assert isinstance(norm, SCLN)
    assert norm.limit == 8
    assert isinstance(make_norm("pixel", 4), PixelNorm)
