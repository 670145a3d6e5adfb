"""Every recipe in the repository is one that the code of today would run."""

from pathlib import Path

import pytest
import yaml

from restorect.configs import amended, from_mapping, read_yaml
from restorect.nets.presets import PRESETS, student_preset, teacher_preset
from restorect.tasks import task_names
from restorect.train.recipes import (
    DecompositionRecipe,
    ExposureRecipe,
    NetworkRecipe,
    Recipe,
    StudentRecipe,
    TeacherRecipe,
)

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "recipes").rglob("*.yaml"))
CLASSES: dict[str, type[Recipe]] = {
    "decompose": DecompositionRecipe,
    "teacher": TeacherRecipe,
    "student": StudentRecipe,
    "direct": StudentRecipe,
    "exposure": ExposureRecipe,
}


def test_there_are_recipes() -> None:
    assert len(RECIPES) >= 5


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_it_is_valid(path: Path) -> None:
    recipe = from_mapping(CLASSES[path.stem.partition("-")[0]], read_yaml(path))
    assert set(recipe.task.split("+")) <= set(task_names())
    assert path.parent.name in (recipe.task, "several", "gpu")
    if isinstance(recipe, NetworkRecipe):
        assert recipe.preset in PRESETS
        assert recipe.preset == path.stem.rpartition("-")[2]
        preset = (student_preset if isinstance(recipe, StudentRecipe) else teacher_preset)(recipe.preset)
        amended(preset, recipe.network)
    for name in ("teacher", "init", "student"):
        named = getattr(recipe, name, "")
        assert not named or (ROOT / named).is_file()


def test_the_recipe_of_a_new_task_in_the_docs_is_valid() -> None:
    text = (ROOT / "docs" / "add-a-task.md").read_text()
    values = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    recipe = from_mapping(StudentRecipe, values)
    amended(student_preset(recipe.preset), recipe.network)
    assert all((ROOT / named).is_file() for named in (recipe.init, recipe.decomposition))
