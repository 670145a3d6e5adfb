"""A photo of one task given to another task's weights: no sense in it, but a proper picture all the same."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from restorect.infer.options import Options
from restorect.infer.restorer import Restorer
from restorect.tasks import find_task, task_names
from restorect.weights.catalogue import shipped

EXAMPLE = Path(__file__).parents[2] / "examples" / "forest-path.jpg"


def several(restorer: Restorer, image: Any, count: int, **options: Any) -> list[Any]:
    """The images alone, from darker to brighter."""
    return restorer.restore(image, Options(samples=count, **options)).images


@pytest.fixture(scope="module")
def photos() -> dict[str, Tensor]:
    """One picture for each task, made by its simulator; the retina is a lit disc in a black frame."""
    image = cv2.imread(str(EXAMPLE))
    assert image is not None
    day = torch.from_numpy(cv2.resize(image, (150, 101), interpolation=cv2.INTER_AREA)[..., ::-1].copy()).float() / 255
    day = day.permute(2, 0, 1) ** 0.6
    disc = cv2.circle(np.zeros((101, 150), np.uint8), (75, 50), 48, 1, -1)
    clean = dict.fromkeys(task_names(), day) | {"fundus": day * torch.from_numpy(disc)}
    return {task: find_task(task).simulate(clean[task], torch.Generator().manual_seed(1)).low for task in task_names()}


@pytest.mark.parametrize("name", sorted(shipped()))
def test_photos_of_all_tasks_come_out_finite_and_in_range(name: tuple[str, str], photos: dict[str, Tensor]) -> None:
    restorer = Restorer.load(*name)
    for photo in photos.values():
        for output in (restorer(photo), *several(restorer, photo, 2)):
            assert output.shape == photo.shape
            assert torch.isfinite(output).all()
            assert 0 <= output.min() <= output.max() <= 1
