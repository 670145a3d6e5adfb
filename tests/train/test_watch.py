"""A run that is no longer finite is found out, by whoever asks first."""

from pathlib import Path

import pytest
import torch
from torch import nn

from restorect.errors import TrainingError
from restorect.train.watch import LOOK_EVERY, Watch


@pytest.fixture
def layer() -> nn.Linear:
    return nn.Linear(4, 4)


def note(watch: Watch, step: int, value: float = 1.0) -> None:
    losses = {"l1": torch.tensor(0.5), "hvi": torch.tensor(value)}
    watch.note(step, torch.stack(list(losses.values())).sum(), losses)


def test_the_first_bad_step_is_named_with_its_losses(layer: nn.Linear, tmp_path: Path) -> None:
    watch = Watch(layer, tmp_path)
    for step, value in enumerate((1.0, 2.0, float("inf"), float("nan")), start=1):
        note(watch, step, value)
    with pytest.raises(TrainingError, match=r"^step 3: .*\(l1 0\.5, hvi inf\).*optimiser\.lr"):
        watch.look()


def test_it_looks_by_itself_after_fifty_steps_and_not_before(layer: nn.Linear, tmp_path: Path) -> None:
    watch = Watch(layer, tmp_path)
    note(watch, 1, float("nan"))
    for step in range(2, LOOK_EVERY):
        note(watch, step)
    with pytest.raises(TrainingError, match=r"^step 1: "):
        note(watch, LOOK_EVERY)
    for step in range(1, 3 * LOOK_EVERY):
        note(watch, step)


def test_a_weight_that_is_not_finite_is_found_too(layer: nn.Linear, tmp_path: Path) -> None:
    watch = Watch(layer, tmp_path)
    note(watch, 7)
    watch.look()
    note(watch, 8)
    with torch.no_grad():
        layer.bias[2] = float("nan")
    with pytest.raises(TrainingError, match=r"^step 8: .*weight"):
        watch.look()


def test_nothing_is_kept_of_the_graph(layer: nn.Linear, tmp_path: Path) -> None:
    watch = Watch(layer, tmp_path)
    loss = layer(torch.ones(1, 4)).sum()
    watch.note(1, loss, {"loss": loss})
    (_, total, losses), *_ = watch._noted
    assert not total.requires_grad
    assert not losses["loss"].requires_grad
