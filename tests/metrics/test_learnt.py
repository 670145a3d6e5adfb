"""BRISQUE, BIQI, and the regression under them."""

import math
from importlib.resources import files
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from restorect.errors import DataError
from restorect.metrics.biqi import biqi, biqi_features, fit_biqi, load_biqi, subbands
from restorect.metrics.brisque import brisque, brisque_features, fit_brisque, load_brisque, published_brisque
from restorect.metrics.parameters.fitted import Parameters, write_parameters
from restorect.metrics.pretrained import WeightsNeeded
from restorect.metrics.ratings import read_ratings
from restorect.metrics.svr import fit_svr


def noisy(photo: Tensor, level: float, seed: int = 0) -> Tensor:
    return (photo + level * torch.randn(photo.shape, generator=torch.Generator().manual_seed(seed))).clamp(0, 1)


def blurred(photo: Tensor, width: int) -> Tensor:
    return F.avg_pool2d(photo, width, 1, width // 2) if width > 1 else photo


def test_the_regression_stays_within_epsilon_of_what_it_can_reach() -> None:
    x = torch.linspace(-3, 3, 60).double().unsqueeze(1)
    y = torch.stack([torch.sin(x[:, 0]), 5 + x[:, 0]], dim=1)
    fitted = fit_svr(x, y, gamma=2.0, C=100.0, epsilon=0.05)
    assert (fitted.predict(x) - y).abs().max() < 0.052
    between = torch.tensor([[0.37], [-1.234]]).double()
    assert torch.allclose(fitted.predict(between)[:, 0], torch.sin(between[:, 0]), atol=0.06)
    assert len(fitted.support) < 60  # points inside the tube carry nothing


def test_the_dual_is_optimal() -> None:
    """Karush-Kuhn-Tucker: free coefficients lie on the tube's edge, zero ones inside, those at the bound outside."""
    torch.manual_seed(0)
    x, y = torch.rand(40, 3).double(), torch.rand(40, 1).double() * 10
    C, epsilon = 2.0, 1.0
    fitted = fit_svr(x, y, gamma=1.0, C=C, epsilon=epsilon)
    error = (y - fitted.predict(x))[:, 0]
    scaled = 2 * (x - fitted.low) / (fitted.high - fitted.low) - 1
    match = (scaled[:, None] == fitted.support[None]).all(dim=2).double()
    b = match @ fitted.coefficients[:, 0]
    free = (b != 0) & (b.abs() < C)
    assert (error[b == 0].abs() <= epsilon + 1e-2).all()
    assert torch.allclose(error[free], epsilon * b[free].sign(), atol=1e-2)
    assert (error[b.abs() == C] * b[b.abs() == C].sign() >= epsilon - 1e-2).all()
    assert (b.abs() == C).any()


def test_what_cannot_be_learnt_is_refused() -> None:
    with pytest.raises(DataError, match="at least 2"):
        fit_svr(torch.rand(1, 3), torch.rand(1, 1), gamma=1, C=1, epsilon=0.1)
    with pytest.raises(DataError, match="without texture"):
        fit_svr(torch.full((3, 2), float("nan")), torch.rand(3, 1), gamma=1, C=1, epsilon=0.1)


def test_brisque_features_follow_the_paper(photo: Tensor) -> None:
    features = brisque_features(torch.cat([photo, noisy(photo, 0.2), blurred(photo, 5)]))
    assert features.shape == (3, 36)
    assert torch.allclose(features[:1], brisque_features(photo))
    plain, noise, blur = features
    assert noise[0] > plain[0] > blur[0]  # the shape of MSCN luma: noise flattens its peak, blur sharpens it
    assert noise[1] > plain[1] > blur[1]  # and its variance
    assert noise[3] < 0 < blur[3]  # neighbours of white noise do not agree, those of a blur do
    assert brisque_features(torch.full((1, 3, 20, 20), 0.5)).isnan().any()


def test_brisque_learns_to_order_noise(photo: Tensor, tmp_path: Path) -> None:
    levels = torch.linspace(0, 0.3, 16).double()
    features = torch.cat([brisque_features(noisy(photo, float(level), seed)) for seed, level in enumerate(levels)])
    regressor = fit_brisque(features, 100 * levels)
    file = tmp_path / "brisque.safetensors"
    write_parameters(file, Parameters(metric="brisque", tensors=regressor.tensors))
    loaded = load_brisque(file)
    scores = [brisque(noisy(photo, level, 99), loaded).item() for level in (0.03, 0.13, 0.27)]
    assert scores == pytest.approx([3, 13, 27], abs=5)


def test_the_published_regression_is_libsvm_s_formula() -> None:
    """y(x) = sum_i c_i exp(-gamma |x_i - x|^2) - rho, over features scaled to [-1, 1], computed without tensors."""
    folder = files("restorect.metrics.parameters")
    lines = (folder / "brisque.model").read_text().splitlines()
    limits = [[float(x) for x in line.split()[1:]] for line in (folder / "brisque.range").read_text().splitlines()[2:]]
    assert (lines[2], lines[5], len(limits)) == ("gamma 0.05", "rho -155.845", 36)
    features = torch.rand(3, 36, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = published_brisque().predict(features)[:, 0].tolist()
    for row, value in zip(features.tolist(), found, strict=True):
        x = [2 * (f - low) / (high - low) - 1 for f, (low, high) in zip(row, limits, strict=True)]
        wanted = 155.845
        for line in lines[8:]:
            coefficient, *words = line.split()
            support = {int(k): float(v) for k, v in (word.split(":") for word in words)}
            distance = sum((support.get(k, 0.0) - one) ** 2 for k, one in enumerate(x, 1))
            wanted += float(coefficient) * math.exp(-0.05 * distance)
        assert value == pytest.approx(wanted, abs=1e-6)


def test_published_scores_rise_with_noise_and_blur_within_their_scale(photo: Tensor) -> None:
    regressor = published_brisque()
    plain, noise, blur = (brisque(x, regressor).item() for x in (photo, noisy(photo, 0.1), blurred(photo, 15)))
    assert -10 < plain < min(noise, blur) - 10
    assert max(noise, blur) < 120


def test_the_wavelet_is_the_97_and_nearly_keeps_energy() -> None:
    impulse = torch.zeros(1, 64, 64, dtype=torch.float64)
    impulse[0, 32, 32] = 1
    constant = subbands(torch.full((1, 64, 64), 3.0).double())
    assert all(band.abs().max() < 1e-9 for band in constant)
    ramp = torch.arange(64).double().pow(3).expand(1, 64, 64)
    inner = subbands(ramp)[1][0, 4:-4, 4:-4]
    assert inner.abs().max() < 1e-6  # four vanishing moments: cubics leave no detail
    noise = torch.randn(1, 256, 256, dtype=torch.float64)
    energies = [band.square().mean().item() for band in subbands(noise)]
    assert energies == pytest.approx([1.0] * 9, abs=0.25)
    assert [tuple(band.shape[1:]) for band in subbands(torch.rand(1, 70, 41).double())] == [(32, 20)] * 3 + [
        (16, 10)
    ] * 3 + [(8, 5)] * 3


def test_orientations_are_told_apart() -> None:
    stripes = torch.ones(1, 64, 64).double()
    stripes[:, ::2] = -1
    horizontal, vertical, diagonal = (band.square().sum().item() for band in subbands(stripes)[:3])
    assert horizontal > 1e3 * max(vertical, diagonal, 1e-12)


def test_biqi_learns_two_distortions(photo: Tensor, tmp_path: Path) -> None:
    rated = [(noisy(photo, 0.02 * i, i), 20.0 * i, "noise") for i in range(1, 6)]
    rated += [(blurred(photo, 2 * i + 1), 10.0 * i, "blur") for i in range(1, 6)]
    features = torch.cat([biqi_features(image) for image, _, _ in rated])
    assert features.shape == (10, 18)
    regressor = fit_biqi(features, torch.tensor([s for _, s, _ in rated]), [k for _, _, k in rated])
    file = tmp_path / "biqi.safetensors"
    write_parameters(file, Parameters(metric="biqi", tensors=regressor.tensors))
    images = torch.cat([image for image, _, _ in rated])
    scores = biqi(images, load_biqi(file))
    assert torch.allclose(scores, torch.tensor([s for _, s, _ in rated]), atol=8)
    single = fit_biqi(features[:5], torch.tensor([s for _, s, _ in rated[:5]]), ["any"] * 5)
    assert torch.allclose(biqi(images[:5], single), torch.tensor([20.0, 40, 60, 80, 100]), atol=2)


@pytest.mark.parametrize(("load", "name"), [(load_brisque, "brisque"), (load_biqi, "biqi")])
def test_without_parameters_there_is_no_figure(load, name: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for file in (None, tmp_path / "absent.safetensors"):
        with pytest.raises(WeightsNeeded, match=rf"needs parameters {name}, see docs/metrics\.md .*fit-{name}"):
            load(file)


def test_ratings(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    table = tmp_path / "scores.csv"
    table.write_text("file,score,kind\na.png,3.5,blur\na.png,4,\n", encoding="utf-8")
    first, second = read_ratings(table)
    assert (first.path, first.score, first.kind, second.kind) == (tmp_path / "a.png", 3.5, "blur", "any")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("file,score\n", "has no rows"),
        ("name,score\na.png,1\n", "line 2: needs the columns"),
        ("file,score\na.png,good\n", "line 2: the score 'good' is no number"),
        ("file,score\na.png,nan\n", "line 2: the score 'nan' is no number"),
        ("file,score\nb.png,1\n", "line 2: there is no photograph"),
    ],
)
def test_unusable_ratings_name_the_line(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "a.png").touch()
    table = tmp_path / "scores.csv"
    table.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=reason):
        read_ratings(table)
