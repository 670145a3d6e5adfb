"""What the tests of `restorect restore` share: the command run in this process."""

import sys

import pytest
from restore_program import Run, load_brightener

import restorect
from restorect.cli import main as command


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run `restorect restore` with a stand-in for the networks: exit code, standard output, standard error."""
    monkeypatch.setattr(restorect, "load", load_brightener)

    def once(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["restorect", "restore", *map(str, arguments)])
        code = 0
        try:
            command.main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, error = capsysbinary.readouterr()
        return code, out.decode("latin-1"), error.decode()

    return once
