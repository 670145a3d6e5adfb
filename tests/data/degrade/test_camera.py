import pytest
import torch

from restorect.data.degrade import camera
from restorect.data.degrade.camera import Camera, colour_matrix


@pytest.fixture
def ramp() -> torch.Tensor:
    return torch.linspace(0, 1, 4096)


@pytest.mark.parametrize("strength", [0.0, 1e-3, 0.3, 1.0])
def test_tone_curve_and_inverse(ramp: torch.Tensor, strength: float) -> None:
    curved = camera.tone_curve(ramp, strength)
    assert curved.diff().min() >= 0
    assert curved[[0, -1]].tolist() == pytest.approx([0.0, 1.0])
    assert torch.allclose(camera.inverse_tone_curve(curved.double(), strength), ramp.double(), atol=1e-3)
    assert torch.allclose(camera.tone_curve(camera.inverse_tone_curve(ramp, strength), strength), ramp, atol=1e-5)


def test_full_tone_curve_is_smoothstep(ramp: torch.Tensor) -> None:
    assert torch.allclose(camera.tone_curve(ramp, 1.0), ramp * ramp * (3 - 2 * ramp), atol=1e-6)


def test_colour_matrix_keeps_white() -> None:
    matrix = colour_matrix((0.1, 0.5, 0.2, 0.9))
    assert torch.allclose(matrix.sum(dim=1), torch.ones(3), atol=1e-6)
    assert torch.equal(colour_matrix((1, 1, 1, 1), 0.0), torch.eye(3))


def test_camera_develops_what_it_saw() -> None:
    image = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(0)) * 0.96 + 0.02
    night = Camera(red_gain=2.1, blue_gain=1.7, matrix=colour_matrix((1, 2, 3, 4), 0.5), tone=0.6)
    grey = image.mean(dim=0, keepdim=True).expand(3, -1, -1)
    assert torch.allclose(night.develop(night.to_sensor(grey)), grey, atol=1e-4)
    muted = 0.5 * grey + 0.5 * image  # saturated colours may leave the sensor's gamut and clip
    assert torch.allclose(night.develop(night.to_sensor(muted)), muted, atol=1e-3)


def test_sensor_sees_white_as_its_gains_say() -> None:
    night = Camera(red_gain=2.0, blue_gain=1.6, matrix=colour_matrix((1, 0, 0, 0)), tone=0.0)
    white = night.to_sensor(torch.ones(3, 1, 1)).flatten()
    assert white.tolist() == pytest.approx([1 / 2.0, 1.0, 1 / 1.6], abs=1e-5)


def test_light_beyond_white_reaches_the_sensor() -> None:
    night = Camera(red_gain=2.0, blue_gain=1.6, matrix=colour_matrix((1, 0, 0, 0)), tone=0.4)
    image = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(night.sense(night.to_scene(image)), night.to_sensor(image))
    assert torch.allclose(night.sense(50 * torch.ones(3, 1, 1)), 50 * night.to_sensor(torch.ones(3, 1, 1)), rtol=1e-5)


def test_quantise_has_the_codes_of_its_bits(ramp: torch.Tensor) -> None:
    assert camera.quantise(ramp, 4).unique().numel() == 16
    assert (camera.quantise(ramp, 8) - ramp).abs().max() <= 0.5 / 255 + 1e-6


def test_jpeg_keeps_channels_apart_and_is_lossy() -> None:
    image = torch.zeros(3, 32, 32)
    image[0] = 0.8
    back = camera.jpeg(image, 95)
    assert back.shape == image.shape
    assert torch.allclose(back, image, atol=0.03)
    noise = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))
    worse, better = ((camera.jpeg(noise, quality) - noise).square().mean() for quality in (30, 95))
    assert worse > better


def test_jpeg_with_full_colour_keeps_thin_red_lines() -> None:
    lines = torch.zeros(3, 32, 32)
    lines[0, ::2] = 1.0
    full, half = (camera.jpeg(lines, 98, full_colour=full) for full in (True, False))
    assert (full - lines).abs().mean() < 0.03
    assert (half - lines).abs().mean() > 0.1


def test_jpeg_comes_back_to_the_device_and_type_of_the_picture() -> None:
    """No device is left out: one that holds no data is asked for them."""
    image = torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert camera.jpeg(image, 70).dtype == torch.float64
    with pytest.raises(NotImplementedError, match="meta"):
        camera.jpeg(torch.rand(3, 24, 24, device="meta"), 70)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_jpeg_is_the_same_on_a_gpu() -> None:
    image = torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(2))
    assert torch.equal(camera.jpeg(image.cuda(), 70).cpu(), camera.jpeg(image, 70))
