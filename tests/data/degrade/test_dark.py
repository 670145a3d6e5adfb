import pytest
import torch

from restorect.data.degrade.dark import DarkConfig, draw_dark
from restorect.errors import ConfigError


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _landscape(height: int = 96, width: int = 128) -> torch.Tensor:
    """A bright blue sky over a busy dark ground; the horizon is at half the height."""
    image = 0.35 * torch.rand(3, height, width, generator=_seeded(0))
    image[:, : height // 2] = torch.tensor([0.5, 0.65, 0.9]).view(3, 1, 1)
    return image


def test_none_is_one_everywhere() -> None:
    assert (draw_dark(_landscape(), _seeded(0), DarkConfig(probability=0.0)) == 1).all()


def test_maps_are_shares_and_most_have_black_and_lit_places() -> None:
    with_both = 0
    for seed in range(40):
        share = draw_dark(_landscape(), _seeded(seed), DarkConfig(probability=1.0))
        assert share.shape == (1, 96, 128)
        assert 0 <= share.min() <= share.max() <= 1
        with_both += bool((share < 1e-3).any() and (share > 0.99).any())
    assert with_both > 30


def test_skies_are_found() -> None:
    found = 0
    for seed in range(60):
        share = draw_dark(_landscape(), _seeded(seed), DarkConfig(probability=1.0, sky=(0.5, 0.5)))[0]
        found += bool((share[:40] < 0.05).float().mean() > 0.95 and (share[56:] > 0.95).float().mean() > 0.95)
    assert found >= 15  # two of five kinds look for the sky


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5)])
def test_any_size(size: tuple[int, int]) -> None:
    for seed in range(10):
        share = draw_dark(torch.rand(3, *size), _seeded(seed), DarkConfig(probability=1.0))
        assert share.shape == (1, *size)
        assert torch.isfinite(share).all()


@pytest.mark.parametrize("wrong", [{"probability": 1.2}, {"sky": (0.5, 0.1)}, {"left": (0.0, 0.5)}])
def test_config_names_the_wrong_field(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        DarkConfig(**wrong)  # type: ignore[arg-type]
