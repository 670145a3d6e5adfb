"""The exposure of a restoration: the mean that is asked for, black and white kept, each photo by itself."""

import pytest
import torch
from toned_restoration import toned_restoration

from restorect.errors import ConfigError
from restorect.nets.tone import lifted
from restorect.render.balance import BalanceConfig
from restorect.render.exposure import ExposureConfig, ExposureNet, ExposureNetConfig, exposure_curve
from restorect.render.step import Scene


def _photo(scale: float, count: int = 1) -> torch.Tensor:
    return scale * torch.rand(count, 3, 96, 96, generator=torch.Generator().manual_seed(0))


def _exposed(image: torch.Tensor, mean: float, trust: float) -> torch.Tensor:
    """What the step makes of an image where a constant tells the mean."""
    step = ExposureConfig(trust=trust, source="constant", mean=mean).build()
    dark = torch.zeros_like(image)  # looks at nothing else
    return step(image, Scene(dark, dark, dark))  # type: ignore[no-any-return]


def _net(lively: bool = True) -> ExposureNet:
    torch.manual_seed(0)
    net = ExposureNet(ExposureNetConfig(width=8), 0.45).eval().requires_grad_(False)
    if lively:
        torch.nn.init.normal_(net.output.weight, std=10)
    return net


def test_full_trust_changes_nothing() -> None:
    photo = _photo(1.3) - 0.1
    assert torch.equal(_exposed(photo, 0.45, 1.0), photo)


@pytest.mark.parametrize("scale", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("trust", [0.0, 0.7])
def test_the_mean_is_the_weighted_geometric_one(scale: float, trust: float) -> None:
    photo = _photo(scale)
    wanted = float(photo.mean()) ** trust * 0.45 ** (1 - trust)
    assert float(_exposed(photo, 0.45, trust).mean()) == pytest.approx(wanted, abs=1e-4)


def test_black_and_white_stay_and_order_is_kept() -> None:
    ramp = torch.linspace(0, 1, 96).expand(1, 3, 96, 96)
    bent = _exposed(ramp, 0.8, 0.2)[0, 0, 0]
    assert (bent[0], bent[-1]) == (0, pytest.approx(1, abs=1e-6))
    assert (bent.diff() > 0).all()
    beyond = _exposed(2 * ramp - 0.5, 0.8, 0.2)
    assert (beyond.min(), beyond.max()) == (0, pytest.approx(1, abs=1e-6))


def test_each_photo_by_itself_and_any_size() -> None:
    photos, wanted = torch.cat([_photo(0.3), _photo(0.9)]), torch.tensor([[0.6], [0.3]])
    together = exposure_curve(photos, wanted, 0.5)
    assert together.shape == (2, 1, 1, 1)
    alone = [exposure_curve(photo[None], mean, 0.5) for photo, mean in zip(photos, wanted, strict=True)]
    assert torch.equal(together, torch.cat(alone))
    means = lifted(photos, together).mean(dim=(1, 2, 3))
    torch.testing.assert_close(means, (photos.mean(dim=(1, 2, 3)) * wanted[:, 0]).sqrt(), atol=1e-4, rtol=0)
    for size in ((1, 1), (1, 300), (500, 2)):
        for wished in (0.45, 1.7):  # brighter than white: as bright as can be
            assert torch.isfinite(exposure_curve(torch.zeros(1, 3, *size), wished, 0.5)).all()


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


def test_a_curve_that_is_given_is_taken_whatever_the_image_is() -> None:
    photo, k = _photo(0.4), torch.full((1, 1, 1, 1), 3.0)
    step = ExposureConfig(trust=0.5).build()
    torch.testing.assert_close(step(photo, Scene(photo, photo, photo, k)), 3 * photo / (1 + 2 * photo))


def test_who_tells_how_bright() -> None:
    photo, seen = _photo(0.2, 2), _photo(0.9, 2)
    scene = Scene(photo, seen, seen * torch.tensor([1.0, 0.5]).view(2, 1, 1, 1))
    assert ExposureConfig(source="constant", mean=0.3).build().expected(scene) == 0.3
    told = ExposureConfig(source="seen").build().expected(scene)
    torch.testing.assert_close(told, scene.thumbnail.mean(dim=(1, 2, 3))[:, None])
    bounds = (
        ExposureConfig(source="seen")
        .build()
        .expected(scene._replace(thumbnail=torch.tensor([0.0, 1.0]).view(2, 1, 1, 1)))
    )
    torch.testing.assert_close(bounds, torch.tensor([[0.05], [0.9]]))  # no good photograph is darker or brighter
    step = ExposureConfig(source="net", net=ExposureNetConfig(width=8)).build().eval().requires_grad_(False)
    torch.nn.init.normal_(step.net.output.weight, std=10)
    assert torch.equal(step.expected(scene), step.net(photo))
    assert not torch.allclose(step.net(photo), step.net(seen), atol=1e-3)


def test_without_an_exposure_net_the_balanced_photo_tells_how_bright() -> None:
    mixed = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0)) ** torch.tensor([2.0, 0.8, 1.0]).view(
        1, 3, 1, 1
    )
    wet = mixed * torch.tensor([0.3, 0.6, 0.5]).view(1, 3, 1, 1) + torch.tensor([0.05, 0.2, 0.3]).view(1, 3, 1, 1)
    photos, balance = torch.cat([wet, 0.9 * mixed**0.5]), BalanceConfig(clip=0, gain=20, saturation=1)
    bare = toned_restoration(before=(balance,), start="mean")[0]
    own, balanced = (images.mean(dim=(1, 2, 3)) for images in (bare(photos).clamp(0, 1), bare.see(photos)))
    assert (own / balanced - 1).abs().min() > 0.02
    for trust in (0.0, 0.5):
        step = ExposureConfig(trust=trust, source="seen")
        restored = toned_restoration(step, before=(balance,), start="mean")[0](photos)
        wanted = own**trust * balanced ** (1 - trust)
        torch.testing.assert_close(restored.mean(dim=(1, 2, 3)), wanted, atol=1e-3, rtol=0)


@pytest.mark.parametrize("setting", [{"trust": 2}, {"trust": -0.1}, {"mean": 0}, {"mean": 1}])
def test_settings_out_of_range(setting: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(setting))} is"):
        ExposureConfig(**setting)  # type: ignore[arg-type]


@pytest.mark.parametrize("setting", [{"width": 0}, {"width": 5000}, {"dropout": 1}])
def test_shapes_of_the_net_out_of_range(setting: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(setting))} is"):
        ExposureNetConfig(**setting)  # type: ignore[arg-type]
