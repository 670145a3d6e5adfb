"""`restorect restore --precision`: part of what an output is made by."""

from functools import partial
from pathlib import Path

from restore_files import photo
from restore_program import Run

from restorect.images.read import read_photo


def test_another_precision_is_not_done_before(run: Run, tmp_path: Path) -> None:
    source, out = photo(tmp_path / "a.jpg"), tmp_path / "out"
    run = partial(run, "--task", "low-light")
    assert "1 restored" in run(source, "-o", out)[2]
    assert "1 done before" in run(source, "-o", out, "--precision", "float32")[2]
    assert "precision" not in str(read_photo((out / "a.jpg").read_bytes(), name="a.jpg").metadata)
    assert "1 restored" in run(source, "-o", out, "--precision", "bfloat16", "--force")[2]
    assert "1 done before" in run(source, "-o", out, "--precision", "bfloat16")[2]
    assert b"bfloat16" in (out / "a.jpg").read_bytes()
