"""The codes of a photograph that is read whole, in bands."""

import pytest
import torch
from lively import lively, photo

from restorect.bands import encoders
from restorect.bands.encoders import read_by_rows
from restorect.flow.velocity import VelocityConfig
from restorect.nets.priors import PriorConfig
from restorect.nets.student import Student, StudentConfig
from restorect.nets.transformer import TransformerConfig
from restorect.render.rows import Rows


@pytest.mark.parametrize("sides", [(1, 1), (3, 50), (150, 21), (97, 64)])
@pytest.mark.parametrize("rows", [1, 5, 64])
def test_codes_are_those_of_the_whole(sides: tuple[int, int], rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "_ROWS", rows)
    torch.manual_seed(0)
    config = StudentConfig(
        transformer=TransformerConfig(dim=8, blocks=(1, 1, 1, 1), refine=0, stem=4),
        conditions=PriorConfig(width=4, blocks=1),
        velocity=VelocityConfig(width=8, blocks=1),
    )
    student, image = lively(Student(config)), photo(*sides)
    for found, expected in zip(read_by_rows(student, Rows.of(image)), student.read(image), strict=True):
        torch.testing.assert_close(found, expected, atol=3e-5, rtol=1e-5)
