"""`restorect info`: real files and what is said of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from typer.testing import CliRunner

import restorect
from restorect.cli.main import app

EXAMPLES = Path(__file__).parents[2] / "examples"


def facts(*paths: Path) -> list[dict]:
    result = CliRunner().invoke(app, ["info", "--json", *map(str, paths)])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_photo_with_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Maker", "Camera\n9", 6
    exif.get_ifd(0x8769)[0x829A] = 0.5
    exif.get_ifd(0x8825)[1] = "N"
    Image.new("RGB", (30, 20), (9, 8, 7)).save(tmp_path / "a.jpg", exif=exif, dpi=(300, 300))
    (found,) = facts(tmp_path / "a.jpg")
    assert (found["format"], found["width"], found["height"], found["orientation"]) == ("jpeg", 20, 30, 6)
    assert (found["stored_bits"], found["colours"], found["profile"]) == (8, "RGB", "sRGB")
    assert found["metadata"]["Make"] == "Maker"
    assert found["metadata"]["Model"] == "Camera\\n9"
    assert found["metadata"]["GPS"] == "position recorded"
    assert found["metadata"]["DPI"] == [300, 300]
    text = CliRunner().invoke(app, ["info", str(tmp_path / "a.jpg")]).stdout
    assert "20 x 30 upright" in text
    assert "6 (will be turned upright)" in text


def test_the_likely_task_is_the_classifier_s() -> None:
    from restorect.auto.classifier import Classifier
    from restorect.images.colour import to_network
    from restorect.images.read import read_photo
    from restorect.weights.catalogue import shipped_classifier

    classifier = Classifier.load(shipped_classifier())
    for path in sorted(EXAMPLES.glob("*.jpg")):
        (found,) = facts(path)
        decision = classifier.decide(to_network(read_photo(path)))
        assert (found["likely_task"], found["confidence"]) == (decision.task, round(decision.confidence, 3))
    (night,) = facts(EXAMPLES / "dogs-night.jpg")
    assert night["likely_task"] == "low-light"
    assert "low-light, " in CliRunner().invoke(app, ["info", str(EXAMPLES / "dogs-night.jpg")]).stdout


def test_the_depth(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((20, 30), 1000, np.uint16))
    (found,) = facts(tmp_path / "a.png")
    assert (found["stored_bits"], found["colours"]) == (16, "grey")


def test_what_is_no_photo_is_one_line_and_the_rest_is_shown(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((2, 2, 3), np.uint8))
    (tmp_path / "b.jpg").write_text("text")
    paths = [str(tmp_path / name) for name in ("a.png", "b.jpg", "missing.jpg")]
    result = CliRunner().invoke(app, ["info", *paths])
    assert result.exit_code == 1
    assert "a.png" in result.stdout
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == paths[1:]


def test_a_damaged_exif_block_does_no_harm(tmp_path: Path) -> None:
    Image.new("RGB", (3, 2)).save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" + b"\xff" * 40)
    (found,) = facts(tmp_path / "a.jpg")
    assert found["width"] == 3
    command = [sys.executable, "-m", "restorect.cli", "info", str(tmp_path / "a.jpg")]
    source = str(Path(restorect.__file__).parents[1])
    result = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": source}
    )
    assert result.stderr == "", "a library's warning reaches the user"
