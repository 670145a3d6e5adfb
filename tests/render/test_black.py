import pytest
import torch

from restorect.render.black import detail_share, noise_floor, signal_share


def test_the_noise_floor_goes_with_the_photos_white_and_no_single_pixel_decides() -> None:
    photo = torch.zeros(2, 3, 40, 50)
    photo[0, :, :4], photo[1, 0, :4] = 1.0, 0.25
    photo[1, :, 10, 10] = 1.0
    assert noise_floor(photo, 0.02).flatten().tolist() == pytest.approx([0.02, 0.005])
    assert float(noise_floor(torch.zeros(1, 3, 1, 1), 0.02)) == pytest.approx(0.001)
    assert float(noise_floor(torch.ones(1, 3, 1, 1), 0.02)) == pytest.approx(0.02)


@pytest.mark.parametrize("side", [20, 144])
def test_a_far_lamp_of_a_few_cells_is_white_however_large_the_lattice(side: int) -> None:
    night = torch.full((1, 3, side, side), 0.02)
    night[:, :, 5, 5] = 1.0
    alone = float(noise_floor(night, 0.02))
    night[:, :, 5:9, 5:9] = 1.0
    assert float(noise_floor(night, 0.02)) == pytest.approx(0.02)
    assert alone == pytest.approx(0.02 * 0.05)


def test_signal_is_none_in_black_half_at_the_floor_and_whole_above() -> None:
    light = torch.tensor([0.0, 0.01, 0.1]).view(1, 1, 1, 3)
    expected = torch.tensor([0.0, 0.5, 0.9999])
    torch.testing.assert_close(signal_share(light, torch.tensor(0.01)).flatten(), expected, atol=1e-4, rtol=0)


def test_detail_is_doubted_where_it_is_dark_and_flat_and_believed_along_structure() -> None:
    floor = torch.tensor(0.01)
    generator = torch.Generator().manual_seed(1)
    sky = 0.02 * (1 + 0.03 * torch.randn(1, 1, 40, 40, generator=generator))
    branches = sky * (1 + 0.8 * torch.sin(torch.arange(40.0) * 2))
    assert float(detail_share(sky, floor).max()) < 0.3
    assert float(detail_share(branches, floor).mean()) > 0.8
    assert float(detail_share(sky + 0.4, floor).min()) > 0.98
    assert float(detail_share(torch.zeros(1, 1, 1, 1), floor)) == 0
