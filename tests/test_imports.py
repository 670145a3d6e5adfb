"""The order of the house: who may import whom, what stays free of torch, and how long files and functions may be."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from restorect.cli.main import COMMANDS

SOURCE = Path(__file__).parents[1] / "src" / "restorect"
FILES = sorted(SOURCE.rglob("*.py"))
FOLDERS = (  # top down: a folder imports only itself, what stands below it, and the files directly in the package
    "cli",
    "web",
    "evaluate",
    "bench",
    "train",
    "ray",
    "engine",
    "export",
    "infer",
    "workers",
    "auto",
    "tasks",
    "bands",
    "render",
    "losses",
    "nets",
    "flow",
    "retinex",
    "data",
    "metrics",
    "images",
    "weights",
)
INSIDE = tuple(f"restorect.{folder}." for folder in FOLDERS)
HEAVY = {"torch", "numpy", "cv2"}
LONGEST_FILE, LONGEST_FUNCTION, MOST_PARAMETERS = 330, 60, 8


def name_of(file: Path) -> str:
    return file.relative_to(SOURCE).as_posix()


def in_folder(file: Path, folder: str) -> bool:
    return file.is_relative_to(SOURCE / folder)


def imported(tree: ast.AST, file: Path) -> Iterator[tuple[str, ast.stmt]]:
    """Every module a tree imports, by its full name; `from package import name` gives `package.name`."""
    package = ("restorect", *file.relative_to(SOURCE).parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            for alias in node.names:
                yield f"{module}.{alias.name}", node


def at_start(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when the module is imported: not function bodies, not `if TYPE_CHECKING`."""
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
            yield from at_start(statement.orelse)
            continue
        blocks = [getattr(statement, field, []) for field in ("body", "orelse", "finalbody")]
        blocks += [handler.body for handler in getattr(statement, "handlers", [])]
        if any(blocks):
            for block in blocks:
                yield from at_start(block)
        else:
            yield statement


def breach(file: Path, module: str) -> str | None:
    """What is wrong with importing `module` in `file`, if anything."""
    parts = module.split(".")
    if parts[0] == "torchvision":
        return "torchvision does not fit the CPU build of torch"
    folder = file.relative_to(SOURCE).parts[0]
    if folder.endswith(".py") and folder != "__init__.py" and module.startswith(INSIDE):
        return "a file directly in the package stands below every folder"
    if folder == "images" and parts[0] == "torch":
        return "images/ works without torch"
    if parts[0] != "restorect" or folder not in FOLDERS or len(parts) < 2 or parts[1] not in FOLDERS:
        return None
    if FOLDERS.index(parts[1]) < FOLDERS.index(folder):
        return f"{folder}/ stands below {parts[1]}/"
    return None


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_imports_point_down(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = {
        f"line {node.lineno}: {module}: {why}" for module, node in imported(tree, file) if (why := breach(file, module))
    }
    assert not found


def test_photographs_are_read_without_torch() -> None:
    names = [
        ".".join(("restorect", *f.relative_to(SOURCE).with_suffix("").parts)) for f in FILES if in_folder(f, "images")
    ]
    code = f"import importlib, sys\nfor n in {names!r}: importlib.import_module(n)\nprint('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=900, check=False)
    assert result.stdout.strip() == "False", result.stderr


@pytest.mark.parametrize("file", [f for f in FILES if in_folder(f, "cli")], ids=name_of)
def test_the_command_line_starts_without_heavy_modules(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    start = ast.Module(body=list(at_start(tree.body)), type_ignores=[])
    assert not {module for module, _ in imported(start, file) if module.split(".")[0] in HEAVY}


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_files_and_functions_stay_short(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {f.name: (f.end_lineno or f.lineno) - f.lineno + 1 for f in functions}
    assert len(text.splitlines()) <= LONGEST_FILE
    assert not {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION}


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """What a caller may give, without `self`."""
    given = function.args
    names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def is_command(function: ast.FunctionDef | ast.AsyncFunctionDef, source: str) -> bool:
    """Whether typer calls it, with an option of the command for each parameter."""
    registered = any("command" in ast.unparse(each) for each in function.decorator_list)
    return registered or f")({function.name})" in source


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_functions_have_few_parameters(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    own = f"command()({file.stem})" if in_folder(file, "cli") and file.stem in COMMANDS else ""  # as `cli.main.built`
    long = {f.name: len(parameters(f)) for f in functions if not is_command(f, text + own)}
    assert not {name: count for name, count in long.items() if count > MOST_PARAMETERS}


def test_parameters_are_counted_and_commands_are_told_from_functions() -> None:
    method = "class B:\n def b(self, x, /, y, *z, u, **w): ..."
    code = f"@app.command()\ndef a(x): ...\n{method}\ndef c(x): ...\napp.command()(c)"
    a, c, b = [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.FunctionDef)]
    assert (parameters(a), parameters(b), parameters(c)) == (["x"], ["x", "y", "u"], ["x"])
    assert [is_command(function, code) for function in (a, b, c)] == [True, False, True]


def test_every_folder_has_its_place_in_the_order() -> None:
    folders = {f.relative_to(SOURCE).parts[0] for f in FILES if f.parent != SOURCE}
    assert folders <= set(FOLDERS)


def test_the_page_on_architecture_is_of_this_house() -> None:
    page = (SOURCE.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)/` \|", page, re.MULTILINE) == [f for f in FOLDERS if (SOURCE / f).is_dir()]
    named = re.findall(r"`(\w[\w/]*\.py)`", page.replace("`tests/test_imports.py`", ""))
    assert len(named) > 20
    assert not [name for name in named if not (SOURCE / name).is_file()]


@pytest.mark.parametrize("question", ["bright", "FLEX", "sampler", "add a task"])
def test_what_is_asked_most_is_found_in_three_files(question: str) -> None:
    page = (SOURCE.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [row for row in page.splitlines() if row.startswith("|") and question in row.split("|")[1]]
    assert len(rows) == 1
    assert 1 <= len(re.findall(r"\w\.py`|\]\(", rows[0])) <= 3


@pytest.mark.parametrize(
    ("path", "code", "wrong"),
    [
        ("infer/a.py", "from restorect.train import loop", True),
        ("infer/a.py", "from restorect import train", True),
        ("infer/a.py", "from ..train import loop", True),
        ("train/a.py", "from restorect.infer import restorer", False),
        ("data/degrade/a.py", "from ...nets import presets", True),
        ("data/degrade/a.py", "from . import draws", False),
        ("images/a.py", "def f():\n    import torch.nn", True),
        ("images/a.py", "from restorect.errors import ImageError", False),
        ("a.py", "from restorect.nets import presets", True),
        ("a.py", "from restorect.errors import DeviceError", False),
        ("metrics/a.py", "import torchvision.models", True),
    ],
)
def test_the_rule_sees_a_breach(path: str, code: str, wrong: bool) -> None:
    file = SOURCE / path
    assert any(breach(file, module) for module, _ in imported(ast.parse(code), file)) is wrong


def test_the_start_of_a_module_is_told_from_its_functions() -> None:
    code = "try: import torch\nexcept ImportError: import cv2\ndef f():\n import numpy\nif TYPE_CHECKING: import os\n"
    names = [ast.unparse(statement) for statement in at_start(ast.parse(code).body)]
    assert names == ["import torch", "import cv2"]
