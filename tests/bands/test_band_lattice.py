"""The lattice is taken from rows as it is from the whole."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lively import noise
from torch.nn import functional as F

from restorect.bands.lattice import Unlattice
from restorect.nets.lattice import unfold_without_lattice


def by_rows(folded: torch.Tensor, stem: int, step: int) -> torch.Tensor:
    channels, height, width = folded.shape[1:]
    unlattice, done = Unlattice(channels, height, width, stem, folded.device), []
    for first in range(0, height, step):
        for begin, rows in unlattice.take(first, folded[:, :, first : first + step]):
            assert begin == sum(each.shape[2] for each in done)
            done.append(rows)
    return F.pixel_shuffle(torch.cat(done, dim=2), stem)


@given(st.integers(1, 60), st.integers(1, 30), st.sampled_from([2, 4]), st.integers(1, 70))
def test_bands_of_any_height(height: int, width: int, stem: int, step: int) -> None:
    folded = 1 + noise(1, 2 * stem**2, height, width)
    expected = unfold_without_lattice(folded, stem)
    torch.testing.assert_close(by_rows(folded, stem, step), expected, atol=3e-6, rtol=0)


@pytest.mark.parametrize("step", [1, 5, 40])
def test_a_lattice_goes_and_a_picture_stays(step: int) -> None:
    lattice = noise(1, 16, 1, 1).expand(1, 16, 40, 30)
    gone = by_rows(lattice, 4, step)
    torch.testing.assert_close(gone, gone.mean().expand_as(gone), atol=1e-5, rtol=0)
    ramp = F.pixel_unshuffle(torch.linspace(0, 1, 168).view(1, 1, 168, 1).expand(1, 1, 168, 120), 4)
    inner = slice(30, 130)  # at the ends of a ramp its mean is not known
    torch.testing.assert_close(by_rows(ramp, 4, step)[:, :, inner], F.pixel_shuffle(ramp, 4)[:, :, inner])
