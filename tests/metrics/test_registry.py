from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from restorect.errors import CheckpointError, ConfigError
from restorect.metrics.clip import Clip
from restorect.metrics.inception import InceptionV3
from restorect.metrics.lpips import LPIPS
from restorect.metrics.pretrained import PRETRAINED, WeightsNeeded
from restorect.metrics.registry import METRICS, Resources, load_metric, load_set_metric

PER_IMAGE = [name for name, info in METRICS.items() if not info.per_set]
READY = [name for name in PER_IMAGE if not METRICS[name].weights]
PROMISED = {"psnr", "ssim", "ms-ssim", "delta-e", "loe", "lpips-alex", "lpips-vgg", "fid"} | {
    "niqe",
    "brisque",
    "biqi",
    "uciqe",
    "uiqm",
    "clip-iqa",
}


def test_all_that_is_promised_is_there() -> None:
    assert set(METRICS) >= PROMISED
    titles = [info.title for info in METRICS.values()]
    assert len(set(titles)) == len(titles)


def with_all_kinds_of_places(stream: Tensor) -> Tensor:
    """The dark photograph with a black part and a bright one, so that every metric has something to judge."""
    third = stream.shape[-1] // 3
    return torch.cat([0.05 * stream[..., :third], stream[..., third:-third], 0.6 + stream[..., -third:]], 3).clamp(0, 1)


@pytest.mark.parametrize("name", READY)
def test_scores_in_range_in_batch_and_single_form(name: str, stream: Tensor) -> None:
    info, metric = METRICS[name], load_metric(name)
    stream = with_all_kinds_of_places(stream)
    output = (1.1 * stream + 0.02).clamp(0, 1)
    both, against = torch.cat([output, output.flip(3)]), torch.cat([stream, stream.flip(3)])
    scores = metric.score(both, against)
    assert scores.shape == (2,)
    assert scores.dtype == torch.float32
    assert all((info.low is None or s >= info.low) and (info.high is None or s <= info.high) for s in scores.tolist())
    single = metric.score(output[0], stream[0])
    assert single.shape == ()
    assert single.item() == pytest.approx(scores[0].item(), rel=1e-4)


@pytest.mark.parametrize("name", [n for n in READY if METRICS[n].reference == "target"])
def test_better_is_where_the_registry_says(name: str, stream: Tensor) -> None:
    metric = load_metric(name)
    noise = torch.randn(stream.shape, generator=torch.Generator().manual_seed(0))
    near, far = (metric.score((stream + level * noise).clamp(0, 1), stream).item() for level in (0.01, 0.1))
    assert (near > far) is METRICS[name].higher_is_better


@pytest.mark.parametrize("name", [n for n in READY if METRICS[n].smallest > 1])
def test_smaller_images_are_refused_with_a_reason(name: str) -> None:
    side = METRICS[name].smallest - 1
    image = torch.rand(1, 3, side, side)
    with pytest.raises(ValueError, match=f"{side + 1}x{side + 1}"):
        load_metric(name).score(image, image)


@pytest.mark.parametrize("name", [n for n in READY if METRICS[n].reference != "none"])
def test_a_missing_reference_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match=f"needs the {METRICS[name].reference}"):
        load_metric(name).score(torch.rand(1, 3, 200, 200))


@pytest.mark.parametrize("name", [n for n, info in METRICS.items() if info.weights])
def test_without_weights_the_column_says_so(name: str, tmp_path: Path) -> None:
    metric = load_set_metric if METRICS[name].per_set else load_metric
    for resources in (None, Resources(weights_dir=tmp_path)):
        with pytest.raises(WeightsNeeded, match=r"needs (weights|parameters) .*, see docs/metrics\.md"):
            metric(name, resources)
    assert all(weight in PRETRAINED or weight in ("niqe", "brisque", "biqi") for weight in METRICS[name].weights)


NETWORKS = [(n, weight) for n, info in METRICS.items() for weight in info.weights if weight in PRETRAINED]
BUILD = {
    "lpips-alex": partial(LPIPS, "alex"),
    "lpips-vgg": partial(LPIPS, "vgg"),
    "fid": InceptionV3,
    "clip-iqa": Clip,
}


def published_keys(name: str) -> list[str]:
    with torch.device("meta"):
        return [key for key in BUILD[name]().state_dict() if not key.endswith("num_batches_tracked")]


def write_files(name: str, folder: Path, keys: list[str]) -> None:
    """All files that a metric needs, with these keys, whose shapes nobody comes to look at."""
    for weight in METRICS[name].weights:
        mine = [key for key in keys if len(METRICS[name].weights) == 1 or key.startswith("lin") is ("lpips" in weight)]
        path = (folder / PRETRAINED[weight].file).with_suffix(".safetensors")
        save_file({key: torch.zeros(1) for key in mine}, path)


def load(name: str, folder: Path) -> object:
    return (load_set_metric if METRICS[name].per_set else load_metric)(name, Resources(weights_dir=folder))


@pytest.mark.parametrize(("name", "weight"), NETWORKS)
def test_another_file_under_a_published_name_is_one_clear_line(name: str, weight: str, tmp_path: Path) -> None:
    entry = PRETRAINED[weight]
    if entry.sha256 is None:
        (tmp_path / entry.file).write_bytes(b"damaged")  # nothing published to compare with: it still has to be read
        expected = rf"{entry.file}: is no file of weights that can be read safely; fetch it again"
    else:
        write_files(name, tmp_path, published_keys(name))
        (tmp_path / entry.file).with_suffix(".safetensors").unlink()
        torch.save({"a": torch.zeros(1)}, tmp_path / entry.file)
        expected = rf"{entry.file}: sha256 \w{{16}}\.\.\. is not the published {entry.sha256}; fetch it again"
    with pytest.raises(CheckpointError, match=expected) as caught:
        load(name, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", BUILD)
def test_a_missing_key_and_a_wrong_shape_are_one_clear_line(name: str, tmp_path: Path) -> None:
    *others, last = published_keys(name)
    write_files(name, tmp_path, others)
    with pytest.raises(CheckpointError, match=f": the weights lack key '{last}'; fetch the file again") as caught:
        load(name, tmp_path)
    assert "\n" not in str(caught.value)
    write_files(name, tmp_path, [*others, last])
    with pytest.raises(CheckpointError, match=r"'[\w.]+' has shape \(1,\), expected .*; fetch the file") as caught:
        load(name, tmp_path)
    assert "\n" not in str(caught.value)


def test_no_network_is_left_out() -> None:
    assert {name for name, _ in NETWORKS} == set(BUILD)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ConfigError, match="'musiq': choose from"):
        load_metric("musiq")
    with pytest.raises(ConfigError, match="of whole sets: fid"):
        load_metric("fid")
    with pytest.raises(ConfigError, match="choose fid"):
        load_set_metric("kid")


def test_the_documentation_lists_every_metric_and_weight() -> None:
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in METRICS)
    assert all(f"`{name}`" in text and entry.file in text for name, entry in PRETRAINED.items())
