from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from restorect.cli.main import app
from restorect.errors import DataError, RestorectError
from restorect.metrics.niqe import NiqeModel
from restorect.metrics.parameters.fitted import read_parameters
from restorect.metrics.registry import METRICS, Resources, load_metric

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_list_names_every_metric() -> None:
    result = CliRunner(env={"COLUMNS": "160"}).invoke(app, ["metrics", "list"])
    assert result.exit_code == 0
    assert all(name in result.stdout for name in METRICS)


def test_niqe_is_fitted_from_a_folder_and_never_over_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    photos = sorted(EXAMPLES.glob("*.jpg"))
    for photo in photos:
        pixels = cv2.imread(str(photo))
        assert pixels is not None
        pixels = cv2.resize(pixels, (700, round(pixels.shape[0] * 700 / pixels.shape[1])), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / f"{photo.stem}.png"), pixels)
        cv2.imwrite(str(folder / f"mirrored-{photo.stem}.png"), pixels[:, ::-1])
    out = tmp_path / "niqe.safetensors"
    arguments = ["metrics", "fit-niqe", str(folder), "-o", str(out)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert f"{2 * len(photos)} photographs" in result.stdout
    parameters = read_parameters(out, metric="niqe")
    assert parameters.origin["photographs"] == 2 * len(photos)
    image = torch.rand(1, 3, 96, 288, generator=torch.Generator().manual_seed(0))
    expected = NiqeModel.of(parameters).score(image).item()
    found = load_metric("niqe-fitted", Resources(weights_dir=tmp_path)).score(image).item()
    assert found == pytest.approx(expected)
    assert found != pytest.approx(load_metric("niqe", Resources(weights_dir=tmp_path)).score(image).item(), rel=1e-2)
    before = out.read_bytes()
    with pytest.raises(RestorectError, match="is there already"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert out.read_bytes() == before


def rated(folder: Path) -> Path:
    image = cv2.imread(str(EXAMPLES / "forest-path.jpg"))
    assert image is not None
    image = cv2.resize(image, (160, 120), interpolation=cv2.INTER_AREA)
    lines = ["file,score,kind"]
    for level in range(1, 6):
        noise = np.random.default_rng(level).normal(0, 8 * level, image.shape)
        cv2.imwrite(str(folder / f"noise{level}.png"), (image + noise).clip(0, 255).astype(np.uint8))
        cv2.imwrite(str(folder / f"blur{level}.png"), cv2.GaussianBlur(image, (0, 0), level))
        lines += [f"noise{level}.png,{10 * level},noise", f"blur{level}.png,{8 * level},blur"]
    table = folder / "scores.csv"
    table.write_text("\n".join(lines), encoding="utf-8")
    return table


@pytest.mark.parametrize("name", ["brisque", "biqi"])
def test_a_table_of_scores_makes_a_metric_that_the_registry_finds(name: str, tmp_path: Path) -> None:
    table, out = rated(tmp_path), tmp_path / f"{name}.safetensors"
    result = CliRunner().invoke(app, ["metrics", f"fit-{name}", str(table), "-o", str(out)], catch_exceptions=False)
    assert result.exit_code == 0
    metric = load_metric({"brisque": "brisque-fitted"}.get(name, name), Resources(weights_dir=tmp_path))
    figures = []
    for level in (1, 5):
        pixels = cv2.imread(str(tmp_path / f"noise{level}.png"))
        assert pixels is not None
        image = torch.from_numpy(pixels[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
        figures.append(metric.score(image).item())
    assert figures == pytest.approx([10, 50], abs=4)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no image"):
        CliRunner().invoke(app, ["metrics", "fit-niqe", str(tmp_path), "-o", "x"], catch_exceptions=False)
