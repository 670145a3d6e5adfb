"""Simulated photos that are prepared once and then kept: night after night of the same place."""

from collections.abc import Callable

import torch
from torch import Tensor

from restorect.configs import require
from restorect.data.flat import FlatPhotos
from restorect.data.sampling import SIMULATIONS, generator_for
from restorect.data.store import ImageStore

Simulate = Callable[[Tensor, torch.Generator], tuple[Tensor, Tensor]]


class Nights:
    """Simulated pairs of photos, each made when it is first asked for; which one it becomes does not depend on when.

    Args:
        store: where the good photos are.
        numbers: those that are simulated, (n,) int64.
        count: of nights for each photo.
        simulate: makes (low, high) of a good photo (3, H, W) as it is stored.
        seed: of the simulations.
        memory_gb: what all of them may take.

    Raises:
        ConfigError: they would take more.
    """

    def __init__(
        self, store: ImageStore, numbers: Tensor, count: int, simulate: Simulate, seed: int, memory_gb: float
    ) -> None:
        self.store, self.numbers, self.count = store, numbers, count
        self.simulate, self.seed = simulate, seed
        sizes = store.sizes[numbers].repeat_interleave(2 * count, dim=0)
        need = 3 * int(sizes.prod(dim=1).sum()) * store.dtype.itemsize / 1e9
        require(
            need <= memory_gb,
            f"data.sampling.nights: {count} of each photo take {need:.1f} GB, a third of data.memory_gb is "
            f"{memory_gb:.1f} GB; give fewer, or data.memory_gb={3 * need:.0f}",
        )
        self.photos = FlatPhotos(sizes, store.dtype, store.device)
        self._slot = torch.full((len(store),), -1)
        self._slot[numbers] = torch.arange(len(numbers)) * count
        self._made: set[int] = set()

    def pairs(self, numbers: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers in `photos` of low and high of these photos, of nights drawn as shares in [0, 1): (B,) each."""
        slots = self._slot[numbers] + (shares * self.count).long()
        for slot in set(slots.tolist()) - self._made:
            self._make(slot)
        return 2 * slots, 2 * slots + 1

    def _make(self, slot: int) -> None:
        photo = self.store[int(self.numbers[slot // self.count])]
        for number, image in enumerate(self.simulate(photo, generator_for(self.seed, SIMULATIONS + slot))):
            self.photos[2 * slot + number].copy_(image)
        self._made.add(slot)
