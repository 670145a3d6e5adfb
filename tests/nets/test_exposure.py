"""The exposure of a restoration: the mean that is asked for, black and white kept, each photo by itself."""

import pytest
import torch

from restorect.nets.exposure import shrink_exposure


def _photo(scale: float, count: int = 1) -> torch.Tensor:
    return scale * torch.rand(count, 3, 96, 96, generator=torch.Generator().manual_seed(0))


def test_full_trust_changes_nothing() -> None:
    photo = _photo(1.3)
    assert torch.equal(shrink_exposure(photo, 0.45, 1.0), photo)


@pytest.mark.parametrize("scale", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("trust", [0.0, 0.7])
def test_the_mean_is_the_weighted_geometric_one(scale: float, trust: float) -> None:
    photo = _photo(scale)
    wanted = float(photo.mean()) ** trust * 0.45 ** (1 - trust)
    assert float(shrink_exposure(photo, 0.45, trust).mean()) == pytest.approx(wanted, abs=1e-4)


def test_black_and_white_stay_and_order_is_kept() -> None:
    ramp = torch.linspace(0, 1, 96).expand(1, 3, 96, 96)
    bent = shrink_exposure(ramp, 0.8, 0.2)[0, 0, 0]
    assert (bent[0], bent[-1]) == (0, pytest.approx(1, abs=1e-6))
    assert (bent.diff() > 0).all()


def test_each_photo_by_itself_and_any_size() -> None:
    photos = torch.cat([_photo(0.3), _photo(0.9)])
    together = shrink_exposure(photos, 0.45, 0.5)
    alone = torch.cat([shrink_exposure(photo[None], 0.45, 0.5) for photo in photos])
    assert torch.equal(together, alone)
    for size in ((1, 1), (1, 300), (500, 2)):
        assert torch.isfinite(shrink_exposure(torch.zeros(1, 3, *size), 0.45, 0.5)).all()
