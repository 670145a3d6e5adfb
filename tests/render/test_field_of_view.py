"""The safe mode for retina photographs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from restorect.infer.restorer import Restorer
from restorect.nets.checkpoint import Card
from restorect.nets.presets import student_preset
from restorect.render.field_of_view import FieldOfViewConfig, keep_lights, keep_outside, keep_safe
from restorect.render.restoration import Restoration, RestorationConfig


def _retina(size: int = 96, seed: int = 0) -> Tensor:
    """A lit disc in a nearly black, slightly noisy frame."""
    generator = torch.Generator().manual_seed(seed)
    axis = torch.linspace(-1, 1, size)
    inside = axis[:, None] ** 2 + axis[None] ** 2 < 0.64
    frame = 0.03 * torch.rand(3, size, size, generator=generator)
    disc = torch.tensor([0.6, 0.35, 0.2])[:, None, None] * (0.8 + 0.2 * torch.rand(1, size, size, generator=generator))
    return torch.where(inside, disc, frame)


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    torch.manual_seed(0)
    student = Restoration(RestorationConfig(student=student_preset("nano"), after=(FieldOfViewConfig(),)))
    torch.nn.init.normal_(student.student.transformer.stem.output.weight, std=0.2)
    return Restorer(student, Card(kind="student", task="fundus", preset="nano"), "random", torch.device("cpu"))


def _outside(size: int = 96) -> np.ndarray:
    axis = np.linspace(-1, 1, size)
    return np.hypot(axis[:, None], axis[None]) > 0.84


def test_outside_keeps_its_values_and_the_middle_is_restored() -> None:
    image = torch.stack([_retina(), _retina(seed=1)])
    output = keep_outside(image, 1 - image)
    outside = torch.from_numpy(_outside())
    assert torch.equal(output[..., outside], image[..., outside])
    assert torch.equal(output[..., 40:56, 40:56], (1 - image)[..., 40:56, 40:56])


def test_the_restoration_fades_in_from_the_rim_inwards() -> None:
    image = _retina(400)[None]
    share = ((keep_outside(image, 1 - image) - image) / (1 - 2 * image))[0, 2, 200, :200]
    rim = int(torch.nonzero(share > 0)[0])
    assert 39 < rim < 44
    rise = share[rim : rim + 5]
    assert (rise.diff() > 0).sum() >= 2
    assert (share[:rim] == 0).all()
    torch.testing.assert_close(share[rim + 5 :], torch.ones(195 - rim))


def test_without_a_frame_all_is_restored() -> None:
    image = _retina()[None, :, 30:60, 30:60]
    assert torch.equal(keep_outside(image, 1 - image), 1 - image)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(
    "options", [{}, {"strength": 0.4, "brightness": 2}, {"seed": 3, "start": "noise"}, {"brightness": -3}]
)
def test_the_restorer_leaves_the_frame_bit_for_bit(restorer: Restorer, dtype: type, options: dict) -> None:
    white = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[dtype]
    exact = _retina().permute(1, 2, 0).numpy() * white
    image = exact if dtype is np.float32 else np.round(exact).astype(dtype)
    output = restorer(image, **options)
    assert np.array_equal(output[_outside()], image[_outside()])
    assert not np.array_equal(output[40:56, 40:56], image[40:56, 40:56])
    for sample in restorer.sample(image, 2, brightness=options.get("brightness", 0)):
        assert np.array_equal(sample.image[_outside()], image[_outside()])
    grey = np.ascontiguousarray(image[..., 0])
    assert np.array_equal(restorer(grey)[_outside()], grey[_outside()])


def test_unbounded_values_outside_stay_too(restorer: Restorer) -> None:
    image = _retina().permute(1, 2, 0).numpy().copy()
    image[0, 0], image[95, 95] = -0.3, -7.123
    assert np.array_equal(restorer(image)[_outside()], image[_outside()])


def test_there_is_no_doubt_outside(restorer: Restorer) -> None:
    doubt = restorer.uncertainty(_retina().permute(1, 2, 0).numpy(), samples=3)
    assert not doubt[_outside()].any()
    assert doubt[40:56, 40:56].mean() > 0.01


def test_a_written_file_keeps_the_frame(restorer: Restorer, tmp_path: Path) -> None:
    import cv2
    from PIL import Image, ImageCms

    from restorect.infer.batch import Naming, RestoreSettings, plan_batch, run_batch

    pixels = (_retina().permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(pixels).save(tmp_path / "plain.png")
    Image.fromarray(pixels).save(tmp_path / "tagged.png", icc_profile=profile)
    settings = RestoreSettings()
    naming = Naming(task="fundus", size="nano", settings=settings)
    paths = [str(tmp_path / name) for name in ("plain.png", "tagged.png")]
    summary = run_batch(plan_batch(paths, tmp_path / "out", naming), lambda: restorer)
    assert summary.restored == 2
    for name in ("plain.png", "tagged.png"):
        written = cv2.imread(str(tmp_path / "out" / name))[..., ::-1]
        assert np.array_equal(written[_outside()], pixels[_outside()])
        assert not np.array_equal(written, pixels)


def test_lights_stay_as_they_are_and_nothing_else_is_held_back() -> None:
    green = torch.linspace(0, 1, 101)
    image = torch.stack([torch.full((101,), 0.9), green, torch.full((101,), 0.3)])[None, :, None]
    for restored in (image * 0.5, image + 0.1):
        safe = keep_lights(image, restored)
        assert torch.equal(safe[..., :61], restored[..., :61])
        torch.testing.assert_close(safe[..., 80:], image[..., 80:])
        share = ((safe - restored) / (image - restored))[0, 0, 0]
        assert (share.diff() >= -1e-5).all()


def test_the_safe_mode_keeps_both_promises() -> None:
    image = torch.full((1, 3, 80, 80), 0.02)
    image[..., 10:70, 10:70] = 0.5
    image[..., 35:45, 35:45] = 0.9
    safe = keep_safe(image, torch.full_like(image, 0.1))
    assert torch.equal(safe[..., :10, :], image[..., :10, :])
    torch.testing.assert_close(safe[..., 35:45, 35:45], image[..., 35:45, 35:45])
    torch.testing.assert_close(safe[..., 20:30, 20:30], torch.full((1, 3, 10, 10), 0.1))


def test_the_restorer_leaves_lights(restorer: Restorer) -> None:
    image = _retina().permute(1, 2, 0).numpy()
    image[44:52, 44:52] = (0.95, 0.9, 0.7)
    output = restorer(image)
    np.testing.assert_allclose(output[44:52, 44:52], image[44:52, 44:52], atol=1e-6)
    assert not np.allclose(output[30:40, 44:52], image[30:40, 44:52], atol=1e-2)
