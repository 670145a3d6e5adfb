"""The config file: what it says reaches the commands, the command line wins, and what is wrong is a line each."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
from hypothesis import given
from hypothesis import strategies as st
from restore_files import files, photo
from restore_program import Run

from restorect.cli.config import template
from restorect.cli.config_check import checked
from restorect.cli.config_file import VARIABLE, config_path, read
from restorect.cli.config_options import PHOTO_COMMANDS, common_options, options_of
from restorect.cli.main import app

APP: Any = typer.main.get_command(app)
PROGRAM = Path(__file__).with_name("restore_program.py")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config file that every command of this test reads."""
    path = tmp_path / "config.toml"
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def restorect(*arguments: object) -> tuple[int, str, list[str]]:
    """The real command with a stand-in for the networks."""
    command = [sys.executable, str(PROGRAM), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    return done.returncode, done.stdout, done.stderr.splitlines()


def test_options_reach_the_command_and_the_command_line_wins(run: Run, file: Path, tmp_path: Path) -> None:
    path, out = photo(tmp_path / "in" / "a.png"), tmp_path / "out"
    file.write_text('seed = 3\nsize = "nano"\n[restore]\nname-template = "{stem}-{size}-{seed}"\nquality = 50\n')
    assert run(path, "-o", out)[0] == 0
    assert run(path, "-o", out, "--seed", 4)[0] == 0
    assert run(path, "-o", out, "--name-template", "{stem}")[0] == 0
    assert [name for name in files(out) if name.endswith(".png")] == ["a-nano-3.png", "a-nano-4.png", "a.png"]


def test_required_options_flags_and_lists_come_from_it_too(run: Run, file: Path, tmp_path: Path) -> None:
    photo(tmp_path / "in" / "deep" / "a.png")
    file.write_text(f'[restore]\nout = "{tmp_path / "out"}"\nrecursive = true\n')
    assert run(tmp_path / "in")[0] == 0
    assert (tmp_path / "out" / "deep" / "a.png").is_file()


def test_edit_takes_its_own_table(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    file.write_text("quiet = true\n[edit]\nbackup = false\n")
    assert restorect("edit", photo(folder / "a.png")) == (0, "", [])
    assert files(folder) == ["a.png"]
    assert restorect("edit", photo(folder / "b.png"), "--backup")[0] == 0
    assert files(folder) == ["a.png", "b.png", "b.png.orig"]


def test_each_error_is_a_line_and_nothing_is_done(file: Path, tmp_path: Path) -> None:
    path = photo(tmp_path / "a.png")
    file.write_text(
        'strenght = 1\nrecursive = true\n[edit]\nfast = 1\n[eddit]\n[train.student]\nsteps = "x"\n[web]\nport = 70000\n'
    )
    code, out, lines = restorect("edit", path)
    assert (code, out) == (2, "")
    assert lines == [
        f"restorect: {file}: {error}"
        for error in (
            "strenght: there is no such option; did you mean strength?",
            "recursive: is no option of all commands; write it below [restore]",
            "[edit] fast: give true or false, not 1",
            "[eddit]: there is no such command; did you mean edit?",
            '[train.student] steps: give a whole number, not "x"',
            "[web] port: give a number of at least 0, at most 65535, not 70000",
        )
    ]
    assert files(tmp_path) == ["a.png", "config.toml"]
    assert restorect("config")[::2] == (2, lines)
    assert restorect("edit", "--help")[0] == 0


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("strength = 2", "strength is 2; it must be from 0 to 1"),
        ('task = "nigth"', 'task is "nigth"; choose one of auto, backlit, fundus, low-light, underwater'),
        ('size = "huge"', 'size is "huge"; choose one of nano, small, tiny'),
        ('precision = "int8"', 'precision is "int8"; choose one of float32, bfloat16'),
        ("quality = 0", "quality 0: give a whole number from 1 to 100"),
        ("max-megapixels = -1", "max megapixels -1: give a number above 0, up to 1,000,000"),
        ("[restore]\nsamples = 100", "[restore] samples is 100; it must be at least 1, at most 99"),
        ('[restore]\nformat = "gif"', "[restore] format gif: cannot be written"),
        ('[restore]\nformat = "jpeg"\nbit-depth = 16', "[restore] bit depth 16: jpeg can hold 8 bits"),
    ],
)
def test_limits_are_those_of_the_options(text: str, error: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(text)
    found = checked(read(tmp_path / "config.toml"), APP)
    assert [line[: len(error)] for line in found.errors] == [error]


@pytest.mark.parametrize("content", [b"a = ", b"\xff", b"a=1\na=2", b"[" * 9999])
def test_what_is_no_toml_is_one_line(content: bytes, file: Path) -> None:
    file.write_bytes(content)
    for command in ("config", "info"):
        code, _, lines = restorect(command, *([] if command == "config" else ["x"]))
        assert (code, len(lines)) == (2, 1)
        assert lines[0].startswith(f"restorect: {file}: is no TOML (")


def test_a_file_that_is_named_and_not_there_is_one_line(file: Path) -> None:
    code, _, lines = restorect("info", "x")
    assert (code, len(lines)) == (2, 1)
    assert f"{file}: cannot be read (there is no such file" in lines[0]


def test_a_first_file_holds_all_there_is(file: Path) -> None:
    assert restorect("config") == (0, f"# {file}\n# There is no such file; restorect config --init writes one.\n", [])
    assert restorect("config", "--init") == (0, f"{file}\n", [])
    written = file.read_text()
    assert (written, read(file)) == (template(APP), {})
    code, _, lines = restorect("config", "--init")
    assert (code, lines) == (2, [f"restorect: {file}: is there already; edit it, or move it away"])
    file.write_text(re.sub(r"^# (?=[a-z-]+ = |\[)", "", written, flags=re.MULTILINE))
    all_of_it = read(file)
    assert set(common_options(APP)) | {"edit", "restore"} == set(all_of_it)
    assert not checked(all_of_it, APP).errors
    assert file.read_text().count("\n#") < 6


def test_what_holds_is_shown_as_it_could_be_written(file: Path) -> None:
    file.write_text('seed = 3\n[edit]\nseed = 4\nbackup = false\n[train.student]\nset = ["a=1"]\nsteps = 2\n')
    code, out, _ = restorect("config")
    assert code == 0
    file.write_text(out)
    shown = read(file)
    assert shown["edit"] == {"seed": 4, "backup": False}
    assert (shown["restore"], shown["train"]) == ({"seed": 3}, {"student": {"set": ["a=1"], "steps": 2}})
    assert restorect("config")[1] == out


def leaves(group: Any) -> list[Any]:
    found: list[Any] = []
    for command in group.commands.values():
        found += leaves(command) if hasattr(command, "commands") else [command]
    return found


def test_all_options_of_all_commands_are_understood() -> None:
    kinds = {option.kind for command in leaves(APP) for option in options_of(command).values()}
    assert kinds == {bool, int, float, str, Path}
    assert {"strength", "max-megapixels", "device"} <= set(common_options(APP))
    assert set(PHOTO_COMMANDS) <= set(APP.commands)


values = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["seed", "set", "student"]), inner),
    max_leaves=10,
)
keys = st.text() | st.sampled_from([*APP.commands, *common_options(APP)])


@given(st.dictionaries(keys, values))
def test_whatever_stands_there_ends_in_lines(mapping: dict[str, Any]) -> None:
    found = checked(mapping, APP)
    assert all(len(line.splitlines()) == 1 for line in found.errors)


def test_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("XDG_CONFIG_HOME", os.sep + "there")
    assert config_path() == Path(os.sep, "there", "restorect", "config.toml")
    monkeypatch.setenv(VARIABLE, "")
    assert config_path() is None


def test_without_a_file_nothing_is_loaded_for_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE)
    code = (
        "import sys\nfrom restorect.cli.main import main\nsys.argv = ['restorect', 'info', 'x']\n"
        "try: main()\nfinally: print({'tomllib', 'tomli', 'restorect.cli.config_limits'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "set()"
