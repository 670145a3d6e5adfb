"""The Python in docs/auto.md runs as written."""

import re
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[2]


def test_the_python_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "auto.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    photo = np.asarray(Image.open(ROOT / "examples" / "dogs-night.jpg"))[200:264, 200:264]
    names: dict[str, object] = {"photo": photo}
    exec(compile("\n".join(blocks), "docs/auto.md", "exec"), names)
    assert names["better"].mean() > photo.mean()
    assert names["decision"].task == "low-light"
    assert len(names["two"]) == 2
    assert (len(names["whole"].images), names["whole"].by.task) == (3, "low-light")
    assert names["whole"].spread.shape == photo.shape[:2]
    assert names["between"].shape == photo.shape
    assert names["doubt"].shape == photo.shape[:2]
