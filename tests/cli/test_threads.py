"""--threads: set in one place, for the whole process; loading networks sets none."""

import inspect

import pytest
import torch
from typer.testing import CliRunner

import restorect
from restorect.cli.main import app
from restorect.errors import ConfigError
from restorect.infer.auto_restorer import AutoRestorer


@pytest.fixture(autouse=True)
def kept():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_the_option_sets_torch_s_threads() -> None:
    for number in (2, 1):
        result = CliRunner().invoke(app, ["evaluate", "--benchmark", "list", "--threads", str(number)])
        assert result.exit_code == 0, result.output
        assert torch.get_num_threads() == number
    CliRunner().invoke(app, ["evaluate", "--benchmark", "list"])
    assert torch.get_num_threads() == 1


def test_too_many_are_refused() -> None:
    result = CliRunner().invoke(app, ["evaluate", "--benchmark", "list", "--threads", "100000"])
    assert isinstance(result.exception, ConfigError)
    assert "threads is 100000; it must be from 1 to" in str(result.exception)


def test_loading_has_no_say_in_it() -> None:
    for load in (restorect.load, restorect.Restorer.load, AutoRestorer.load):
        assert "threads" not in inspect.signature(load).parameters
