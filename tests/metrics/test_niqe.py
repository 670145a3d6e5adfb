from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from restorect.errors import CheckpointError, DataError
from restorect.metrics.niqe import NiqeModel, block_features, fit_niqe
from restorect.metrics.nss import luma8
from restorect.metrics.parameters.fitted import Parameters, read_parameters, write_parameters


@pytest.fixture(scope="module")
def shipped() -> NiqeModel:
    return NiqeModel.shipped()


def test_the_shipped_model_is_a_distribution_of_36_features(shipped: NiqeModel) -> None:
    assert shipped.mean.shape == (36,)
    assert torch.allclose(shipped.covariance, shipped.covariance.T)
    assert (torch.linalg.eigvalsh(shipped.covariance) > -1e-9).all()
    assert 2 < shipped.mean[0].item() < 4  # MSCN luma is near a Gaussian, shape 2, or flatter


def test_damage_is_less_natural(shipped: NiqeModel, stream: Tensor) -> None:
    noise = torch.randn(stream.shape, generator=torch.Generator().manual_seed(0))
    whole = shipped.score(stream).item()
    assert 0 < whole < 7
    assert shipped.score((stream + 0.1 * noise).clamp(0, 1)).item() > whole + 5
    assert shipped.score(F.interpolate(F.avg_pool2d(stream, 4), scale_factor=4, mode="nearest")).item() > whole + 5
    assert shipped.score(F.avg_pool2d(stream, 7, 1, 3)).item() > whole + 1


def test_blocks_with_the_models_own_moments_score_zero(forest: Tensor) -> None:
    features, _ = block_features(luma8(forest)[0])
    model = NiqeModel(mean=features.mean(dim=0), covariance=torch.cov(features.T))
    assert model.score(forest).item() == pytest.approx(0, abs=1e-4)


def test_the_distance_in_closed_form(forest: Tensor) -> None:
    """Beside a large isotropic covariance s the blocks' own spread vanishes: |shift| / sqrt(s / 2)."""
    features, _ = block_features(luma8(forest)[0])
    shift = torch.arange(36).double()
    model = NiqeModel(mean=features.mean(dim=0) + shift, covariance=torch.eye(36).double() * 1e8)
    assert model.score(forest).item() == pytest.approx((shift.square().sum() / 0.5e8).sqrt().item(), rel=1e-3)


def test_samples_do_not_mix_and_what_does_not_fill_a_block_is_dropped(shipped: NiqeModel, photo: Tensor) -> None:
    whole = photo[:, :, :96, :192]
    longer = F.pad(photo[:, :, :96, :192], (0, 8, 0, 50))
    both = torch.cat([whole, whole.flip(3)])
    assert torch.allclose(shipped.score(both)[:1], shipped.score(whole))
    assert torch.allclose(shipped.score(longer), shipped.score(whole), rtol=0.2)  # the filters see across the cut


def test_what_cannot_be_judged(shipped: NiqeModel) -> None:
    assert shipped.score(torch.full((1, 3, 96, 192), 0.5)).isnan().all()
    with pytest.raises(ValueError, match="two blocks"):
        shipped.score(torch.rand(1, 3, 191, 96))
    with pytest.raises(ValueError, match="96x96"):
        shipped.score(torch.rand(1, 3, 95, 300))


def test_fitting_takes_the_sharp_blocks_only(large_example: Callable[[str], Tensor]) -> None:
    photos = [large_example(name) for name in ("forest-path.jpg", "stream-night.jpg", "dogs-night.jpg")]
    photos += [photo.flip(3) for photo in photos]
    model, blocks = fit_niqe(photos)
    possible = sum((p.shape[2] // 96) * (p.shape[3] // 96) for p in photos)
    assert 36 < blocks < possible
    assert model.mean.shape == (36,)
    assert torch.linalg.eigvalsh(model.covariance).min() > -1e-9
    with pytest.raises(DataError, match="more than 36 sharp blocks"):
        fit_niqe([photos[0][:, :, :96, :192]])
    with pytest.raises(DataError, match="got 0"):
        fit_niqe([torch.rand(1, 3, 50, 50)])


def test_parameters_survive_a_file(tmp_path: Path) -> None:
    file = tmp_path / "niqe.safetensors"
    tensors = {"mean": torch.rand(36).double(), "covariance": torch.eye(36).double()}
    write_parameters(file, Parameters(metric="niqe", tensors=tensors, origin={"photographs": 3}))
    back = read_parameters(file, metric="niqe")
    assert torch.equal(back.tensors["mean"], tensors["mean"])
    assert back.origin == {"photographs": 3}
    with pytest.raises(FileExistsError):
        write_parameters(file, Parameters(metric="niqe", tensors=tensors))
    with pytest.raises(CheckpointError, match="needs parameters of 'brisque'"):
        read_parameters(file, metric="brisque")
    file.write_bytes(b"no parameters")
    with pytest.raises(CheckpointError, match=r"niqe\.safetensors: cannot be read"):
        read_parameters(file, metric="niqe")
