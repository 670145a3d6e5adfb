from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
import torch
from torch import Tensor

EXAMPLES = Path(__file__).parents[2] / "examples"


def load(name: str, width: int) -> Tensor:
    """An example photograph as (1, 3, H, W) in [0, 1], 8-bit values, narrowed to `width` pixels."""
    image = cv2.imread(str(EXAMPLES / name))
    assert image is not None
    height = round(image.shape[0] * width / image.shape[1])
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(image[:, :, ::-1].copy()).permute(2, 0, 1).unsqueeze(0).float() / 255


@pytest.fixture(params=["dogs-night.jpg", "forest-path.jpg", "stream-night.jpg"])
def photo(request: pytest.FixtureRequest) -> Tensor:
    """Each example photograph, (1, 3, H, 200)."""
    return load(request.param, 200)


@pytest.fixture
def forest() -> Tensor:
    return load("forest-path.jpg", 320)


@pytest.fixture
def stream() -> Tensor:
    return load("stream-night.jpg", 320)


@pytest.fixture
def large_example() -> Callable[[str], Tensor]:
    """An example photograph by name, 700 pixels wide."""
    return lambda name: load(name, 700)
