"""What samples are drawn from."""

import re

import pytest
import torch

from restorect.data.sampling import Draws, SamplingConfig, draw, generator_for
from restorect.errors import ConfigError


def _equal(one: Draws, other: Draws) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_draws_belong_to_the_position_and_not_to_its_company_or_the_config() -> None:
    whole = draw(range(50), SamplingConfig(), 0)
    some = torch.tensor([7, 3, 44])
    assert _equal(whole.at(some), draw(some.tolist(), SamplingConfig(), 0))
    other = draw(range(50), SamplingConfig(simulate=0.7, identity=0.2, fused=0.5, turn=False, contrast=0.1), 0)
    for name in ("night", "scale", "place", "corner", "light"):
        assert torch.equal(getattr(whole, name), getattr(other, name))
    assert torch.equal(whole.turns[:, 2], other.turns[:, 2])
    assert not _equal(whole, draw(range(50), SamplingConfig(), 1))


def test_draws_are_distributed_as_they_are_said_to_be() -> None:
    config = SamplingConfig(simulate=0.3, identity=0.1, fused=0.6, region_scale=0.4)
    drawn = draw(range(4000), config, 5)
    for share, expected in ((drawn.simulated, 0.3), (drawn.same, 0.1), (drawn.second, 0.6)):
        assert share.float().mean().item() == pytest.approx(expected, abs=0.03)
    numbers = (drawn.turns * torch.tensor([4, 2, 1])).sum(1)
    assert (numbers.bincount() - 500).abs().max() < 90
    for shares in (drawn.night, (drawn.scale - 0.4) / 0.6, *drawn.place.T, *drawn.corner.T):
        assert ((10 * shares).long().bincount(minlength=10) - 400).abs().max() < 90
    assert drawn.light.std().item() == pytest.approx(1, abs=0.02)
    independent = torch.stack([drawn.simulated, drawn.same, drawn.second, *drawn.turns.T, drawn.night, drawn.scale,
                               *drawn.place.T, *drawn.corner.T, *drawn.light.T])  # fmt: skip
    assert torch.corrcoef(independent.double()).fill_diagonal_(0).abs().max() < 0.07


def test_without_turns_photos_are_mirrored_only() -> None:
    turns = draw(range(100), SamplingConfig(turn=False), 0).turns
    assert not turns[:, :2].any()
    assert 30 < int(turns[:, 2].sum()) < 70


def test_generators_depend_on_both_numbers_only() -> None:
    keys = [(0, 0), (0, 1), (1, 0), (0, -1), (-1, 0), (1, -1), (0, 2**40), (2**70, 3), (7, -(2**20))]
    draws = [torch.rand(4, generator=generator_for(*key)) for key in keys]
    assert len({tuple(d.tolist()) for d in draws}) == len(keys)
    assert torch.equal(draws[1], torch.rand(4, generator=generator_for(0, 1)))
    neighbours = torch.stack([torch.rand(2, generator=generator_for(0, n)) for n in range(2000)])
    assert neighbours.mean().item() == pytest.approx(0.5, abs=0.02)
    assert torch.corrcoef(torch.stack([neighbours[:-1, 0], neighbours[1:, 0]]))[0, 1].abs() < 0.08


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"simulate": -0.1}, "simulate is -0.1"),
        ({"simulate": 1.1}, "share from 0 to 1"),
        ({"fused": 1.1}, "fused is 1.1; it is a share from 0 to 1"),
        ({"identity": -1.0}, "identity is -1.0; it is a share from 0 to 1"),
        ({"half": ("lol", "")}, "half is ['lol', '']; give what stands before the first -"),
        ({"half": ("sice-",)}, "half is ['sice-']; give what stands before the first -"),
        ({"nights": -1}, "nights is -1; it must be at least 0"),
        ({"region": 31}, "at least 32 pixels"),
        ({"region_scale": 0.0}, "share above 0"),
        ({"region_scale": 1.5}, "region_scale is 1.5"),
    ],
)
def test_bad_sampling_is_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        SamplingConfig(**options)  # type: ignore[arg-type]
