"""The Restorer, on small random students."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from restorect.colour import srgb_to_linear
from restorect.errors import CheckpointError, ConfigError, DeviceError, ImageError
from restorect.files import file_hash
from restorect.flow.velocity import VelocityConfig
from restorect.infer.options import Options
from restorect.infer.restorer import Restorer, peak_bytes
from restorect.nets.blocks import Modulation
from restorect.nets.checkpoint import save_checkpoint
from restorect.nets.codes import mean_codes, noise_codes
from restorect.nets.priors import PriorConfig
from restorect.nets.student import StudentConfig
from restorect.nets.transformer import TransformerConfig
from restorect.render.checkpoint import restoration_card
from restorect.render.exposure import ExposureConfig
from restorect.render.restoration import Restoration, RestorationConfig
from restorect.weights import catalogue

Array = np.ndarray[Any, Any]
SIZE = (21, 13)


def several(restorer: Restorer, image: Any, count: int, **options: Any) -> list[Any]:
    """The images alone, from darker to brighter."""
    return restorer.restore(image, Options(samples=count, **options)).images


def _write(path: Path, **options: Any) -> Path:
    """A student whose codes and output are not as shy as at the start of training."""
    torch.manual_seed(0)
    config = StudentConfig(
        transformer=TransformerConfig(dim=8, blocks=(1, 1, 1, 1), refine=1, stem=2),
        conditions=PriorConfig(width=4, blocks=1, view=16),
        velocity=VelocityConfig(width=16, blocks=1),
        **options,
    )
    around = RestorationConfig(student=config, after=(ExposureConfig(trust=0.7),))  # whoever goes past it is found out
    student = Restoration(around)
    with torch.no_grad():
        student.student.transformer.stem.output.weight *= 3
        for module in student.modules():
            if isinstance(module, Modulation):
                module.weight.weight *= 8
    save_checkpoint(path, student, restoration_card(around, task="low-light", preset="mine"))
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write(tmp_path_factory.mktemp("weights") / "mine.safetensors")


@pytest.fixture(scope="module")
def restorer(weights: Path) -> Restorer:
    return Restorer.load(weights=weights)


def _floats(*shape: int, seed: int = 0) -> Array:
    """Values away from black and white, so that the network's change is not cut off."""
    return np.random.default_rng(seed).uniform(0.3, 0.7, shape).astype(np.float32)


def _image(dtype: type = np.uint8, *size: int) -> Array:
    white = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[dtype]
    image = _floats(*(size or SIZE), 3) * np.float32(white)
    return image.astype(np.float32) if dtype is np.float32 else np.round(image).astype(dtype)


def _linear(image: Array) -> Array:
    return srgb_to_linear(torch.from_numpy(image).double()).numpy()


def test_loading_tells_what_was_loaded(weights: Path) -> None:
    restorer = Restorer.load("backlit", "huge", weights=str(weights))  # task and size are not looked at
    assert (restorer.task, restorer.size, restorer.default_steps) == ("low-light", "mine", 4)
    assert restorer.card.kind == "student"
    assert restorer.weights_hash == file_hash(weights)
    assert restorer.device == torch.device("cpu")
    assert not restorer.network.training
    assert not any(p.requires_grad for p in restorer.network.parameters())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (16, 16), (33, 18)])
def test_arrays_keep_shape_and_type(restorer: Restorer, dtype: type, size: tuple[int, int]) -> None:
    for shape in ((*size, 3), size):
        image = _image(dtype, *size)[..., : len(shape) + 1].reshape(-1)[: int(np.prod(shape))].reshape(shape)
        before = image.copy()
        out = restorer(image)
        assert isinstance(out, np.ndarray)
        assert (out.shape, out.dtype) == (image.shape, image.dtype)
        assert np.array_equal(image, before)
        assert not np.shares_memory(out, image)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("shape", [(3, 9, 14), (1, 3, 9, 14), (2, 3, 9, 14)])
def test_tensors_keep_shape_and_type(restorer: Restorer, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    image = torch.from_numpy(_floats(*shape)).to(dtype)
    before = image.clone()
    out = restorer(image)
    assert isinstance(out, Tensor)
    assert (out.shape, out.dtype, out.device) == (image.shape, image.dtype, image.device)
    assert not out.requires_grad
    assert torch.equal(image, before)


def test_it_is_the_network_from_seeded_noise(restorer: Restorer) -> None:
    image, network = torch.from_numpy(_floats(1, 3, *SIZE)), restorer.network
    for seed in (0, 5):
        start = noise_codes(1, torch.Generator().manual_seed(seed))
        expected = network(image, start).clamp(0, 1)
        assert torch.equal(restorer(image, seed=seed), expected)
    mean = network.student.generate(network.read(image), mean_codes(1))
    assert torch.equal(restorer(image, start="mean"), network.restore(network.scene(image), mean).clamp(0, 1))
    start = noise_codes(1, torch.Generator().manual_seed(0))
    assert torch.equal(restorer(image, steps=7), restorer.network(image, start, 7).clamp(0, 1))


def test_seeds_starts_and_steps_matter(restorer: Restorer) -> None:
    image = _image(np.float32)
    first = restorer(image)
    assert np.abs(first - image).max() > 0.02
    for other in (restorer(image, seed=1), restorer(image, start="mean"), restorer(image, steps=1)):
        assert np.abs(other - first).max() > 1e-5
    assert np.array_equal(first, restorer(image, seed=0, steps=4, start="noise", strength=1.0))


def test_the_same_photo_gives_the_same_bytes(restorer: Restorer, weights: Path) -> None:
    image = _image(np.float32)
    first = restorer(image).tobytes()
    restorer(_image(np.float32, 8, 30), seed=9)
    torch.rand(7)
    assert restorer(image).tobytes() == first
    assert Restorer.load(weights=weights)(image).tobytes() == first


def test_the_global_generator_is_left_alone(restorer: Restorer) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    several(restorer, _image(), 2)
    assert torch.equal(torch.rand(4), expected)


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535)])
def test_integers_are_scaled_to_white_and_rounded(restorer: Restorer, dtype: type, white: int) -> None:
    image = _image(dtype)
    exact = restorer(image.astype(np.float32) / white)
    assert np.array_equal(restorer(image), np.round(exact * white).astype(dtype))


def test_an_array_and_its_tensor_agree(restorer: Restorer) -> None:
    image = _image(np.float32)
    tensor = torch.from_numpy(image.transpose(2, 0, 1).copy())
    assert np.allclose(restorer(tensor).numpy().transpose(1, 2, 0), restorer(image), atol=1e-6)


def test_memory_order_does_not_matter(restorer: Restorer) -> None:
    image = _image()
    expected = restorer(image)
    padded = np.zeros((2 * SIZE[0], SIZE[1] + 5, 4), np.uint8)
    padded[::2, 2 : 2 + SIZE[1], 2::-1] = image
    assert np.array_equal(restorer(padded[::2, 2 : 2 + SIZE[1], 2::-1]), expected)
    assert np.array_equal(restorer(np.asfortranarray(image)), expected)


def test_grey_is_the_luma_of_its_rgb(restorer: Restorer) -> None:
    grey = _floats(*SIZE)
    rgb = restorer(np.repeat(grey[:, :, None], 3, axis=2))
    assert np.allclose(restorer(grey), rgb @ np.array([0.2126, 0.7152, 0.0722]), atol=1e-6)
    coded = np.round(grey * 255).astype(np.uint8)
    assert np.abs(restorer(coded) / 255 - restorer(coded.astype(np.float32) / 255)).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_strength_0_is_the_image_itself(restorer: Restorer, dtype: type) -> None:
    image = _image(dtype)
    out = restorer(image, strength=0)
    assert np.array_equal(out, image)
    assert not np.shares_memory(out, image)
    tensor = torch.rand(2, 3, 5, 6)
    copy = restorer(tensor, strength=0.0)
    assert torch.equal(copy, tensor)
    assert copy.data_ptr() != tensor.data_ptr()
    three = restorer.restore(image, Options(strength=0, samples=3)).images
    assert len(three) == 3
    assert all(np.array_equal(out, image) for out in three)


@pytest.mark.parametrize("strength", [0.1, 0.5, 0.9])
def test_strength_blends_in_linear_light(restorer: Restorer, strength: float) -> None:
    image = _image(np.float32)
    mixed = (1 - strength) * _linear(image) + strength * _linear(restorer(image))
    assert np.allclose(_linear(restorer(image, strength=strength)), mixed, atol=1e-5)


def test_strength_moves_every_pixel_one_way(restorer: Restorer) -> None:
    image = _image(np.float32)
    steps = np.stack([_linear(restorer(image, strength=s)) for s in (0, 0.01, 0.3, 0.6, 0.99, 1)])
    changed = np.abs(steps[-1] - steps[0]) > 1e-3
    assert changed.mean() > 0.5
    moves = np.diff(steps, axis=0) * np.sign(steps[-1] - steps[0])
    assert (moves[:, changed] > 0).all()


def test_a_slight_strength_hardly_changes_the_image(restorer: Restorer) -> None:
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    assert np.array_equal(restorer(image, strength=1e-6), image)


def test_floats_outside_are_carried_past_the_network(restorer: Restorer) -> None:
    image = _image(np.float32)
    image[2, 3], image[4, 5], image[6] = [1.5, -0.25, 0.5], [7.0, 1.0, 0.0], -3.0
    inside = image.clip(0, 1)
    expected = restorer(inside) + (image - inside)
    assert np.allclose(restorer(image), expected, atol=1e-6)
    assert np.array_equal(restorer(image, strength=0), image)


def test_the_network_s_output_is_cut_to_the_range(weights: Path) -> None:
    restorer = Restorer.load(weights=weights)
    restorer.network.student.transformer.stem.output.weight.mul_(100)
    out = restorer(_image(np.float32))
    assert (out.min(), out.max()) == (0, 1)
    coded = restorer(_image(np.uint8))
    assert (coded.min(), coded.max()) == (0, 255)


def test_samples_differ_and_go_from_dark_to_bright(restorer: Restorer) -> None:
    image = _image(np.float32)
    samples = several(restorer, image, 5, seed=2)
    assert isinstance(samples, list)
    means = [float(s.mean()) for s in samples]
    assert means == sorted(means)
    assert len({s.tobytes() for s in samples}) == 5
    alone = {restorer(image, seed=seed).tobytes() for seed in range(2, 7)}
    assert {s.tobytes() for s in samples} == alone


@pytest.mark.parametrize("stops", [-2.0, 0.7])
@pytest.mark.parametrize("strength", [1.0, 0.4])
def test_brightness_changes_the_restoration_before_it_is_blended(
    restorer: Restorer, stops: float, strength: float
) -> None:
    image = _image(np.float32)
    assert np.array_equal(restorer(image, brightness=0), restorer(image))
    full = _linear(restorer(image)).clip(0, 1)
    brightest = full.max(axis=2, keepdims=True)
    expected = (1 - strength) * _linear(image) + strength * full * 2**stops / (1 + (2**stops - 1) * brightest)
    assert np.allclose(_linear(restorer(image, strength=strength, brightness=stops)), expected, atol=1e-5)
    assert np.array_equal(restorer(image, strength=0, brightness=stops), image)
    outside = image + np.where(image > 0.5, 0.8, -0.8).astype(np.float32)
    inside = outside.clip(0, 1)
    found = restorer(outside, strength=strength, brightness=stops)
    np.testing.assert_allclose(
        found, restorer(inside, strength=strength, brightness=stops) + outside - inside, atol=1e-6
    )


def test_grey_and_whole_numbers_are_brightened_too(restorer: Restorer) -> None:
    exact = _image(np.float32)
    for white, dtype in ((255, np.uint8), (65535, np.uint16)):
        image = np.round(exact * white).astype(dtype)
        for each in (image, np.ascontiguousarray(image[..., 0])):
            dark, plain, bright = (restorer(each, brightness=stops).astype(int) for stops in (-1, 0, 1))
            assert (dark <= plain).all()
            assert (plain <= bright).all()
            assert dark.mean() < plain.mean() < bright.mean()
            assert np.array_equal(restorer(each, brightness=0.0), plain)


def test_what_lies_outside_is_added_back_once_at_any_strength(restorer: Restorer) -> None:
    image = _floats(*SIZE, 3, seed=4) * 3 - 1
    inside = image.clip(0, 1)
    expected = restorer(inside, strength=0.4) + (image - inside)
    np.testing.assert_allclose(restorer(image, strength=0.4), expected, atol=1e-6)


def test_results_are_plain_tensors_and_arrays(restorer: Restorer) -> None:
    result = restorer(torch.rand(3, *SIZE, requires_grad=True))
    assert not result.requires_grad
    result.mul_(255)  # not an inference tensor
    for dtype in (np.uint8, np.uint16, np.float32):
        assert restorer(_floats(*SIZE, 3).astype(dtype)).flags["C_CONTIGUOUS"]


def test_samples_of_a_batch_are_ordered_image_by_image(restorer: Restorer) -> None:
    batch = torch.from_numpy(_floats(3, 3, *SIZE, seed=6))
    together = several(restorer, batch, 4)
    for number, image in enumerate(batch):
        for sample, alone in zip(together, several(restorer, image, 4), strict=True):
            torch.testing.assert_close(sample[number], alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("options", [{"start": "meen"}, {"seed": 2**64}, {"seed": -1}, {"seed": 2**62}])
def test_odd_options_are_refused(restorer: Restorer, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        restorer(_floats(*SIZE, 3), **options)


def test_images_are_checked_at_strength_0_too(restorer: Restorer) -> None:
    for bad in (np.zeros((4, 4, 3), np.int32), np.full((4, 4, 3), np.nan, np.float32), [[1.0]]):
        with pytest.raises(ImageError):
            restorer(bad, strength=0)


def test_samples_of_a_mean_start_come_from_noise(tmp_path: Path) -> None:
    restorer = Restorer.load(weights=_write(tmp_path / "mean.safetensors", start="mean", steps=2))
    image = _image(np.float32)
    assert restorer.default_steps == 2
    assert np.array_equal(restorer(image, seed=0), restorer(image, seed=1))
    assert np.array_equal(restorer(image), restorer(image, start="mean", steps=2))
    assert len({s.tobytes() for s in several(restorer, image, 3)}) == 3
    noisy = restorer(image, start="noise")
    assert any(np.array_equal(noisy, s) for s in several(restorer, image, 3))


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_a_batch_equals_its_images(restorer: Restorer, strength: float) -> None:
    batch = torch.from_numpy(_floats(3, 3, *SIZE))
    alone = torch.stack([restorer(image, strength=strength) for image in batch])
    assert torch.allclose(restorer(batch, strength=strength), alone, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: _image().astype(np.float64), "expected uint8, uint16 or float32 pixels, got float64"),
        (lambda: _image().astype(np.int32), "got int32"),
        (lambda: np.zeros((4, 4, 3), bool), "got bool"),
        (lambda: _image(np.uint16).astype(">u2"), "expected uint8, uint16 or float32 pixels"),
        (lambda: np.zeros((4, 4, 4), np.uint8), r"expected an array \(H, W, 3\) or \(H, W\), got shape \(4, 4, 4\)"),
        (lambda: np.zeros((4, 4, 1), np.uint8), r"got shape \(4, 4, 1\)"),
        (lambda: np.zeros((3,), np.uint8), r"got shape \(3,\)"),
        (lambda: np.zeros((1, 4, 4, 3), np.uint8), r"got shape \(1, 4, 4, 3\)"),
        (lambda: np.zeros((0, 4, 3), np.uint8), "with pixels in it"),
        (lambda: np.zeros((4, 0), np.float32), "with pixels in it"),
        (lambda: np.full((4, 4, 3), np.nan, np.float32), "NaN or infinite"),
        (lambda: np.full((4, 4), np.inf, np.float32), "NaN or infinite"),
        (lambda: torch.zeros(3, 4, 4, dtype=torch.uint8), r"expected a float tensor \(B, 3, H, W\), got torch.uint8"),
        (lambda: torch.zeros(4, 4), "expected a float tensor"),
        (lambda: torch.zeros(1, 4, 4, 4), "expected a float tensor"),
        (lambda: torch.zeros(4, 4, 3), "expected a float tensor"),
        (lambda: torch.zeros(0, 3, 4, 4), "with pixels in it"),
        (lambda: torch.full((3, 2, 2), -torch.inf), "NaN or infinite"),
    ],
)
def test_unusable_images_are_refused(restorer: Restorer, make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ImageError, match=message) as caught:
        restorer(make())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": -0.1}, "strength is -0.1; it must be from 0 to 1"),
        ({"strength": 1.5}, "strength is 1.5"),
        ({"strength": float("nan")}, "strength is nan"),
        ({"brightness": 3.01}, "brightness is 3.01; it must be from -3 to 3 stops"),
        ({"brightness": float("nan")}, "brightness is nan"),
        ({"seed": -1}, "seed is -1; it must be from 0 to below"),
        ({"start": "middle"}, "choose noise or mean"),
        ({"steps": 0}, "steps is 0; it must be at least 1"),
    ],
)
def test_options_out_of_range_are_refused(restorer: Restorer, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        restorer(_image(), **options)


def test_bad_loads_are_refused(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.safetensors: no such weight file"):
        Restorer.load(weights=tmp_path / "gone.safetensors")
    with pytest.raises(DeviceError, match="device 'abacus' is not available"):
        Restorer.load(weights=weights, device="abacus")


def test_weights_come_with_the_package_or_the_message_says_which(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue.resources, "files", lambda name: tmp_path)
    with pytest.raises(
        CheckpointError, match=r"no weights for low-light tiny .* \(there is: none\); use --size or --weights"
    ):
        Restorer.load()
    for name in ("low-light-tiny", "underwater-nano"):
        (tmp_path / f"{name}.safetensors").write_bytes(weights.read_bytes())
    (tmp_path / "README.md").touch()
    assert set(catalogue.shipped()) == {("low-light", "tiny"), ("underwater", "nano")}
    assert catalogue.shipped_weights("low-light", "tiny") == tmp_path / "low-light-tiny.safetensors"
    assert Restorer.load("underwater", "nano").weights_hash == file_hash(weights)
    with pytest.raises(
        CheckpointError, match=r"no weights for fundus tiny .*there is: low-light tiny, underwater nano"
    ):
        Restorer.load("fundus")
    with pytest.raises(CheckpointError, match=r"no weights for underwater tiny .*\(underwater has nano\)"):
        Restorer.load("underwater")


def test_the_memory_estimate_grows_with_the_padded_area(restorer: Restorer) -> None:
    config = restorer.network.config.student.transformer
    assert restorer.peak_bytes(1, 1) == restorer.peak_bytes(16, 16) == peak_bytes(config, 9, 5)
    least = restorer.peak_bytes(16, 16)
    assert restorer.peak_bytes(160, 320) - least == pytest.approx(199 * (restorer.peak_bytes(32, 16) - least), rel=1e-3)
    assert restorer.peak_bytes(17, 16) == restorer.peak_bytes(32, 16)
    wide = TransformerConfig(dim=16, blocks=(1, 1, 1, 1), refine=1, stem=2)
    assert peak_bytes(config, 512, 512) < peak_bytes(wide, 512, 512) < 2 * peak_bytes(config, 512, 512)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system tells no peak")
@pytest.mark.parametrize("size", [(600, 800), (2000, 3000)], ids=["at once", "in bands"])
def test_the_memory_estimate_is_near_the_real_peak(size: tuple[int, int]) -> None:
    code = """
import sys
import numpy as np, torch
from restorect.bench.costs import resident_mib
from restorect.infer.restorer import Restorer
from restorect.nets.checkpoint import Card
from restorect.nets.presets import student_preset
from restorect.render.restoration import Restoration, RestorationConfig
torch.set_num_threads(1)
card = Card(kind="student", task="low-light", preset="nano")
restorer = Restorer(Restoration(RestorationConfig(student=student_preset("nano"))), card, "random", torch.device("cpu"))
restorer(np.zeros((64, 64, 3), np.float32))
size = int(sys.argv[1]), int(sys.argv[2])
before, _ = resident_mib()
restorer(np.zeros((*size, 3), np.float32))
print(restorer.peak_bytes(*size) / 2**20 / (resident_mib()[1] - before))
"""
    command = [sys.executable, "-c", code, *map(str, size)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=True)
    # How far the heap is torn into holes changes from run to run: 1.5 to 1.6 were seen, 2.0 without any hole. Both
    # sizes take more than 150 MiB, beside which holes are small; 1 megapixel in bands takes 70.
    assert 1.0 <= float(done.stdout) <= 2.1
