import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from restorect.data.augment import dihedral, random_crop, random_int, relit


def _coordinates(height: int, width: int) -> torch.Tensor:
    """(2, H, W): the row and the column of each pixel."""
    return torch.stack(torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij"))


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30), st.integers(1, 30), st.integers(0, 9))
def test_crops_are_the_same_window_inside_every_image(H: int, W: int, h: int, w: int, seed: int) -> None:
    image = _coordinates(H, W)
    one, other = random_crop([image, image + 1000], h, w, torch.Generator().manual_seed(seed))
    h, w = min(h, H), min(w, W)
    assert one.shape == (2, h, w)
    top, left = one[:, 0, 0].tolist()
    assert torch.equal(one, image[:, top : top + h, left : left + w])
    assert torch.equal(other, one + 1000)


def test_crops_reach_every_place_equally() -> None:
    generator, image = torch.Generator().manual_seed(0), _coordinates(6, 5)
    places = [tuple(random_crop([image], 4, 3, generator)[0][:, 0, 0].tolist()) for _ in range(1800)]
    counts = [places.count((row, column)) for row in range(3) for column in range(3)]
    assert sum(counts) == 1800
    assert min(counts) > 140
    assert max(counts) < 260


def test_dihedral_gives_the_eight_symmetries() -> None:
    image = torch.arange(9).view(1, 3, 3)
    results = [dihedral([image], element)[0] for element in range(8)]
    assert torch.equal(results[0], image)
    assert len({tuple(r.flatten().tolist()) for r in results}) == 8
    for r in results:
        assert r[0, 1, 1] == 4
        corners = [r[0, 0, 0], r[0, 0, 2], r[0, 2, 2], r[0, 2, 0]]
        steps = {abs(int(a) - int(b)) for a, b in itertools.pairwise(corners)}
        assert steps == {2, 6}  # neighbouring corners stay neighbours
    together = {tuple(dihedral([r], element)[0].flatten().tolist()) for r in results for element in range(8)}
    assert len(together) == 8  # closed under composition


@pytest.mark.parametrize("element", range(8))
def test_every_image_is_turned_alike(element: int) -> None:
    image = _coordinates(4, 7)
    one, other = dihedral([image, -image], element)
    assert torch.equal(one, -other)
    assert one.shape == ((2, 4, 7) if element % 2 == 0 else (2, 7, 4))
    assert sorted(one.flatten().tolist()) == sorted(image.flatten().tolist())


def test_random_integers_cover_their_range() -> None:
    generator = torch.Generator().manual_seed(0)
    assert {random_int(8, generator) for _ in range(400)} == set(range(8))
    assert random_int(1, generator) == 0


def _relit(image: torch.Tensor, seed: int = 0, **deviations: float) -> torch.Tensor:
    given = {"light": 0.0, "cast": 0.0, "contrast": 0.0, **deviations}
    return relit(image, torch.Generator().manual_seed(seed), **given)


def test_another_light_is_a_power_and_a_factor() -> None:
    image = torch.linspace(0.05, 0.2, 48).reshape(3, 4, 4)
    assert torch.equal(_relit(image), image)
    light = _relit(image, light=0.1) / image
    torch.testing.assert_close(light, light[:1, :1, :1].expand(3, 4, 4))
    cast = _relit(image, cast=0.1) / image
    torch.testing.assert_close(cast, cast[:, :1, :1].expand(3, 4, 4))
    assert len(set(cast[:, 0, 0].tolist())) == 3
    power = _relit(image, contrast=0.1).log() / image.log()
    torch.testing.assert_close(power, power[:1, :1, :1].expand(3, 4, 4))


def test_another_light_deviates_by_what_was_asked_for_and_stays_in_range() -> None:
    image = torch.full((3, 1, 1), 0.1)
    draws = torch.stack([_relit(image, seed, cast=0.2).log() for seed in range(400)]) - image.log()
    assert float(draws.std()) == pytest.approx(0.2, rel=0.1)
    bright = _relit(torch.rand(3, 9, 9), light=3.0, cast=1.0, contrast=0.5)
    assert 0 <= float(bright.min()) <= float(bright.max()) <= 1
