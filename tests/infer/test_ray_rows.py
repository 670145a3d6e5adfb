"""`RestorePhotos` gives what `restorect restore` does, row by row."""

from pathlib import Path

import numpy as np
import pytest

from restorect.errors import ConfigError
from restorect.images.read import read_photo
from restorect.infer.batch import Naming, Options, RestoreSettings, plan_batch, run_batch
from restorect.infer.load import load
from restorect.ray import RestorePhotos

EXAMPLE = Path(__file__).parents[2] / "examples" / "stream-night.jpg"


def test_rows_are_restored_as_files_are(tmp_path: Path) -> None:
    from PIL import Image

    for number in (1, 2):
        Image.open(EXAMPLE).resize((64 + number, 48)).save(tmp_path / f"{number}.png")
    names = [str(tmp_path / f"{number}.png") for number in (1, 2)]
    (tmp_path / "broken.png").write_bytes(b"no photo")
    settings = RestoreSettings()
    restore = RestorePhotos("low-light", "nano", settings=settings)
    rows = restore(
        {"path": np.array([*names, str(tmp_path / "broken.png"), str(tmp_path / "gone.png")]), "id": np.arange(4)}
    )
    naming = Naming(task="low-light", size="nano", settings=settings)
    run_batch(plan_batch(names, tmp_path / "out", naming), lambda: load("low-light", "nano"))
    assert list(rows["restored"][:2]) == [(tmp_path / "out" / Path(name).name).read_bytes() for name in names]
    assert list(rows["task"]) == ["low-light", "low-light", "", ""]
    assert list(rows["error"][:2]) == ["", ""]
    assert "is not a photo" in rows["error"][2]
    assert "no such file" in rows["error"][3]
    assert list(rows["id"]) == [0, 1, 2, 3]
    contents = np.empty(2, dtype=object)
    contents[:] = [Path(name).read_bytes() for name in names]
    assert list(restore({"bytes": contents})["restored"]) == list(rows["restored"][:2])
    assert read_photo(rows["restored"][0]).pixels.shape[:2] == (48, 65)


def test_what_a_row_cannot_hold_is_refused() -> None:
    with pytest.raises(ConfigError, match="a row has room for one sample"):
        RestorePhotos(settings=RestoreSettings(restore=Options(samples=2)))
    with pytest.raises(ConfigError, match=r"needs a column path or bytes \(there are: name\)"):
        RestorePhotos("low-light", "nano")({"name": np.array(["a"])})
