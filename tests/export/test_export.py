"""Exported graphs give what torch gives, at sizes that nobody traced, and nothing is left of those that do not."""

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from exporting import photo, planes, session, small_restorer

from restorect.colour import smoothstep
from restorect.errors import ConfigError, ExportError
from restorect.export import export as exporting_module
from restorect.export.card import read_card
from restorect.export.check import BOUND, HALF_BOUND, largest_difference
from restorect.export.export import Exported, export
from restorect.export.graphs import Decoder
from restorect.infer.restorer import Restorer
from restorect.nets.codes import Codes
from restorect.nets.thumbnail import view_of
from restorect.render.balance import BalanceConfig
from restorect.render.exposure import ExposureConfig
from restorect.render.field_of_view import FieldOfViewConfig
from restorect.render.floor import FloorConfig
from restorect.render.fusion import FusionConfig
from restorect.render.hue import HueConfig
from restorect.render.keep import KeepConfig
from restorect.render.step import StepConfig
from restorect.weights.catalogue import shipped

KINDS: dict[str, tuple[tuple[StepConfig, ...], tuple[StepConfig, ...]]] = {
    "low-light": ((), (ExposureConfig(source="net"), HueConfig(), FloorConfig(), FusionConfig())),
    "underwater": ((BalanceConfig(),), (KeepConfig(), ExposureConfig(source="seen"))),
}
SIZES = [(1, 1), (2, 9), (25, 24), (97, 131), (210, 33), (96, 96)]


@pytest.fixture(scope="module", params=sorted(KINDS))
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Restorer, Exported]:
    folder = tmp_path_factory.mktemp("export")
    before, after = KINDS[request.param]
    restorer = small_restorer(folder, *after, before=before, task=request.param)
    return restorer, export(restorer, folder / "model")


def thumbnail(image: np.ndarray) -> np.ndarray:
    return view_of(torch.from_numpy(planes(image)), 96).numpy()


@pytest.mark.parametrize("half", [0, 1], ids=["plain", "optimised"])
def test_a_whole_photo_comes_out_as_by_torch(made: tuple[Restorer, Exported], half: int) -> None:
    restorer, exported = made
    count = len(exported.files) // 2
    encoder, decoder, *fusion = (session(path) for path in exported.files[half * count :][:count])
    assert len(fusion) == (restorer.task == "low-light")
    for size in SIZES:
        image = photo(*size)
        inputs = {"thumbnail": thumbnail(image), "noise": np.zeros((1, 512), np.float32)}
        codes, exposure = encoder.run(None, inputs)
        (found,) = decoder.run(None, {"input": planes(image), "codes": codes, "exposure": exposure})
        expected = restorer(image, style="reference")
        np.testing.assert_allclose(found, planes(expected), atol=1e-4, err_msg=str(size))
        assert np.abs(expected - image).max() > 0.01
        for graph in fusion:
            (fused,) = graph.run(None, {"input": planes(image), "restored": found})
            natural = restorer(image)
            np.testing.assert_allclose(fused, planes(natural), atol=1e-4, err_msg=str(size))
            assert np.abs(natural - expected).max() > 0.01


def test_for_whole_photos_alone_the_encoder_is_small(made: tuple[Restorer, Exported], tmp_path: Path) -> None:
    restorer, exported = made
    own = export(restorer, tmp_path, whole=True)
    inputs = {"thumbnail": thumbnail(photo(25, 24)), "noise": np.zeros((1, 512), np.float32)}
    (codes, exposure), (expected, full) = (session(each.files[0]).run(None, inputs) for each in (own, exported))
    np.testing.assert_allclose(codes, expected, atol=1e-6)
    np.testing.assert_allclose(exposure[:, 1:], full[:, 1:], atol=1e-6)
    assert exposure[0, 0] == 1
    count = len(own.files) // 2
    for each in (0, count):
        small, large = (len(onnx.load(made.files[each]).graph.node) for made in (own, exported))
        assert small < large / 2
    names = [name for node in onnx.load(own.files[count]).graph.node for name in node.output]
    assert max(map(len, set(names) - {"codes", "exposure"})) <= 4


def test_samples_and_parts_have_the_codes_and_the_curve_of_the_thumbnail(made: tuple[Restorer, Exported]) -> None:
    restorer, exported = made
    network = restorer.network.in_style("reference")
    encoder, decoder = (session(path) for path in exported.files[:2])
    image, noise = photo(192, 288), np.random.default_rng(1).normal(size=(1, 512)).astype(np.float32)
    codes, exposure = encoder.run(None, {"thumbnail": thumbnail(image), "noise": noise})
    exposure[:, 1] = 0
    start = Codes(*torch.from_numpy(noise).split(256, dim=1))
    conditions = network.read(torch.from_numpy(planes(image)))
    expected = network.student.generate(conditions, start)
    np.testing.assert_allclose(codes, expected.stacked(), atol=1e-4)
    scene = network.scene(torch.from_numpy(planes(image)), network.mean(conditions))
    assert scene.curve is not None
    np.testing.assert_allclose(exposure[0, 0], scene.curve.item(), rtol=1e-4)  # sides are multiples of 96
    (found,) = decoder.run(None, {"input": planes(image), "codes": codes, "exposure": exposure})
    np.testing.assert_allclose(found, network.restore(scene, expected).clamp(0, 1), atol=1e-4)
    exposure[:, 0] *= 2
    (brighter,) = decoder.run(None, {"input": planes(image), "codes": codes, "exposure": exposure})
    assert brighter.mean() > found.mean() + 0.01


def test_the_files_are_whole_and_say_what_they_are(made: tuple[Restorer, Exported]) -> None:
    restorer, exported = made
    parts = ["encoder", "decoder", *(["fusion"] if restorer.task == "low-light" else [])]
    names = [f"{part}{kind}.onnx" for kind in ("", ".optimised") for part in parts]
    assert [path.name for path in exported.files] == names
    for path, part in zip(exported.files, parts * 2, strict=True):
        card = read_card(path)
        assert (card.part, card.task, card.size, card.weights) == (part, restorer.task, "small", restorer.weights_hash)
        apart = ("fusion",) if restorer.task == "low-light" else ()
        assert tuple(card.omitted) == (() if part == "fusion" else apart)
        assert [name for step in card.after for name in step if part == "fusion" or name == "fusion"] == (
            ["fusion"] if part == "fusion" else []
        )
        assert card.start == "mean"
        assert 0 < card.checked["largest_difference"] <= BOUND == card.checked["bound"]
        assert len(card.checked["sizes"]) == 5
        graph = onnx.load(path, load_external_data=False)
        assert all(tensor.data_location == onnx.TensorProto.DEFAULT for tensor in graph.graph.initializer)
        assert {entry.domain: entry.version for entry in graph.opset_import}[""] == 18
        assert [value.name for value in graph.graph.input] == list(card.inputs)
        assert [value.name for value in graph.graph.output] == list(card.outputs)
    onnx.checker.check_model(onnx.load(exported.files[1]), full_check=True)
    for value in (decoder := session(exported.files[1])).get_inputs()[:1] + decoder.get_outputs():
        assert value.shape == [1, 3, "height", "width"]


def test_retinas_keep_their_lights(tmp_path: Path) -> None:
    plain, safe = (small_restorer(tmp_path, *steps, task="fundus") for steps in ((), (FieldOfViewConfig(),)))
    exported = export(safe, tmp_path / "model")
    assert tuple(exported.card.omitted) == ("field-of-view",)
    assert exported.card.after == ({"lights": {}},)
    image = photo(60, 77)
    encoder, decoder = (session(path) for path in exported.files[:2])
    inputs = {"thumbnail": thumbnail(image), "noise": np.zeros((1, 512), np.float32)}
    codes, exposure = encoder.run(None, inputs)
    (found,) = decoder.run(None, {"input": planes(image), "codes": codes, "exposure": exposure})
    share = smoothstep(torch.from_numpy(image[..., 1:2]), 0.6, 0.8).numpy()
    restored = plain(image)
    np.testing.assert_allclose(found, planes(restored + share * (image - restored)), atol=1e-4)
    assert 0 < (share == 1).mean() < (share == 0).mean()


def test_fixed_sides_and_half_the_bytes(tmp_path: Path) -> None:
    half = export(small_restorer(tmp_path, HueConfig(), stem=1), tmp_path / "half", sides=(33, 50), half=True)
    assert (half.card.sides, half.card.checked["sizes"]) == ("33x50", ["33x50"])
    assert BOUND < half.difference <= HALF_BOUND
    for path in half.files[:2]:
        tensors = [tensor for tensor in onnx.load(path).graph.initializer if np.prod(tensor.dims) > 256]
        assert {tensor.data_type for tensor in tensors} == {onnx.TensorProto.FLOAT16}
    decoder = session(half.files[1])
    assert decoder.get_inputs()[0].shape == [1, 3, 33, 50]
    inputs = {"codes": np.zeros((1, 512), np.float32), "exposure": np.ones((1, 2), np.float32)}
    assert decoder.run(None, {"input": planes(photo(33, 50)), **inputs})[0].shape == (1, 3, 33, 50)
    with pytest.raises(Exception, match=r"(?i)invalid dimensions"):
        decoder.run(None, {"input": planes(photo(33, 51)), **inputs})


def test_the_check_sees_another_network(made: tuple[Restorer, Exported], tmp_path: Path) -> None:
    restorer, exported = made
    models = {path.stem: path.read_bytes() for path in exported.files[:2]}
    other = restorer.network.ending_in({})
    assert largest_difference(other, models, (24, 24)) > 100 * BOUND


def test_what_is_not_as_by_torch_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Frozen(Decoder):
        """Differs when it is traced only."""

        def forward(self, image: torch.Tensor, codes: torch.Tensor, exposure: torch.Tensor) -> torch.Tensor:
            return super().forward(image, codes, exposure) * (1 - 1e-3 * float(image.shape[-1] == 131))

    monkeypatch.setattr(exporting_module, "Decoder", Frozen)
    with pytest.raises(ExportError, match=r"differ from torch by 0\.0.*nothing was written"):
        export(small_restorer(tmp_path), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []

    def write(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) == 3:
            raise OSError(28, "no space left", str(path))
        path.write_bytes(content)

    monkeypatch.setattr(exporting_module, "write_atomically", write)
    monkeypatch.setattr(exporting_module, "_traced", lambda *_, **__: {"encoder": b"", "decoder": b""})
    monkeypatch.setattr(exporting_module, "optimised", lambda model: model)
    monkeypatch.setattr(exporting_module, "described", lambda model, card: model)
    monkeypatch.setattr(exporting_module, "largest_difference", lambda *_, **__: 0.0)
    with pytest.raises(OSError, match="no space"):
        export(small_restorer(tmp_path), tmp_path / "model")
    assert len(written) == 3
    assert not list((tmp_path / "model").iterdir())


def test_bad_wishes_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restorer = small_restorer(tmp_path)
    for sides in ((0, 5), (5, 5000)):
        with pytest.raises(ConfigError, match="from 1 to 4096"):
            export(restorer, tmp_path / "model", sides=sides)
    with pytest.raises(ExportError, match="fusion as the last"):
        export(small_restorer(tmp_path, FusionConfig(), HueConfig()), tmp_path / "model")
    with pytest.raises(ExportError, match=r"conditions\.view is 48"):
        export(small_restorer(tmp_path, view=48), tmp_path / "model")
    (tmp_path / "decoder.onnx").write_bytes(b"mine")
    with pytest.raises(ExportError, match=r"decoder\.onnx: is there already.*--force"):
        export(restorer, tmp_path)
    assert (tmp_path / "decoder.onnx").read_bytes() == b"mine"
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ExportError, match=r'pip install "restorect\[onnx\]"'):
        export(restorer, tmp_path / "model")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(shipped()), ids="-".join)
def test_shipped_networks(tmp_path: Path, name: tuple[str, str]) -> None:
    exported = export(Restorer.load(*name), tmp_path)
    assert exported.difference <= BOUND
