"""The exposure of a restoration: the mean that is asked for, black and white kept, each photo by itself."""

import pytest
import torch

from restorect.nets.exposure import ExposureConfig, ExposureNet, shrink_exposure


def _photo(scale: float, count: int = 1) -> torch.Tensor:
    return scale * torch.rand(count, 3, 96, 96, generator=torch.Generator().manual_seed(0))


def _net(lively: bool = True) -> ExposureNet:
    torch.manual_seed(0)
    net = ExposureNet(ExposureConfig(width=8), 0.45).eval().requires_grad_(False)
    if lively:
        torch.nn.init.normal_(net.output.weight, std=10)
    return net


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
    photos, wanted = torch.cat([_photo(0.3), _photo(0.9)]), torch.tensor([[0.6], [0.3]])
    together = shrink_exposure(photos, wanted, 0.5)
    alone = [shrink_exposure(photo[None], mean, 0.5) for photo, mean in zip(photos, wanted, strict=True)]
    assert torch.equal(together, torch.cat(alone))
    for size in ((1, 1), (1, 300), (500, 2)):
        for wished in (0.45, 1.7):  # brighter than white: as bright as can be
            assert torch.isfinite(shrink_exposure(torch.zeros(1, 3, *size), wished, 0.5)).all()


def test_an_untrained_net_gives_the_mean_it_starts_from() -> None:
    means = _net(lively=False)(_photo(0.2, 3))
    assert means.shape == (3, 1)
    torch.testing.assert_close(means, torch.full((3, 1), 0.45))


def test_the_net_reads_photos_of_any_size_and_each_by_itself() -> None:
    net = _net()
    photos = torch.cat([_photo(0.2), _photo(0.9)])
    torch.testing.assert_close(net(photos), torch.cat([net(photo[None]) for photo in photos]))
    for size in ((1, 1), (1, 300), (500, 2)):
        for image in (torch.zeros(1, 3, *size), torch.ones(1, 3, *size)):
            assert 0 < net(image).item() < 1


def test_the_net_sees_the_light() -> None:
    net = _net()
    dark, bright = net.logit(_photo(0.05)), net.logit(_photo(0.5))
    assert float((dark - bright).abs()) > 1e-2
