"""Fast mode of restorers, on photographs of all kinds."""

from typing import Any

import numpy as np
import pytest
import torch

from restorect.auto.decision import Decision
from restorect.errors import ConfigError, ImageError
from restorect.infer import fast
from restorect.infer.auto_restorer import AutoRestorer
from restorect.infer.batch.settings import RestoreSettings
from restorect.infer.options import Options
from restorect.infer.restorer import Restorer
from restorect.render import small

SMOOTH = np.stack(np.meshgrid(np.linspace(0.02, 0.3, 83), np.linspace(0.05, 0.25, 60)), axis=2).astype(np.float32)
PHOTO = np.concatenate([SMOOTH, SMOOTH[..., :1]], axis=2)
KINDS = {
    "float": PHOTO,
    "8 bit": (PHOTO * 255).astype(np.uint8),
    "16 bit": (PHOTO * 65535).astype(np.uint16),
    "grey": (PHOTO[..., 0] * 255).astype(np.uint8),
    "grey float": np.ascontiguousarray(PHOTO[..., 0]),
    "upside down": PHOTO[::-1],
    "double": torch.from_numpy(PHOTO).permute(2, 0, 1).double(),
    "batch": torch.from_numpy(np.stack([PHOTO, PHOTO[:, ::-1]])).permute(0, 3, 1, 2),
}


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    return Restorer.load("low-light", "nano")


@pytest.fixture
def tiny_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small, "_PIXELS", 48 * 64)


def values(image: Any) -> Any:
    array = np.asarray(image, np.float64)
    return array / {"u1": 255, "u2": 65535}.get(image.dtype.str[1:] if isinstance(image, np.ndarray) else "", 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", [{}, {"strength": 0.5}, {"samples": 2, "style": "reference"}], ids=str)
@pytest.mark.usefixtures("tiny_limit")
def test_kinds(kind: str, how: dict[str, Any], restorer: Restorer) -> None:
    image = KINDS[kind]
    full = restorer.restore(image, Options(**how)).images
    found = restorer.restore(image, Options(fast=True, **how)).images
    assert len(found) == how.get("samples", 1)
    for one, other in zip(found, full, strict=True):
        assert type(one) is type(image)
        assert (one.dtype, one.shape) == (image.dtype, image.shape)
        assert np.sqrt(((values(one) - values(other)) ** 2).mean()) < 0.032  # 30 dB
        assert np.abs(values(one) - values(image)).mean() > 0.02
    assert not np.array_equal(np.asarray(found[0]), np.asarray(full[0]))


def test_small_photos_come_out_to_the_bit(restorer: Restorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small, "_PIXELS", 60 * 83)
    assert np.array_equal(restorer(PHOTO, fast=True), restorer(PHOTO))
    monkeypatch.setattr(small, "_PIXELS", 60 * 83 - 1)
    assert not np.array_equal(restorer(PHOTO, fast=True), restorer(PHOTO))


@pytest.mark.usefixtures("tiny_limit")
def test_uncertainty_what_lies_outside_and_what_is_refused(restorer: Restorer) -> None:
    spread = restorer.restore(PHOTO, Options(fast=True, samples=2, uncertainty=True)).spread
    assert spread.shape == PHOTO.shape[:2]
    assert 0 < spread.max() < 0.5
    beyond = PHOTO.copy()
    beyond[30, 40] = (1.5, 1.0, -0.25)
    away = restorer(beyond, fast=True)[30, 40] - restorer(beyond.clip(0, 1), fast=True)[30, 40]
    np.testing.assert_allclose(away, (0.5, 0, -0.25), atol=1e-6)
    beyond[59, 82, 1] = np.nan
    with pytest.raises(ImageError, match="NaN or infinite"):
        restorer(beyond, fast=True)
    with pytest.raises(ImageError, match="expected"):
        restorer(PHOTO[..., :2], fast=True)


def test_the_network_sees_the_small_photograph(restorer: Restorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small, "_PIXELS", 48 * 64)
    seen: list[Any] = []
    plain = fast.subject_of

    def noted(network: Any, image: Any, *rest: Any) -> Any:
        seen.append(tuple(image.shape))
        return plain(network, image, *rest)

    monkeypatch.setattr(fast, "subject_of", noted)
    restorer(PHOTO, fast=True)
    assert seen == [(1, 3, *small.small_sides(60, 83))]


def test_retinas_are_refused_in_one_line(restorer: Restorer, monkeypatch: pytest.MonkeyPatch) -> None:
    retinas = Restorer(restorer.network, restorer.card, restorer.weights_hash, restorer.device)
    retinas.task = "fundus"
    refused = r"^fast mode is not for photos of retinas: [^\n]*; leave it out$"
    for strength in (0.0, 1.0):
        with pytest.raises(ConfigError, match=refused):
            retinas(PHOTO, fast=True, strength=strength)
    auto = AutoRestorer.load("nano")
    monkeypatch.setattr(auto, "decide", lambda image: Decision(task="fundus", confidence=0.9))
    with pytest.raises(ConfigError, match=refused):
        auto(PHOTO, fast=True)
    monkeypatch.setattr(auto, "decide", lambda image: Decision(task="low-light", confidence=0.9))
    assert np.array_equal(auto(PHOTO, fast=True), restorer(PHOTO, fast=True))


def test_it_is_part_of_the_digest_where_it_is_chosen(restorer: Restorer) -> None:
    plain, quick = (RestoreSettings(restore=Options(fast=fast)).digest(restorer) for fast in (False, True))
    assert plain == RestoreSettings().digest(restorer) != quick
