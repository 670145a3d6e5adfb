"""`--engine onnx`: the picture of the torch engine, from graphs that are prepared once, without torch; or one line."""

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "export"))
from exporting import photo, small_restorer

from restorect.auto.decision import Decision
from restorect.engine import cache
from restorect.engine.auto import OnnxAuto
from restorect.engine.load import load
from restorect.engine.restorer import OnnxRestorer
from restorect.errors import CheckpointError, ConfigError, DeviceError, ExportError, ImageError
from restorect.infer.auto_choice import Choice
from restorect.infer.batch import RestoreSettings
from restorect.infer.options import Options
from restorect.infer.restorer import Restorer
from restorect.render.balance import BalanceConfig
from restorect.render.exposure import ExposureConfig
from restorect.render.field_of_view import FieldOfViewConfig
from restorect.render.floor import FloorConfig
from restorect.render.fusion import FusionConfig
from restorect.render.hue import HueConfig
from restorect.render.keep import KeepConfig

KINDS: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    "low-light": ((), (ExposureConfig(source="net"), HueConfig(), FloorConfig(), FusionConfig())),
    "underwater": ((BalanceConfig(),), (KeepConfig(), ExposureConfig(source="seen"))),
    "fundus": ((), (FieldOfViewConfig(),)),
}
RUN = """
import sys
sys.modules["torch"] = None  # importing it fails
sys.argv[0] = "restorect"
from restorect.cli.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights by task, and a cache in which their graphs are prepared."""
    folder = tmp_path_factory.mktemp("engine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        for task, (before, after) in KINDS.items():
            small_restorer(folder, *after, before=before, task=task)
            told: list[str] = []
            load(task, "", weights=folder / f"{task}.safetensors", tell=told.append)
            assert told[0] == f"preparing the graphs of {task} for --engine onnx: once, about 20 seconds"
            assert len(told) == 1 + (task == "fundus")
    return folder


@pytest.fixture
def cached(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    return home


def both(home: Path, task: str) -> tuple[OnnxRestorer, Restorer]:
    weights = home / f"{task}.safetensors"
    one = load(task, "", weights=weights)
    assert isinstance(one, OnnxRestorer)
    return one, Restorer.load(weights=weights)


@pytest.mark.parametrize("task", KINDS)
def test_it_is_the_picture_of_the_torch_engine(cached: Path, task: str) -> None:
    ours, torchs = both(cached, task)
    assert (ours.task, ours.size, ours.weights_hash) == (torchs.task, torchs.size, torchs.weights_hash)
    assert ours.default_steps == torchs.default_steps == 2
    choices = [{}, {"style": "reference"}, {"strength": 0.5}, {"strength": 0.0}]
    choices += [] if task == "fundus" else [{"brightness": 1.0, "strength": 0.75}]
    for number, size in enumerate([(1, 1), (25, 24), (97, 131), (301, 210)]):
        image = 1.2 * photo(*size) - 0.1  # wider than sRGB
        if task == "fundus":
            image[: size[0] // 4] = 0.01
        for choice in choices if number == 2 else choices[:1]:
            options = Options(**choice)
            (found,), (expected,) = ours.restore(image, options).images, torchs.restore(image, options).images
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, expected, atol=1e-4, err_msg=f"{size} {choice}")
            assert (number != 2 or options.strength == 0) or np.abs(expected - image).max() > 0.01


def test_the_command_never_imports_torch(cached: Path, tmp_path: Path) -> None:
    """An 8-bit JPEG and a 16-bit PNG, for a task that is named and by what is decided."""
    image = photo(60, 80)[..., ::-1]
    assert cv2.imwrite(str(tmp_path / "a.jpg"), np.round(image * 255).astype(np.uint8))
    assert cv2.imwrite(str(tmp_path / "b.png"), np.round(image * 65535).astype(np.uint16))
    out = tmp_path / "out"
    words = ["restore", tmp_path / "a.jpg", tmp_path / "b.png", "-o", out, "--engine", "onnx", "--threads", "1"]
    words += ["--weights", cached / "low-light.safetensors"]
    result = run(words)
    assert result.returncode == 0, result.stderr
    assert "2 restored" in result.stderr
    expected = both(cached, "low-light")[1](image[..., ::-1].copy())[..., ::-1]
    found = cv2.imread(str(out / "b.png"), cv2.IMREAD_UNCHANGED)
    assert found.dtype == np.uint16
    assert np.abs(found / 65535 - expected).max() < 1 / 255
    assert b"onnx" in (out / "b.png").read_bytes()
    assert "2 done before" in run(words).stderr
    names = [json.loads(line)["status"] for line in (out / "restorect-manifest.jsonl").read_text().splitlines()]
    assert names.count("done") == 2


def run(words: list[Any]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", RUN, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, env={**os.environ})


def test_the_decision_needs_no_torch_either(cached: Path, tmp_path: Path) -> None:
    """Nothing is decided to be restored here: the shipped networks take too long to prepare."""
    grey = np.full((64, 64, 3), 128, np.uint8) + np.random.default_rng(0).integers(0, 60, (64, 64, 3), np.uint8)
    assert cv2.imwrite(str(tmp_path / "good.png"), grey)
    program = f"""
import sys
sys.modules["torch"] = None
from restorect.engine.load import load
from restorect.infer.options import Options
import cv2, numpy as np
image = np.ascontiguousarray(cv2.imread({str(tmp_path / "good.png")!r})[..., ::-1], dtype=np.float32) / 255
restorer = load("auto", "nano")
print(restorer._choice.classifier.decide(image).task, len(restorer.weights_hash))
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=900)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split()[1] == "64"


def test_auto_restores_for_what_it_sees(cached: Path) -> None:
    class Teller:
        weights_hash, task = "a" * 64, "low-light"

        def decide(self, image: np.ndarray) -> Decision:
            return Decision(task=self.task, confidence=0.75)

    files = {task: cached / f"{task}.safetensors" for task in ("low-light", "underwater")}
    teller: Any = Teller()
    auto = OnnxAuto(Choice(classifier=teller, files=files, size="small"), lambda path: both(cached, path.stem)[0])
    image = photo(40, 50)
    for teller.task in files:
        restored = auto.restore(image, Options())
        np.testing.assert_allclose(restored.images[0], both(cached, teller.task)[1](image), atol=1e-4)
        assert restored.by is not None
        assert (restored.by.task, restored.decision) == (teller.task, Decision(task=teller.task, confidence=0.75))
    teller.task = "none"
    restored = auto.restore(image, Options())
    np.testing.assert_array_equal(restored.images[0], image)
    assert restored.by is None
    teller.task = "fundus"
    with pytest.raises(CheckpointError, match="no weights for fundus small"):
        auto.restore(image, Options())


def test_the_engine_is_part_of_what_an_output_is_made_by(cached: Path) -> None:
    digests = {RestoreSettings().digest(networks) for networks in both(cached, "low-light")}
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"samples": 2}, "--samples: --engine onnx gives the mean restoration only"),
        ({"uncertainty": True}, "--uncertainty: --engine onnx"),
        ({"start": "noise"}, "start: --engine onnx"),
        ({"steps": 3}, "--steps: --engine onnx"),
        ({"fast": True}, "--fast: --engine onnx has no fast mode"),
    ],
)
def test_what_torch_alone_can_is_refused(cached: Path, options: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError, match=line) as caught:
        both(cached, "low-light")[0].restore(photo(9, 9), Options(**options))
    assert str(caught.value).endswith("use --engine torch")


def test_retinas_are_not_brightened_and_large_photos_not_taken(cached: Path) -> None:
    with pytest.raises(ConfigError, match=r"--brightness: .*retinas.*use --engine torch"):
        both(cached, "fundus")[0].restore(photo(9, 9), Options(brightness=1))
    with pytest.raises(
        ImageError,
        match=r"has 4\.2 megapixels, and --engine onnx takes photos up to 4 .* 3 GB\); use --engine torch",
    ):
        both(cached, "fundus")[0].peak_bytes(2100, 2000)
    assert both(cached, "fundus")[0].peak_bytes(2000, 2000) > both(cached, "fundus")[0].peak_bytes(20, 20) > 0


def test_other_places_are_refused() -> None:
    with pytest.raises(DeviceError, match=r"device 'cuda': .*--engine torch"):
        load("low-light", "nano", device="cuda")
    with pytest.raises(ConfigError, match=r"--precision bfloat16: .*float32.*--engine torch"):
        load("low-light", "nano", precision="bfloat16")
    with pytest.raises(CheckpointError, match="no weights for fog nano"):
        load("fog", "nano")
    with pytest.raises(CheckpointError, match=r"none\.safetensors: no such weight file"):
        load("low-light", "nano", weights=Path("none.safetensors"))


def test_wrong_usage_ends_with_two_and_one_line(cached: Path, tmp_path: Path) -> None:
    assert cv2.imwrite(str(tmp_path / "a.png"), np.zeros((9, 9, 3), np.uint8))
    for words, line in ((["--samples", "2", "--engine", "onnx"], "--samples"), (["--engine", "tvm"], "torch or onnx")):
        result = run(["restore", tmp_path / "a.png", "-o", tmp_path / "out", *words])
        assert (result.returncode, result.stderr.count("\n")) == (2, 1)
        assert line in result.stderr


def test_without_onnxruntime_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ExportError, match=r'pip install "restorect\[onnx\]"'):
        load("low-light", "nano")


def test_graphs_of_others_are_one_line(cached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shutil.copytree(cached / "cache", tmp_path, dirs_exist_ok=True)
    weights = cached / "underwater.safetensors"
    ours = both(cached, "underwater")[0]
    folder = next(
        path for path in cache.cache_folder().iterdir() if path.is_dir() and ours.weights_hash[:32] in path.name
    )
    decoder, encoder = folder / "decoder.optimised.onnx", folder / "encoder.optimised.onnx"
    good = decoder.read_bytes()
    strange = onnx.load(decoder)
    onnx.helper.set_model_props(strange, {"restorect": "{}"})
    for content, line in (
        (encoder.read_bytes(), "is another graph than the one wanted; remove"),
        (good[:1000], "cannot be loaded"),
        (strange.SerializeToString(), "not exported by this version of restorect; remove"),
    ):
        decoder.write_bytes(content)
        with pytest.raises(ExportError, match=line) as caught:
            load("underwater", "", weights=weights)
        assert str(decoder) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_written_is_one_line(
    cached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ExportError, match=r"graphs cannot be kept there .*XDG_CACHE_HOME.*--engine torch"):
        load("underwater", "", weights=cached / "underwater.safetensors")


def count(folder: str, weights: str) -> None:
    """Prepare slowly, in a process of its own; each export leaves a file."""

    def export(weights: Path, part: Path) -> None:
        part.mkdir()
        (part / "whole").write_text("yes")
        (Path(folder) / f"export-{os.getpid()}").touch()

    os.environ["XDG_CACHE_HOME"] = folder
    cache._export = export
    assert (cache.prepared(Path(weights), "0" * 64, lambda: None) / "whole").read_text() == "yes"


def test_two_processes_export_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=count, args=(str(tmp_path), "x")) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(600)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len(list(tmp_path.glob("export-*"))) == 1


def test_an_export_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def export(weights: Path, part: Path) -> None:
        part.mkdir()
        raise ExportError("the graphs differ")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(cache, "_export", export)
    with pytest.raises(ExportError, match="differ"):
        cache.prepared(Path("x"), "0" * 64, lambda: None)
    assert not [path for path in cache.cache_folder().iterdir() if path.is_dir()]
