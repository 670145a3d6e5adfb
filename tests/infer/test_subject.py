"""Photographs of all kinds in bands, as they come out whole."""

from typing import Any

import numpy as np
import pytest
import torch

from doubles import in_doubles
from restorect import devices
from restorect.bands import memory
from restorect.errors import ConfigError, DeviceError, ImageError
from restorect.infer import subject
from restorect.infer.options import Options
from restorect.infer.restorer import Restorer
from restorect.render.steps import Style

RNG = np.random.default_rng(0)
PHOTO = (RNG.random((60, 83, 3), np.float32) * 1.1 - 0.05).astype(np.float32)
INSIDE = PHOTO.clip(0, 1)
KINDS = {
    "float": PHOTO,
    "8 bit": (INSIDE * 255).astype(np.uint8),
    "16 bit": (INSIDE * 65535).astype(np.uint16),
    "grey": (INSIDE[..., 0] * 255).astype(np.uint8),
    "grey float": np.ascontiguousarray(PHOTO[..., 0]),
    "upside down": PHOTO[::-1],
    "tensor": torch.from_numpy(PHOTO).permute(2, 0, 1),
    "double": torch.from_numpy(PHOTO).permute(2, 0, 1).double(),
    "batch of one": torch.from_numpy(PHOTO).permute(2, 0, 1)[None],
    "batch": torch.rand(2, 3, 40, 50, generator=torch.Generator().manual_seed(1)),
}


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    return Restorer.load("low-light", "nano")


@pytest.fixture(scope="module")
def doubles() -> Restorer:
    """The same network in float64."""
    restorer = Restorer.load("low-light", "nano")
    restorer.network.double()
    return restorer


def force(monkeypatch: pytest.MonkeyPatch, bands: bool) -> None:
    monkeypatch.setattr(subject, "in_bands", lambda *_: bands)


def both(monkeypatch: pytest.MonkeyPatch, restore: Any) -> tuple[Any, Any]:
    force(monkeypatch, True)
    banded = restore()
    force(monkeypatch, False)
    return banded, restore()


def in_float64(photo: Any) -> torch.Tensor:
    if isinstance(photo, torch.Tensor):
        return photo.double()
    colour = np.repeat(photo[..., None], 3, axis=2) if photo.ndim == 2 else photo
    return torch.from_numpy(colour.astype(np.float64)).permute(2, 0, 1)


def as_kind(exact: Any, photo: Any) -> Any:
    """A restoration of `in_float64` as that photo is."""
    if isinstance(photo, torch.Tensor):
        return exact.to(photo.dtype)
    red, green, blue = exact.numpy()
    grey = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return (grey if photo.ndim == 2 else exact.permute(1, 2, 0).numpy()).astype(np.float32)


def assert_same(found: Any, expected: Any, within: float = 3e-6) -> None:
    assert type(found) is type(expected)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    whole_numbers = isinstance(found, np.ndarray) and found.dtype.kind == "u"
    error = np.abs(np.asarray(found, np.float64) - np.asarray(expected, np.float64)).max()
    assert error <= (1 if whole_numbers else within)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "how", [{}, {"strength": 0.5, "brightness": -1}, {"samples": 2, "seed": 5}, {"brightness": 1}], ids=str
)
@pytest.mark.parametrize("style", ["natural", "reference"])
def test_kinds(
    kind: str,
    how: dict[str, Any],
    style: Style,
    restorer: Restorer,
    doubles: Restorer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fusion raises what was rounded before it up to eightfold; `bands` has it in doubles.

    Floats are held against float64: the plain way itself is rounded by 5e-6, on some processors the other way.
    """
    before = KINDS[kind].copy() if isinstance(KINDS[kind], np.ndarray) else KINDS[kind].clone()
    options = Options(style=style, **how)
    found, expected = both(monkeypatch, lambda: restorer.restore(KINDS[kind], options).images)
    if not isinstance(before, np.ndarray) or before.dtype.kind == "f":
        with in_doubles():
            exact = doubles.restore(in_float64(KINDS[kind]), options).images
        expected = [as_kind(one, KINDS[kind]) for one in exact]
    assert len(found) == how.get("samples", 1)
    for one, other in zip(found, expected, strict=True):
        assert_same(one, other, 1e-5 if style == "natural" else 3e-6)
    assert (np.asarray(KINDS[kind]) == np.asarray(before)).all()


def test_samples_their_codes_and_what_lies_between(restorer: Restorer, monkeypatch: pytest.MonkeyPatch) -> None:
    found, expected = both(monkeypatch, lambda: restorer.sample(KINDS["8 bit"], 3))
    for one, other in zip(found, expected, strict=True):
        assert_same(one.image, other.image)
        torch.testing.assert_close(one.codes.rex, other.codes.rex, atol=1e-5, rtol=0)
    a, b = (each.codes for each in expected[:2])
    assert_same(*both(monkeypatch, lambda: restorer.uncertainty(KINDS["8 bit"], 3)))
    assert_same(*both(monkeypatch, lambda: restorer.uncertainty(KINDS["batch"], 2)))
    monkeypatch.setattr(restorer, "network", restorer.network.in_style("reference"))  # 3e-6 is for what is not fused
    assert_same(*both(monkeypatch, lambda: restorer.interpolate(PHOTO, a, b, 0.3)))


def test_strength_0_copies_and_bad_photos_are_refused(restorer: Restorer, monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, True)
    assert (restorer(PHOTO, strength=0) == PHOTO).all()
    bad = PHOTO.copy()
    bad[59, 80, 1] = np.nan
    for strength in (0, 1):
        with pytest.raises(ImageError, match="NaN or infinite"):
            restorer(bad, strength=strength)
    for wrong in (PHOTO.astype(np.float64), PHOTO[..., :2], np.zeros((0, 5, 3), np.uint8), torch.zeros(3, 3)):
        with pytest.raises(ImageError, match="expected"):
            restorer(wrong)


def test_a_large_photo_takes_this_way(restorer: Restorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_WHOLE", 2000)
    made: list[int] = []
    plain = subject.BandedSubject.__init__

    def noted(self: Any, *arguments: Any) -> None:
        made.append(1)
        plain(self, *arguments)

    monkeypatch.setattr(subject.BandedSubject, "__init__", noted)
    restorer(PHOTO[:40, :50])
    assert not made
    restorer(PHOTO[:40, :51])
    assert made


def test_bfloat16_where_the_processor_has_it() -> None:
    with pytest.raises(ConfigError, match="precision is 'half'; choose float32 or bfloat16"):
        Restorer.load("low-light", "nano", precision="half")  # type: ignore[arg-type]
    if not devices._cpu_has_bfloat16():
        with pytest.raises(DeviceError, match=r"^cpu here has no bfloat16 arithmetic of its own; use float32$"):
            Restorer.load("low-light", "nano", precision="bfloat16")
        return
    quick = Restorer.load("low-light", "nano", precision="bfloat16")
    photo = np.repeat(np.linspace(0, 80, 120).astype(np.uint8)[:, None, None], 90, axis=1).repeat(3, axis=2)
    away = np.abs(quick(photo).astype(int) - Restorer.load("low-light", "nano")(photo))
    assert 0 < away.max() <= 4
