"""How well a batch keeps the networks busy: wall time of `run_batch` against the networks' own time.

    python benchmarks/batch_throughput.py --photos 100 --megapixels 12 --size nano

The promise is a wall time of at most 1.15 times the networks' own. Both are taken within one run, so that the ratio
holds on a busy machine too: `wall_to_networks`. That the networks are not slowed by decoding beside them is another
question; `networks_cpu_alone_seconds` and `batch_cpu_seconds` say how much work there is besides. Without shipped
weights, `--random` takes a network of that size with random ones.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from restorect.infer.restorer import Restorer


def photographs(folder: Path, count: int, megapixels: float) -> None:
    """Dark pictures with detail and a little noise, as JPEG: like photos in the time they take to decode."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    width = round(megapixels * 1e6 / height)
    chance = np.random.default_rng(0)
    coarse = chance.integers(0, 90, (height // 40, width // 40, 3)).astype(np.float32)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    picture += chance.normal(0, 3, (height, width, 1)).astype(np.float32)
    for number in range(count):
        shifted = np.roll(picture, 37 * number, axis=1)
        cv2.imwrite(str(folder / f"{number:03d}.jpg"), np.clip(shifted, 0, 255).astype(np.uint8))


def load(size: str, device: str, threads: int | None, random: bool) -> "Restorer":
    """A restorer with shipped or random weights."""
    from restorect.devices import use_threads
    from restorect.infer.restorer import Restorer

    use_threads(threads)
    if not random:
        return Restorer.load("low-light", size, device=device)
    import torch

    from restorect.nets.checkpoint import Card
    from restorect.nets.presets import student_preset
    from restorect.render.restoration import Restoration, RestorationConfig

    torch.manual_seed(0)
    network = Restoration(RestorationConfig(student=student_preset(size)))
    card = Card(kind="student", task="low-light", preset=size)
    return Restorer(network, card, "random", torch.device(device))


def own_seconds(restorer: "Restorer", folder: Path, count: int) -> float:
    """Processor seconds of the networks alone for each photo: the median of `count`."""
    from restorect.images.colour import to_network
    from restorect.images.read import read_photo

    paths = sorted(folder.iterdir())[:count]
    pictures = [to_network(read_photo(path)) for path in paths]
    restorer(pictures[0])
    times = []
    for picture in pictures:
        begun = time.process_time()
        restorer(picture)
        times.append(time.process_time() - begun)
    return float(np.median(times))


def tell(event: object) -> None:
    """A line on standard error for each photo: a hundred of them take over half an hour on two cores."""
    from restorect.infer.batch import Restored

    if isinstance(event, Restored):
        print(f"{Path(event.path).name}: {event.model_seconds:.2f} s in the networks", file=sys.stderr, flush=True)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Run the batch and compare."""
    from restorect.infer.batch import Naming, RestoreSettings, plan_batch, run_batch

    restorer = load(options.size, options.device, options.threads, options.random)
    with tempfile.TemporaryDirectory() as place:
        source, out = Path(place, "in"), Path(place, "out")
        source.mkdir()
        photographs(source, options.photos, options.megapixels)
        alone = own_seconds(restorer, source, min(options.photos, 3))
        settings = RestoreSettings()
        naming = Naming(task="low-light", size=options.size, settings=settings)
        plan = plan_batch([str(source)], out, naming)
        begun = time.process_time()
        summary = run_batch(plan, lambda: restorer, on_event=tell, workers=options.workers)
        processor = time.process_time() - begun
    assert summary.exit_code == 0, summary.failures
    return {
        "photos": options.photos,
        "megapixels": options.megapixels,
        "size": options.size,
        "device": options.device,
        "wall_seconds": round(summary.seconds, 2),
        "networks_seconds": round(summary.model_seconds, 2),
        "wall_to_networks": round(summary.seconds / summary.model_seconds, 3),
        "batch_cpu_seconds": round(processor, 2),
        "networks_cpu_alone_seconds": round(alone * options.photos, 2),
        "megapixels_a_second": round(summary.megapixels / summary.seconds, 2),
    }


def main() -> None:
    """Read the options and print the result as JSON."""
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # as the command does, before torch is loaded
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--size", default="nano")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, help="of the networks")
    parser.add_argument("--workers", type=int, help="threads for decoding, and as many for encoding")
    parser.add_argument("--random", action="store_true", help="random weights")
    print(json.dumps(measure(parser.parse_args()), indent=2))


if __name__ == "__main__":
    main()
