import pytest
import torch

from restorect.colour import SRGB_TO_XYZ
from restorect.data.degrade.light_colours import cast_of, chromaticity, draw_neon, glowing


@pytest.mark.parametrize(
    ("kelvin", "x", "y"),
    [(2000, 0.5267, 0.4133), (2856, 0.4476, 0.4074), (5000, 0.3451, 0.3516), (10000, 0.2807, 0.2884)],
)
def test_the_locus_passes_through_tabulated_points(kelvin: float, x: float, y: float) -> None:
    assert chromaticity(kelvin) == pytest.approx((x, y), abs=1e-3)


def test_warm_light_is_orange_and_cool_light_blue() -> None:
    red, green, blue = glowing(2000)
    assert (red, blue) == (1.0, 0.02)
    assert 0.15 < green < 0.35
    red, green, blue = glowing(9000)
    assert red < green < blue == 1.0


def test_casts_keep_the_luminance_and_go_when_the_camera_adapts() -> None:
    for kelvin in (1900.0, 4000.0, 9000.0):
        assert cast_of(kelvin, 1.0) == pytest.approx((1, 1, 1), abs=1e-6)
        strong, weak = cast_of(kelvin, 0.0), cast_of(kelvin, 0.7)
        for gains in (strong, weak):
            assert sum(w * g for w, g in zip(SRGB_TO_XYZ[1], gains, strict=True)) == pytest.approx(1)
        assert abs(strong[2] - 1) > abs(weak[2] - 1)
    assert cast_of(2000, 0.5)[0] > 1 > cast_of(2000, 0.5)[2]


def test_neon_is_strong() -> None:
    for seed in range(20):
        colour = draw_neon(torch.Generator().manual_seed(seed))
        assert max(colour) == pytest.approx(1)
        assert min(colour) <= 0.5
