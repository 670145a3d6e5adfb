import numpy as np
import pytest

from restorect.data.degrade.water import JERLOV_TYPES, absorption, diffuse_attenuation, scattering, water_optics


def test_table_at_whole_types_and_between() -> None:
    assert diffuse_attenuation(0)[3] == pytest.approx(0.018)  # clearest at 475 nm
    assert diffuse_attenuation(9)[0] == pytest.approx(2.4)
    assert np.allclose(diffuse_attenuation(2.5) ** 2, diffuse_attenuation(2) * diffuse_attenuation(3))


def test_murkier_types_let_less_through() -> None:
    spectra = np.stack([diffuse_attenuation(kind) for kind in range(len(JERLOV_TYPES))])
    assert (np.diff(spectra[:, 1:6], axis=0) > 0).all()


def test_scattering_meets_petzold_at_both_ends() -> None:
    at_514 = [np.interp(514, np.arange(400, 701, 25), scattering(kind)) for kind in (0, 9)]
    assert at_514 == pytest.approx([0.037, 1.82], rel=0.01)


def test_absorption_solves_kirk() -> None:
    diffuse, scatter = diffuse_attenuation(6), scattering(6)
    absorb = absorption(diffuse, scatter)
    assert (absorb > 0).all()
    assert np.allclose(absorb**2 + 0.256 * absorb * scatter, diffuse**2)


@pytest.mark.parametrize("kind", [0.0, 4.5, 9.0])
def test_order_of_the_coefficients(kind: float) -> None:
    water = water_optics(kind, depth=5, reach=3)
    assert (water.glow < water.direct).all()
    assert (water.back > 0).all()
    assert water.light.max() == pytest.approx(1.0)
    assert (water.veil < water.light).all()
    assert not np.allclose(water.direct, water.back, rtol=1e-3)  # the point of the revised model


def test_ocean_is_blue_and_coast_is_not() -> None:
    ocean, coast = (water_optics(kind, depth=10, reach=3).light for kind in (0, 8))
    assert ocean[2] > ocean[1] > 2 * ocean[0]
    assert coast[1] > coast[2]


def test_coefficients_fall_with_range_as_red_light_narrows() -> None:
    near, far = (water_optics(0, depth=0, reach=reach).direct[0] for reach in (0.1, 15))
    assert far < near


def test_no_depth_is_white_light() -> None:
    assert np.allclose(water_optics(3, depth=0, reach=1).light, 1)
