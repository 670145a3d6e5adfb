"""Samples with their codes, what lies between two, and how far they lie apart; on small random students."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from restorect.errors import ConfigError
from restorect.infer.options import Options
from restorect.infer.restorer import Restorer
from restorect.infer.samples import between
from restorect.infer.spread import spread
from restorect.nets.blocks import Modulation
from restorect.nets.checkpoint import Card
from restorect.nets.codes import Codes, noise_codes
from restorect.nets.presets import student_preset
from restorect.render.restoration import Restoration, RestorationConfig


def several(restorer: Restorer, image: Any, count: int, **options: Any) -> list[Any]:
    """The images alone, from darker to brighter."""
    return restorer.restore(image, Options(samples=count, **options)).images


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    torch.manual_seed(0)
    student = Restoration(RestorationConfig(student=student_preset("nano")))
    torch.nn.init.normal_(student.student.transformer.stem.output.weight, std=0.05)  # more would leave the range
    for module in student.modules():
        if isinstance(module, Modulation):
            torch.nn.init.normal_(module.weight.weight, std=0.2)
    return Restorer(student, Card(kind="student", task="low-light", preset="nano"), "random", torch.device("cpu"))


def _image(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.3, 0.7, (24, 20, 3)).astype(np.float32)


def test_samples_are_those_of_a_call_with_codes_that_give_them_again(restorer: Restorer) -> None:
    image = _image()
    samples = restorer.sample(image, 4, seed=5)
    for sample, called in zip(samples, several(restorer, image, 4, seed=5), strict=True):
        assert np.array_equal(sample.image, called)
        assert sample.codes.rex.shape == sample.codes.img.shape == (1, 256)
        assert np.array_equal(restorer.restore_with(image, sample.codes), sample.image)
    means = [float(sample.image.mean()) for sample in samples]
    assert means == sorted(means)
    assert len(set(means)) == 4
    (one,) = restorer.sample(image, 1, seed=5)
    assert any(np.array_equal(one.image, sample.image) for sample in samples)


def test_codes_of_a_batch_stay_with_their_image(restorer: Restorer) -> None:
    batch = torch.from_numpy(np.stack([_image(1), _image(2) * 0.5])).permute(0, 3, 1, 2)
    samples = restorer.sample(batch, 3)
    for sample in samples:
        assert torch.allclose(restorer.restore_with(batch, sample.codes), sample.image, atol=1e-6)


def test_between_two_samples_lies_a_path_from_one_to_the_other(restorer: Restorer) -> None:
    image = _image()
    first, *_, last = restorer.sample(image, 4)
    path = [restorer.interpolate(image, first.codes, last.codes, t) for t in (0, 0.25, 0.5, 0.75, 1)]
    assert np.array_equal(path[0], first.image)
    assert np.array_equal(path[-1], last.image)
    whole = np.abs(last.image - first.image).mean()
    assert all(0 < np.abs(b - a).mean() < whole for a, b in pairwise(path))
    away = [np.abs(each - first.image).mean() for each in path]
    assert away == sorted(away)


def test_the_great_circle_keeps_length_and_goes_evenly() -> None:
    a, b = (noise_codes(3, torch.Generator().manual_seed(seed)) for seed in (0, 1))
    assert between(a, b, 0) is not None
    half = between(a, b, 0.5)
    for za, zb, z in zip(a, b, half, strict=True):
        torch.testing.assert_close(z.norm(dim=1), (za.norm(dim=1) + zb.norm(dim=1)) / 2)
        cosines = [torch.cosine_similarity(z, end) for end in (za, zb)]
        torch.testing.assert_close(*cosines)
    right = Codes(torch.eye(2, 256)[:1], torch.eye(2, 256)[:1])
    up = Codes(torch.eye(2, 256)[1:], torch.eye(2, 256)[1:])
    third = between(right, up, 1 / 3).rex[0, :2]
    torch.testing.assert_close(third, torch.tensor([3**0.5 / 2, 0.5]))
    for same in (between(a, a, 0.3), between(a, Codes(2 * a.rex, 2 * a.img), 0.0)):
        torch.testing.assert_close(same.rex, a.rex)
    assert torch.isfinite(between(a, Codes(-a.rex, -a.img), 0.5).rex).all()


def test_odd_requests_are_refused(restorer: Restorer) -> None:
    image = _image()
    one, two = (noise_codes(n, torch.Generator().manual_seed(0)) for n in (1, 2))
    for message, call in {
        "t is 1.5": lambda: restorer.interpolate(image, one, one, 1.5),
        "cannot be blended": lambda: restorer.interpolate(image, one, two, 0.5),
        "codes of 2 photographs do not fit 1": lambda: restorer.restore_with(image, two),
        "samples is 0": lambda: restorer.sample(image, 0),
        "a spread needs at least 2": lambda: restorer.uncertainty(image, samples=1),
        "brightness is 4": lambda: restorer.restore_with(image, one, brightness=4),
        "brightness is -9": lambda: restorer.sample(image, 2, brightness=[0, -9]),
        "3 numbers as brightness do not fit 2 samples": lambda: restorer.sample(image, 2, brightness=(0, 1, 2)),
        "strength is 2": lambda: restorer.uncertainty(image, strength=2),
    }.items():
        with pytest.raises(ConfigError, match=message):
            call()


def test_strength_0_keeps_the_image(restorer: Restorer) -> None:
    image = _image()
    code = noise_codes(1, torch.Generator().manual_seed(0))
    assert np.array_equal(restorer.restore_with(image, code, strength=0), image)
    assert restorer.uncertainty(image, samples=3, strength=0).max() < 1e-6


def test_samples_are_brightened_all_alike_or_each_by_its_own_stops(restorer: Restorer) -> None:
    image, stops = _image(), [1.0, 0.0, -1.0]
    plain = restorer.sample(image, 3, seed=2)
    for own, sample, before in zip(stops, restorer.sample(image, 3, seed=2, brightness=stops), plain, strict=True):
        assert torch.equal(sample.codes.rex, before.codes.rex)
        assert np.array_equal(sample.image, restorer.restore_with(image, before.codes, brightness=own))
    assert np.array_equal(sample.image, restorer.interpolate(image, before.codes, before.codes, 0, brightness=-1))
    for sample, called in zip(
        restorer.sample(image, 3, seed=2, brightness=0.5),
        several(restorer, image, 3, seed=2, brightness=0.5),
        strict=True,
    ):
        assert np.array_equal(sample.image, called)
        assert np.array_equal(sample.image, restorer.restore_with(image, sample.codes, brightness=0.5))
    batch = torch.from_numpy(np.stack([_image(1), _image(2) * 0.5])).permute(0, 3, 1, 2)
    for own, sample in zip(stops, restorer.sample(batch, 3, brightness=stops), strict=True):
        again = restorer.restore_with(batch, sample.codes, brightness=own)
        assert torch.allclose(again, sample.image, atol=1e-6)


def test_doubt_is_that_of_the_brightened_samples(restorer: Restorer) -> None:
    image = _image()
    expected = spread(several(restorer, image, 4, seed=1, brightness=-2), axis=2)
    np.testing.assert_allclose(restorer.uncertainty(image, 4, seed=1, brightness=-2), expected, atol=1e-6)
    assert restorer.uncertainty(image, 4, seed=1, brightness=-2).mean() < restorer.uncertainty(image, 4, seed=1).mean()


def test_uncertainty_is_the_deviation_of_the_samples(restorer: Restorer) -> None:
    image = _image()
    doubt = restorer.uncertainty(image, samples=4, seed=2)
    samples = np.stack(several(restorer, image, 4, seed=2)).astype(np.float64)
    expected = np.sqrt(samples.var(axis=0).mean(axis=-1))
    assert (doubt.shape, doubt.dtype) == (image.shape[:2], np.float32)
    np.testing.assert_allclose(doubt, expected, atol=1e-5)
    assert doubt.max() > 1e-3
    coded = restorer.uncertainty(np.round(image * 255).astype(np.uint8), samples=4, seed=2)
    assert np.abs(coded - doubt).max() < 0.02
    tensor = torch.from_numpy(image).permute(2, 0, 1)
    np.testing.assert_allclose(restorer.uncertainty(tensor, 4, 2).numpy(), doubt, atol=1e-6)
    assert restorer.uncertainty(torch.stack([tensor, tensor]), 2).shape == (2, 24, 20)


def test_the_spread_of_known_images() -> None:
    black, white = np.zeros((2, 3, 3), np.float32), np.ones((2, 3, 3), np.float32)
    np.testing.assert_allclose(spread([black, white], axis=2), np.full((2, 3), 0.5))
    np.testing.assert_allclose(spread([white], axis=2), np.zeros((2, 3)))
    red = black.copy()
    red[..., 0] = 1
    np.testing.assert_allclose(spread([black, red], axis=2), np.full((2, 3), 0.5 / 3**0.5))
    assert torch.equal(
        spread(iter([torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)]), axis=1), torch.full((1, 2, 2), 0.5)
    )
