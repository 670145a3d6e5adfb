"""Prepared simulations: made once, when they are first drawn, and the same whenever that is."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from restorect.data.nights import Nights
from restorect.data.store import ImageStore
from restorect.errors import ConfigError

SIZES = ((6, 8), (9, 5), (7, 7))


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    for number, (height, width) in enumerate(SIZES):
        Image.fromarray(np.full((height, width, 3), 40 * number + 20, np.uint8)).save(tmp_path / f"{number}.png")
    return ImageStore(sorted(tmp_path.iterdir()), torch.device("cpu"), 1)


class Simulation:
    """Leaves noise in low and a lamp in high, and counts."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, photo: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        self.count += 1
        high = photo.clone()
        high[:, 0, 0] = 255
        return torch.randint(256, photo.shape, generator=generator, dtype=torch.uint8), high


def _nights(store: ImageStore, simulate: Simulation, numbers: tuple[int, ...] = (0, 2), seed: int = 0) -> Nights:
    return Nights(store, torch.tensor(numbers), 3, simulate, seed, memory_gb=1)


def test_each_night_is_made_once_and_only_when_asked_for(store: ImageStore) -> None:
    simulate = Simulation()
    nights = _nights(store, simulate)
    assert simulate.count == 0
    low, high = nights.pairs(torch.tensor([0, 2, 2, 0]), torch.tensor([0.0, 0.5, 0.4, 0.32]))
    assert simulate.count == 2  # nights 0, 1, 1, 0
    assert low.tolist() == [low[0], low[1], low[1], low[0]]
    for number, photo in ((0, 0), (1, 2)):
        assert nights.photos[int(low[number])].shape == (3, *SIZES[photo])
        assert nights.photos[int(low[number])].float().std() > 40
        good = nights.photos[int(high[number])]
        assert torch.equal(good[:, 1:], store[photo][:, 1:])
        assert (good[:, 0, 0] == 255).all()
    again, _ = nights.pairs(torch.tensor([2]), torch.tensor([0.99]))
    assert simulate.count == 3
    assert again not in low


def test_a_night_does_not_depend_on_when_it_is_made(store: ImageStore) -> None:
    photos, shares = torch.tensor([0, 0, 0, 2, 2, 2]), torch.tensor([0.1, 0.5, 0.9] * 2)
    one, other = _nights(store, Simulation()), _nights(store, Simulation())
    one.pairs(photos, shares)
    for n in (4, 0, 5, 2, 1, 3):
        other.pairs(photos[n : n + 1], shares[n : n + 1])
    assert torch.equal(one.photos.pixels, other.photos.pixels)
    lows = [one.photos[int(n)].flatten()[:20].tolist() for n in one.pairs(photos, shares)[0]]
    assert len({tuple(low) for low in lows}) == 6
    differ = _nights(store, Simulation(), seed=1)
    differ.pairs(photos, shares)
    assert not torch.equal(one.photos.pixels, differ.photos.pixels)


def test_they_must_fit(store: ImageStore) -> None:
    need = 2 * 3 * 3 * (48 + 49) / 1e9
    Nights(store, torch.tensor([0, 2]), 3, Simulation(), 0, need)
    message = "data.sampling.nights: 3 of each photo take 0.0 GB, a third of data.memory_gb is 0.0 GB; give fewer"
    with pytest.raises(ConfigError, match=re.escape(message)):
        Nights(store, torch.tensor([0, 2]), 3, Simulation(), 0, 0.99 * need)
