import math

import torch

from restorect.nets.statistics import DARKEST, GRID, SHARES, STATISTICS, light_statistics

_QUANTILES = 4 * len(SHARES)


def test_of_an_even_view_all_is_known() -> None:
    view = torch.tensor([0.0, 0.25, 0.5]).view(1, 3, 1, 1).expand(1, 3, 12, 12)
    told = light_statistics(view)
    values = torch.tensor([0.0, 0.25, 0.5, 0.5])
    expected = []
    for numbers in (values, (values + DARKEST).log()):
        expected += [numbers.repeat_interleave(len(SHARES)), numbers, torch.zeros(4)]
    expected.append(torch.full((GRID**2,), math.log(0.25 + DARKEST)))
    assert told.shape == (1, STATISTICS)
    assert torch.allclose(told[0], torch.cat(expected), atol=1e-6)


def test_quantiles_are_those_of_torch_to_a_pixel() -> None:
    view = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    told = light_statistics(view)[:, :_QUANTILES].view(2, 4, -1)
    channels = torch.cat([view, view.amax(dim=1, keepdim=True)], dim=1).flatten(2)
    expected = torch.quantile(channels, torch.tensor(SHARES), dim=2).movedim(0, 2)
    assert torch.allclose(told, expected, atol=1e-3)


def test_only_the_grid_knows_where_light_is() -> None:
    view = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    turned = light_statistics(view.flip(3))
    told = light_statistics(view)
    assert torch.allclose(told[:, : -(GRID**2)], turned[:, : -(GRID**2)], atol=1e-5)
    grids = (statistics[0, -(GRID**2) :].view(GRID, GRID) for statistics in (told, turned))
    first, second = grids
    assert torch.allclose(first.flip(1), second, atol=1e-5)
    assert not torch.allclose(first, second, atol=1e-3)


def test_each_photo_is_counted_alone() -> None:
    views = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    alone = torch.cat([light_statistics(view[None]) for view in views])
    assert torch.allclose(light_statistics(views), alone, atol=1e-6)
