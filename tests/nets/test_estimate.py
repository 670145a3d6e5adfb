from dataclasses import replace

import pytest
import torch
from torch import Tensor

from restorect.errors import ConfigError
from restorect.flow.velocity import VelocityConfig
from restorect.nets.estimate import SEEN, Estimate, EstimateConfig
from restorect.nets.priors import PriorConfig
from restorect.nets.statistics import light_statistics
from restorect.nets.student import Student, StudentConfig
from restorect.nets.thumbnail import view_of
from restorect.nets.transformer import TransformerConfig

CONFIG = StudentConfig(
    transformer=TransformerConfig(dim=8, blocks=(1, 1, 1, 1), refine=1),
    conditions=PriorConfig(width=4, blocks=1, view=8),
    estimate=EstimateConfig(width=12),
    velocity=VelocityConfig(width=16, blocks=1),
)


def _image() -> Tensor:
    return torch.rand(2, 3, 16, 24, generator=torch.Generator().manual_seed(0))


def _student(config: StudentConfig = CONFIG) -> Student:
    torch.manual_seed(0)
    return Student(config).eval().requires_grad_(False)


def test_conditions_are_the_estimate_by_encoders_and_light() -> None:
    student, low = _student(), _image()
    view = view_of(low, 8)
    seen = student.look(low)
    encoded = [student.retinex_condition(student.decompose(view)), student.image_condition(view)]
    assert torch.equal(seen, torch.cat([*encoded, light_statistics(view)], dim=1))
    read, expected = student.read(low), student.estimate(seen)
    assert torch.equal(read.rex, expected.rex)
    assert torch.equal(read.img, expected.img)
    assert read.rex.shape == (2, 256)


def test_the_rest_is_what_it_is_without_an_estimate() -> None:
    with_it, low = _student(), _image()
    without = Student(replace(CONFIG, estimate=None)).eval()
    without.load_state_dict({name: t for name, t in with_it.state_dict().items() if not name.startswith("estimate.")})
    assert torch.equal(without.look(low), with_it.look(low)[:, :512])


def test_it_is_noisy_in_training_only() -> None:
    estimate, seen = Estimate(EstimateConfig(width=8)), torch.randn(3, SEEN)
    torch.nn.init.normal_(estimate.output.weight)
    estimate.eval()
    assert torch.equal(estimate(seen).rex, estimate(seen).rex)
    estimate.train()
    assert not torch.allclose(estimate(seen).rex, estimate(seen).rex)


def test_what_is_unlike_all_photos_is_held() -> None:
    estimate = Estimate(EstimateConfig(width=8)).eval()
    assert torch.equal(estimate(torch.full((1, SEEN), 1e6)).img, estimate(torch.full((1, SEEN), 5.0)).img)


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="view above 0"):
        replace(CONFIG, conditions=PriorConfig(width=4, blocks=1))
    with pytest.raises(ConfigError, match="dropout is 1"):
        EstimateConfig(dropout=1)
    with pytest.raises(ConfigError, match="width"):
        EstimateConfig(width=0)
    with pytest.raises(ConfigError, match="noise"):
        EstimateConfig(noise=-1)
