"""The sRGB curve on tensors and on arrays; luma and the smooth switch."""

import numpy as np
import pytest
import torch

from restorect.colour import SRGB_TO_XYZ, linear_to_srgb, luma, smoothstep, srgb_to_linear
from restorect.images.curves import LUMINANCE, decode_srgb, encode_srgb


def test_srgb_known_values() -> None:
    encoded = torch.tensor([0.0, 0.04045, 0.5, 1.0])
    linear = torch.tensor([0.0, 0.0031308, 0.2140411, 1.0])
    assert torch.allclose(srgb_to_linear(encoded), linear, atol=1e-6)
    assert torch.allclose(linear_to_srgb(linear), encoded, atol=1e-5)


def test_srgb_round_trip() -> None:
    ramp = torch.linspace(0, 1, 4096)
    assert torch.allclose(linear_to_srgb(srgb_to_linear(ramp)), ramp, atol=1e-6)


def test_arrays_and_tensors_follow_one_curve() -> None:
    ramp = np.linspace(0, 1, 65536, dtype=np.float32)
    np.testing.assert_allclose(decode_srgb(ramp), srgb_to_linear(torch.from_numpy(ramp)).numpy(), rtol=2e-6)
    np.testing.assert_allclose(encode_srgb(ramp), linear_to_srgb(torch.from_numpy(ramp)).numpy(), atol=5e-7)
    np.testing.assert_allclose(LUMINANCE, SRGB_TO_XYZ[1], atol=1e-4)
    np.testing.assert_array_equal(decode_srgb(-ramp), -decode_srgb(ramp))


def test_luma_of_white_and_of_the_primaries() -> None:
    primaries = torch.eye(3).view(3, 3, 1, 1)
    torch.testing.assert_close(luma(primaries).flatten(), torch.tensor([0.299, 0.587, 0.114]))
    assert float(luma(torch.ones(1, 3, 1, 1))) == pytest.approx(1)


def test_smoothstep_is_flat_outside_and_half_in_the_middle() -> None:
    x = torch.tensor([-1.0, 0.2, 0.3, 0.4, 0.6, 2.0])
    torch.testing.assert_close(smoothstep(x, 0.2, 0.6), torch.tensor([0.0, 0.0, 0.15625, 0.5, 1.0, 1.0]))
