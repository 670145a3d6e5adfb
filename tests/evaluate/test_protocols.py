"""Protocols: what they do to an output, in closed form."""

import pytest
import torch

from restorect.errors import ConfigError
from restorect.evaluate.protocols import PROTOCOLS, authors, find_protocol


def image(seed: int, side: int = 40) -> torch.Tensor:
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 0.5 + 0.1


def test_the_authors_protocol_forgives_every_affine_change_of_brightness() -> None:
    target = image(5, 64)
    output, y = authors(0.4 * target + 0.2, target)
    assert output.shape == y.shape == (1, 1, 256, 256)
    torch.testing.assert_close(output, y, atol=2e-5, rtol=0)


def test_the_authors_protocol_matches_mean_and_spread() -> None:
    output, y = authors(image(6), image(7))
    torch.testing.assert_close(output.mean(), y.mean(), atol=1e-4, rtol=0)
    torch.testing.assert_close(output.std(), y.std(), atol=1e-3, rtol=0)


def test_the_authors_protocol_takes_a_flat_output() -> None:
    target = image(8)
    output, y = authors(torch.full_like(target, 0.5), target)
    torch.testing.assert_close(output, torch.full_like(output, float(y.mean())))


def test_only_the_authors_protocol_is_marked_as_not_comparable() -> None:
    assert {name: p.comparable for name, p in PROTOCOLS.items()} == {
        "rgb-full": True,
        "rgb-full+gtmean": True,
        "y-256-authors": False,
    }
    assert "not comparable" in find_protocol("y-256-authors").summary
    assert find_protocol("rgb-full").label == "rgb-full/1"


def test_the_main_columns_of_gtmean_are_those_of_rgb_full() -> None:
    assert PROTOCOLS["rgb-full+gtmean"].views[0] == PROTOCOLS["rgb-full"].views[0]


def test_an_unknown_protocol_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"'rgb' is unknown; choose one of rgb-full, rgb-full\+gtmean, y-256"):
        find_protocol("rgb")
