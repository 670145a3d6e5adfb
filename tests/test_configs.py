"""Configs: from mappings and YAML, with overrides, back again, and messages that say what is allowed."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from restorect.configs import amended, from_mapping, override, read_json, read_yaml, require, to_mapping
from restorect.errors import ConfigError, RestorectError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Optimiser:
    lr: float = 2e-4
    betas: tuple[float, float] = (0.9, 0.999)

    def __post_init__(self) -> None:
        require(self.lr > 0, f"optimiser.lr: must be above 0, got {self.lr}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    name: str
    steps: int = 10
    flow: bool = True
    kind: Literal["euler", "heun"] = "euler"
    patches: tuple[int, ...] = (128, 192)
    minutes: float | None = None
    optimiser: Optimiser = dataclasses.field(default_factory=Optimiser)


finite = st.floats(allow_nan=False, allow_infinity=False)
recipes = st.builds(
    Recipe,
    name=st.text(),
    steps=st.integers(),
    flow=st.booleans(),
    kind=st.sampled_from(["euler", "heun"]),
    patches=st.lists(st.integers(), max_size=4).map(tuple),
    minutes=st.none() | finite,
    optimiser=st.builds(Optimiser, lr=st.floats(1e-9, 1.0), betas=st.tuples(finite, finite)),
)


@given(recipes)
def test_a_config_survives_json_and_yaml(recipe: Recipe) -> None:
    plain = to_mapping(recipe)
    assert from_mapping(Recipe, plain) == recipe
    assert from_mapping(Recipe, json.loads(json.dumps(plain))) == recipe
    assert from_mapping(Recipe, yaml.safe_load(yaml.safe_dump(plain))) == recipe


@given(recipes, recipes)
def test_overriding_every_setting_gives_the_other_config(first: Recipe, second: Recipe) -> None:
    settings = [f"{name}={yaml.safe_dump(value)}" for name, value in to_mapping(second).items() if name != "optimiser"]
    settings += [f"optimiser.{name}={yaml.safe_dump(value)}" for name, value in to_mapping(second.optimiser).items()]
    assert from_mapping(Recipe, override(to_mapping(first), settings)) == second


def test_defaults_and_nested_values() -> None:
    recipe = from_mapping(Recipe, {"name": "n", "optimiser": {"betas": [0.5, 0.9]}, "minutes": 3})
    assert recipe == Recipe(name="n", minutes=3.0, optimiser=Optimiser(betas=(0.5, 0.9)))
    assert isinstance(recipe.minutes, float)


def test_a_config_in_place_of_a_mapping_is_taken() -> None:
    assert from_mapping(Recipe, {"name": "n", "optimiser": Optimiser(lr=1.0)}).optimiser.lr == 1.0


@pytest.mark.parametrize("text", ["1e-4", "0.0001", "1.0e-4"])
def test_floats_as_people_write_them_in_yaml(text: str) -> None:
    assert from_mapping(Recipe, override({"name": "n"}, [f"optimiser.lr={text}"])).optimiser.lr == 1e-4


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, r"^name: this setting is required"),
        ({"name": "n", "stpes": 3}, r"^stpes: no such setting; allowed here: name, steps, flow"),
        ({"name": "n", "optimiser": {"rate": 1}}, r"^optimiser\.rate: no such setting; allowed here: lr, betas"),
        ({"name": 3}, r"^name: expected str, got 3"),
        ({"name": "n", "steps": 1.5}, r"^steps: expected int, got 1\.5"),
        ({"name": "n", "steps": True}, r"^steps: expected int, got True"),
        ({"name": "n", "flow": "yes"}, r"^flow: expected bool, got 'yes'"),
        ({"name": "n", "flow": 1}, r"^flow: expected bool, got 1"),
        ({"name": "n", "minutes": "soon"}, r"^minutes: expected float, got 'soon'"),
        ({"name": "n", "minutes": True}, r"^minutes: expected float, got True"),
        ({"name": "n", "kind": "rk4"}, r"^kind: 'rk4' is not allowed; choose one of euler, heun"),
        ({"name": "n", "patches": 128}, r"^patches: expected a list, got 128"),
        ({"name": "n", "patches": [128, "big"]}, r"^patches\[1\]: expected int, got 'big'"),
        ({"name": "n", "optimiser": {"betas": [0.9]}}, r"^optimiser\.betas: expected 2 values, got 1"),
        ({"name": "n", "optimiser": 3}, r"^optimiser: expected named settings, got 3"),
        ({"name": "n", "optimiser": {"lr": -1.0}}, r"^optimiser\.lr: must be above 0, got -1"),
        ([1, 2], r"^Recipe: expected named settings, got \[1, 2\]"),
        ({1: 2, "name": "n"}, r"^1: no such setting"),
    ],
)
def test_bad_values_say_what_is_allowed(values: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        from_mapping(Recipe, values)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, RestorectError)


@given(recipes)
def test_amending_changes_the_named_settings_alone(recipe: Recipe) -> None:
    assert amended(recipe, {}) == recipe
    changed = amended(recipe, {"steps": 7, "optimiser": {"lr": 0.25}})
    optimiser = dataclasses.replace(recipe.optimiser, lr=0.25)
    assert changed == dataclasses.replace(recipe, steps=7, optimiser=optimiser)


def test_amending_names_what_it_does_not_know() -> None:
    with pytest.raises(ConfigError, match=r"network\.optimiser\.rate: no such setting; allowed here: lr, betas"):
        amended(Recipe(name="n"), {"optimiser": {"rate": 1.0}}, "network")


@pytest.mark.parametrize("setting", ["name=", 'name=""'])
def test_a_text_left_empty_is_empty(setting: str) -> None:
    assert from_mapping(Recipe, override({"name": "a"}, [setting])).name == ""


def test_override_makes_parents_and_leaves_its_input_alone() -> None:
    values = {"name": "n", "optimiser": {"lr": 0.1}}
    assert override(values, ["optimiser.lr=0.2", "other.deep.x=[1, 2]"]) == {
        "name": "n",
        "optimiser": {"lr": 0.2},
        "other": {"deep": {"x": [1, 2]}},
    }
    assert values == {"name": "n", "optimiser": {"lr": 0.1}}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("steps", "write it as name=value"),
        ("=3", "write it as name=value"),
        ("name.x=3", "name is a plain value"),
        ("steps=[1", "not valid YAML"),
    ],
)
def test_bad_overrides(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        override({"name": "n"}, [setting])


def test_read_yaml(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text("name: n\noptimiser:\n  lr: 1e-3\n", encoding="utf-8")
    assert from_mapping(Recipe, read_yaml(file)).optimiser.lr == 1e-3
    file.write_text("# nothing yet\n", encoding="utf-8")
    assert read_yaml(file) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- a\n- b\n", "expected named settings at the top, got list"),
        (b"a: [1\n", "not valid YAML"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"a: \x00", "not valid YAML"),
        (b"!!python/object/apply:os.system [true]", "not valid YAML"),
    ],
)
def test_bad_yaml_names_the_file(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        read_yaml(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_recipe_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml: cannot be read"):
        read_yaml(tmp_path / "gone.yaml")


_PAIRS = zip("abcdefgh", "bcdefghi", strict=True)
LAUGHS = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n" for a, b in _PAIRS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 100_000, "nested too deeply"),
        ("{a: " * 20_000, "nested too deeply"),
        (LAUGHS, "aliases are not supported"),
        ("a: &a [*a]", "aliases are not supported"),
        ("seed: 2001-99-99", "month must be in 1..12"),
        ("seed: !!int ''", "not valid YAML"),
        ("seed: !!python/object/apply:os.system ['id']", "not valid YAML"),
        ("a: b\n" * 300_000, "too long for a recipe"),
        ("a: \x1b[2J", "not valid YAML"),
    ],
    ids=["lists", "mappings", "laughs", "circle", "date", "tag", "python", "long", "control"],
)
def test_hostile_yaml_is_one_line(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "a\n.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(str(tmp_path / "a\\n.yaml"))
    assert len(str(caught.value)) < 600
    assert str(caught.value).isprintable()


def test_a_recipe_that_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path, tmp_path / "none", tmp_path / "nul\0"):
        with pytest.raises(ConfigError):
            read_yaml(path)


def test_a_setting_of_deep_brackets_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"--set a=.*nested too deeply"):
        override({}, ["a=" + "[" * 100_000])


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "", "\xff", "1" * 10_000])
def test_json_that_cannot_be_read_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"nested too deeply|Expecting value|integer string"):
        read_json(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "nan", "-inf", 10**400])
def test_a_float_is_a_finite_number(value: object) -> None:
    with pytest.raises(ConfigError, match=r"minutes: expected (a finite number|float)"):
        from_mapping(Recipe, {"name": "x", "minutes": value})


def test_a_message_is_short_whatever_the_value() -> None:
    for values in ({"name": ["x" * 10**6]}, {"name": "x", "patches": "y" * 10**6}, {"z\x1b" * 10**6: 1}):
        with pytest.raises(ConfigError) as caught:
            from_mapping(Recipe, values)
        assert len(str(caught.value)) < 500


@dataclasses.dataclass(frozen=True, kw_only=True)
class Open:
    steps: tuple[Any, ...] | None = None


@pytest.mark.parametrize("steps", [None, (), ("hue", 3, None), ({"exposure": {"trust": 0.5}}, "hue", ["a"])])
def test_a_list_of_anything_comes_as_it_is(steps: tuple[Any, ...] | None) -> None:
    plain = to_mapping(Open(steps=steps))
    assert from_mapping(Open, plain) == Open(steps=steps)
    assert from_mapping(Open, yaml.safe_load(yaml.safe_dump(plain))) == Open(steps=steps)


@pytest.mark.parametrize("steps", ["hue", 5, {"hue": {}}])
def test_what_is_no_list_is_told(steps: object) -> None:
    with pytest.raises(ConfigError, match=r"^steps: expected a list, got "):
        from_mapping(Open, {"steps": steps})
