from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from restorect.errors import CheckpointError, RestorectError
from restorect.metrics import pretrained
from restorect.metrics.pretrained import PRETRAINED, WeightsNeeded, fill, read_weights


def test_checksums_are_hex_and_those_in_a_file_name_agree_with_it() -> None:
    for entry in PRETRAINED.values():
        if entry.sha256 is not None:
            assert entry.sha256 == entry.sha256.lower()
            assert len(entry.sha256) in (8, 64)
            assert int(entry.sha256, 16) >= 0
            if len(entry.sha256) == 8:
                assert entry.sha256 in entry.file


@pytest.mark.parametrize("name", sorted(PRETRAINED))
def test_what_is_not_there_is_needed(name: str, tmp_path: Path) -> None:
    for folder in (None, tmp_path):
        with pytest.raises(WeightsNeeded, match=f"needs weights {name}, see docs/metrics.md") as caught:
            read_weights(name, folder)
        assert isinstance(caught.value, RestorectError)
        assert "\n" not in str(caught.value)


def test_another_file_under_a_published_name_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "alex.pth")
    with pytest.raises(CheckpointError, match=r"alex\.pth: sha256 .* not the published"):
        read_weights("lpips-alex", tmp_path)


@pytest.mark.parametrize("variant", ["alex", "vgg"])
def test_the_published_heads_pass_their_checksum(variant: str) -> None:
    package = find_spec("torchmetrics")
    assert package is not None  # of the dev extra; its package holds the files
    assert package.origin is not None
    folder = Path(package.origin).parent / "functional" / "image" / "lpips_models"
    state, source = read_weights(f"lpips-{variant}", folder)
    assert source.published
    assert len(source.sha256) == 64
    assert [tuple(v.shape)[1] for v in state.values()] == {
        "alex": [64, 192, 384, 256, 256],
        "vgg": [64, 128, 256, 512, 512],
    }[variant]
    assert all((v >= 0).all() for v in state.values())


def test_a_converted_file_is_read_but_not_called_published(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "alex.safetensors")
    state, source = read_weights("lpips-alex", tmp_path)
    assert state["a"].tolist() == [1, 1]
    assert not source.published


class Malice:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("run",))


def test_nothing_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:  # type: ignore[no-untyped-def]
    torch.save({"a": Malice()}, tmp_path / "bad.pth")
    (tmp_path / "cut.pth").write_bytes(b"PK\x03\x04")
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    for file in ("bad.pth", "cut.pth", "list.pth"):
        entry = pretrained.Pretrained(file=file, sha256=None, origin="test")
        monkeypatch.setattr(pretrained, "PRETRAINED", {"x": entry})
        with pytest.raises(CheckpointError, match=file):
            read_weights("x", tmp_path)
    assert capsys.readouterr().out == ""


def test_filling_is_strict_but_for_named_extras() -> None:
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1), torch.nn.BatchNorm2d(2))
    state = {k: torch.rand_like(v.float()).half() for k, v in net.state_dict().items()}
    del state["1.num_batches_tracked"]
    fill(net, {**state, "classifier.0": torch.zeros(1)}, "x", unused=("classifier.",))
    assert torch.equal(net[0].weight, state["0.weight"].float())
    assert not net.training
    assert not any(p.requires_grad for p in net.parameters())
    with pytest.raises(CheckpointError, match=r"x: the weights have an unknown key 'more'"):
        fill(net, {**state, "more": torch.zeros(1)}, "x")
    with pytest.raises(CheckpointError, match=r"lack key '0\.bias'"):
        fill(net, {k: v for k, v in state.items() if k != "0.bias"}, "x")
    with pytest.raises(CheckpointError, match="shape"):
        fill(net, {**state, "0.bias": torch.zeros(3)}, "x")
