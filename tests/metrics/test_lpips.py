from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from restorect.metrics.lpips import LPIPS, SMALLEST
from restorect.metrics.pretrained import WeightsNeeded

PARAMETERS = {"alex": 2_469_696, "vgg": 14_714_688}
HEADS = {"alex": 64 + 192 + 384 + 256 + 256, "vgg": 64 + 128 + 256 + 512 + 512}
LAYERS = {"alex": [0, 3, 6, 8, 10], "vgg": [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]}


def random(variant: str) -> LPIPS:
    torch.manual_seed(0)
    net = LPIPS(variant)  # type: ignore[arg-type]
    for k in range(5):
        net.get_parameter(f"lin{k}.model.1.weight").data.abs_()
    return net


@pytest.mark.parametrize("variant", ["alex", "vgg"])
def test_layout_and_counts_are_the_published_ones(variant: str) -> None:
    with torch.device("meta"):
        net = LPIPS(variant)  # type: ignore[arg-type]
    assert sum(p.numel() for p in net.features.parameters()) == PARAMETERS[variant]
    keys = {f"features.{i}.{kind}" for i in LAYERS[variant] for kind in ("weight", "bias")}
    assert set(net.state_dict()) == keys | {f"lin{k}.model.1.weight" for k in range(5)}
    assert sum(v.numel() for k, v in net.state_dict().items() if k.startswith("lin")) == HEADS[variant]


@pytest.mark.parametrize("variant", ["alex", "vgg"])
def test_identical_is_zero_symmetric_positive_and_samples_do_not_mix(variant: str) -> None:
    net = random(variant)
    x, y = torch.rand(2, 3, 64, 48), torch.rand(2, 3, 64, 48)
    assert net(x, x).tolist() == [0, 0]
    distance = net(x, y)
    assert distance.shape == (2,)
    assert (distance > 0).all()
    assert torch.allclose(distance, net(y, x))
    assert torch.allclose(distance[1:], net(x[1:], y[1:]), rtol=1e-4)


def test_more_damage_is_further(photo: Tensor) -> None:
    net = random("alex")
    noise = torch.randn(photo.shape, generator=torch.Generator().manual_seed(0))
    near, far = ((photo + level * noise).clamp(0, 1) for level in (0.02, 0.2))
    assert 0 < net(near, photo).item() < net(far, photo).item()


def test_features_have_unit_length_so_their_scale_drops_out() -> None:
    """With one layer's response scaled, as by its weights, that layer's distance stays."""
    net = random("alex")
    x, y = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    lengths = [f.square().sum(dim=1) for f in net._layers(x)]
    assert all(((n - 1).abs() < 1e-4)[n > 0].all() for n in lengths)
    before = net(x, y)
    last = net.features[10]
    last.weight.data *= 7
    last.bias.data *= 7
    assert torch.allclose(net(x, y), before, rtol=1e-4)


def test_the_input_is_normalised_as_published() -> None:
    """ImageNet's mean colour becomes 0: the constants are 2 * mean - 1 and 2 * std, rounded."""
    net = random("alex")
    net.features[0] = torch.nn.Identity()
    seen: list[Tensor] = []
    net.features[0].register_forward_hook(lambda _m, inputs, _o: seen.append(inputs[0]))
    image = torch.tensor((0.485, 0.456, 0.406)).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    with pytest.raises(RuntimeError):  # three channels do not fit the next convolution; the hook has run
        net._layers(image)
    assert seen[0].abs().max() < 1e-6
    assert torch.tensor((0.458, 0.448, 0.450)) / 2 == pytest.approx(torch.tensor((0.229, 0.224, 0.225)))


def test_files_load_from_a_folder(tmp_path: Path) -> None:
    net = random("alex")
    state = {k: v.contiguous() for k, v in net.state_dict().items()}
    with pytest.raises(WeightsNeeded, match="lpips-alex"):
        LPIPS.load(tmp_path)
    save_file({k: v for k, v in state.items() if k.startswith("lin")}, tmp_path / "alex.safetensors")
    with pytest.raises(WeightsNeeded, match="needs weights alexnet"):
        LPIPS.load(tmp_path)
    features = {k: v for k, v in state.items() if k.startswith("features")}
    save_file({**features, "classifier.1.weight": torch.zeros(2)}, tmp_path / "alexnet-owt-7be5be79.safetensors")
    loaded = LPIPS.load(tmp_path)
    x, y = torch.rand(1, 3, 40, 40), torch.rand(1, 3, 40, 40)
    assert torch.equal(loaded(x, y), net(x, y))
    assert [source.name for source in loaded.sources] == ["alexnet", "lpips-alex"]


@pytest.mark.parametrize("variant", ["alex", "vgg"])
def test_the_smallest_side_works_and_one_less_is_refused(variant: str) -> None:
    net, side = random(variant), SMALLEST[variant]  # type: ignore[index]
    assert torch.isfinite(net(torch.rand(1, 3, side, side), torch.rand(1, 3, side, side))).all()
    with pytest.raises(ValueError, match="at least"):
        net(torch.rand(1, 3, side - 1, side), torch.rand(1, 3, side - 1, side))
    with pytest.raises(ValueError, match="variant"):
        LPIPS("squeeze")  # type: ignore[arg-type]
