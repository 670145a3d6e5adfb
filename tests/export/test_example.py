"""The example restores by numpy, Pillow and onnxruntime alone, as torch does."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from exporting import photo, small_restorer
from PIL import Image

from restorect.export.export import export
from restorect.render.exposure import ExposureConfig
from restorect.render.floor import FloorConfig

EXAMPLE = Path(__file__).parents[2] / "examples" / "onnx_restore.py"
RUN = """
import sys
for name in ("torch", "restorect", "onnx", "cv2"):
    sys.modules[name] = None  # importing it fails
import runpy
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_the_example_restores_a_photo(tmp_path: Path) -> None:
    restorer = small_restorer(tmp_path, ExposureConfig(), FloorConfig())
    export(restorer, tmp_path / "model")
    dark = np.round(photo(131, 97) * 255).astype(np.uint8)
    Image.fromarray(dark).save(tmp_path / "dark.png")
    words = [
        sys.executable,
        "-c",
        RUN,
        str(EXAMPLE),
        *(str(tmp_path / name) for name in ("model", "dark.png", "out.png")),
    ]
    result = subprocess.run(
        words, capture_output=True, text=True, timeout=900, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert result.returncode == 0, result.stderr
    found, expected = np.asarray(Image.open(tmp_path / "out.png")), restorer(dark)
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert (found == expected).mean() > 0.99
    assert np.abs(expected.astype(int) - dark).max() > 5


def test_it_is_short_and_needs_little() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    roots = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add((node.module or "").split(".")[0])
    assert roots - set(sys.stdlib_module_names) == {"numpy", "PIL", "onnxruntime"}
    assert len(text.splitlines()) <= 60
