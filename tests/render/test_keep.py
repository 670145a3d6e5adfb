"""A share of what was seen stays in the restoration."""

import pytest
import torch
from toned_restoration import toned_restoration

from restorect.errors import ConfigError
from restorect.render.balance import BalanceConfig
from restorect.render.keep import KeepConfig
from restorect.render.step import Scene


def _random(seed: int, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.rand(2, 3, 24, 16, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_it_mixes_what_was_seen_not_the_photo_as_it_came(share: float) -> None:
    image, photo, seen = _random(0), _random(1), _random(2)
    mixed = KeepConfig(share=share).build()(image, Scene(photo, seen, seen))
    torch.testing.assert_close(mixed, (1 - share) * image + share * seen)


def test_what_is_too_bright_is_white_before_it_is_mixed() -> None:
    image, seen = 3 * _random(0) - 1, _random(2)
    mixed = KeepConfig(share=0.5).build()(image, Scene(seen, seen, seen))
    torch.testing.assert_close(mixed, (image.clamp(0, 1) + seen) / 2)


def test_a_share_of_the_balanced_photo_is_kept() -> None:
    photo = _random(1) * torch.tensor([0.3, 0.6, 0.5]).view(1, 3, 1, 1) + 0.1
    balance = BalanceConfig(clip=0, saturation=1)
    bare = toned_restoration(before=(balance,), start="mean")[0]
    without, balanced = bare(photo), bare.see(photo)
    assert not torch.allclose(without, balanced, atol=0.02)
    for share in (0.0, 0.3, 1.0):
        kept = toned_restoration(KeepConfig(share=share), before=(balance,), start="mean")[0](photo)
        torch.testing.assert_close(kept, (1 - share) * without.clamp(0, 1) + share * balanced)


@pytest.mark.parametrize("share", [-1, 1.1])
def test_a_share_out_of_range(share: float) -> None:
    with pytest.raises(ConfigError, match="share is"):
        KeepConfig(share=share)
