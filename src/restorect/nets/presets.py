"""The named sizes of student and teacher, chosen by measurement (METHOD 5).

Shapes: none; these are configs.
"""

from dataclasses import replace
from typing import TypeVar

from restorect.errors import ConfigError
from restorect.flow.velocity import VelocityConfig
from restorect.nets.priors import PriorConfig
from restorect.nets.student import StudentConfig
from restorect.nets.teacher import TeacherConfig
from restorect.nets.transformer import TransformerConfig

T = TypeVar("T")

_FOLDED = TransformerConfig(stem=4, limit=8)
_TRANSFORMERS = {
    "base": TransformerConfig(),
    "small": replace(_FOLDED, dim=32, blocks=(2, 3, 3, 2), refine=2),
    "tiny": replace(_FOLDED, dim=24, blocks=(2, 2, 2, 1), refine=2),
    "nano": replace(_FOLDED, dim=16, blocks=(1, 2, 2, 2), refine=1),
}
# Codes are global, so the small sizes read them off a thumbnail.
_VIEW = 96
_CONDITIONS = {
    "base": PriorConfig(),
    "small": PriorConfig(width=24, view=_VIEW),
    "tiny": PriorConfig(width=16, view=_VIEW),
    "nano": PriorConfig(width=16, view=_VIEW),
}
_VELOCITIES = {
    "base": VelocityConfig(skip=True),
    "small": VelocityConfig(skip=True),
    "tiny": VelocityConfig(width=128, skip=True),
    "nano": VelocityConfig(width=128, skip=True),
}

STUDENTS = {
    name: StudentConfig(transformer=transformer, conditions=_CONDITIONS[name], velocity=_VELOCITIES[name])
    for name, transformer in _TRANSFORMERS.items()
}
TEACHERS = {
    name: TeacherConfig(
        transformer=transformer,
        priors=PriorConfig() if name == "base" else replace(_CONDITIONS[name], width=24),
    )
    for name, transformer in _TRANSFORMERS.items()
}
PRESETS = tuple(_TRANSFORMERS)


def student_preset(name: str) -> StudentConfig:
    """The student of that size.

    Raises:
        ConfigError: the name is unknown.
    """
    return _lookup(STUDENTS, name)


def teacher_preset(name: str) -> TeacherConfig:
    """The teacher of that size.

    Raises:
        ConfigError: the name is unknown.
    """
    return _lookup(TEACHERS, name)


def _lookup(table: dict[str, T], name: str) -> T:
    if name not in table:
        raise ConfigError(f"preset {name!r} is unknown; choose one of {', '.join(table)}")
    return table[name]
