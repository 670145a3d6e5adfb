"""Lists of steps: what they may say, and one line for whatever they may not."""

import json
from typing import Any

import pytest
import yaml

from restorect.errors import ConfigError
from restorect.render.balance import BalanceConfig
from restorect.render.exposure import ExposureConfig, ExposureNetConfig
from restorect.render.field_of_view import FieldOfViewConfig
from restorect.render.floor import FloorConfig
from restorect.render.fusion import FusionConfig
from restorect.render.hue import HueConfig
from restorect.render.keep import KeepConfig
from restorect.render.steps import AFTER, BEFORE, read_steps, write_steps

ALL = (
    KeepConfig(share=0.2),
    ExposureConfig(trust=0.3, source="net", mean=0.5, net=ExposureNetConfig(width=8)),
    HueConfig(),
    FloorConfig(share=0.7),
    FusionConfig(opened=0.4),
    FieldOfViewConfig(),
)


def test_every_step_has_its_name() -> None:
    assert BEFORE == {"balance": BalanceConfig}
    names = ["keep", "exposure", "hue", "floor", "fusion", "field-of-view"]
    assert list(AFTER) == names
    assert [type(step) for step in ALL] == list(AFTER.values())


def test_what_is_written_is_read_again_through_json_and_yaml() -> None:
    written = write_steps(ALL)
    assert read_steps(written, AFTER, "after") == ALL
    assert read_steps(json.loads(json.dumps(written)), AFTER, "after") == ALL
    assert read_steps(yaml.safe_load(yaml.safe_dump(written)), AFTER, "after") == ALL
    assert [next(iter(step)) for step in written] == [step.name for step in ALL]


def test_a_name_alone_and_a_name_with_nothing_are_the_defaults() -> None:
    steps = yaml.safe_load("[exposure: {trust: 0.7, source: net}, hue, floor: , {keep: {}}]")
    wanted = (ExposureConfig(trust=0.7, source="net"), HueConfig(), FloorConfig(), KeepConfig())
    assert read_steps(steps, AFTER, "--after") == wanted
    assert read_steps((), BEFORE, "before") == ()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["glow"], "after: step 'glow' is unknown; choose of keep, exposure, hue, floor, fusion, field-of-view"),
        (["balance"], "after: step 'balance' is unknown"),  # stands in front
        ([{"x" * 500: {}}], "after: step 'xxx"),
        ([{7: {}}], "after: step '7' is unknown"),
        (["hue\x1b[2J\n"], r"after: step 'hue\x1b[2J\n' is unknown"),
        (["hue", "floor", "hue"], "after: step hue is there twice"),
        (["hue", {"hue": {}}], "after: step hue is there twice"),
        ([{"floor": {"share": 2}}], "share is 2"),
        ([{"exposure": {"trust": -1}}], "trust is -1"),
        ([{"exposure": {"source": "moon"}}], "after.exposure.source: 'moon' is not allowed"),
        ([{"exposure": {"net": {"width": 0}}}], "width is 0"),
        ([{"floor": {"share": "much"}}], "after.floor.share: expected float"),
        ([{"hue": {"share": 1}}], "after.hue.share: no such setting"),
        ([{"floor": 0.85}], "after.floor: expected named settings"),
        ("hue", "after: expected a list of steps"),
        ({"hue": {}}, "after: expected a list of steps"),
        (None, "after: expected a list of steps"),
        (5, "after: expected a list of steps"),
        ([5], "after: each step is a name, or one name with its settings; got '5'"),
        ([None], "after: each step is a name"),
        ([["hue"]], "after: each step is a name"),
        ([{}], "after: each step is a name"),
        ([{"hue": {}, "floor": {}}], "after: each step is a name"),
    ],
)
def test_whatever_else_it_says_is_one_line(values: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_steps(values, AFTER, "after")
    text = str(caught.value)
    assert message in text
    assert "\n" not in text
    assert len(text) < 300
