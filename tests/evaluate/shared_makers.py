"""What workers of an evaluation load in their own processes, and a crew without any."""

import os
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from restorect.evaluate.judge import Ruler
from restorect.evaluate.methods import Method, restorer_method
from restorect.evaluate.protocols import find_protocol
from restorect.evaluate.scores import load_measure
from restorect.evaluate.set_scores import SetMeasure
from restorect.infer.restorer import Restorer
from restorect.metrics.registry import METRICS
from restorect.nets.checkpoint import save_checkpoint
from restorect.nets.presets import student_preset
from restorect.render.checkpoint import restoration_card
from restorect.render.restoration import Restoration, RestorationConfig
from restorect.workers.crew import Died, Ended, Orders, Ready, Worker


def small_net(path: Path, seed: int = 0) -> Path:
    """Weights of a random network that changes what it sees."""
    torch.manual_seed(seed)
    student = Restoration(RestorationConfig(student=student_preset("nano")))
    torch.nn.init.normal_(student.student.transformer.stem.output.weight, std=0.1)
    save_checkpoint(path, student, restoration_card(student.config, task="low-light", preset="nano"))
    return path


def small(weights: Path) -> Method:
    return restorer_method(Restorer.load(weights=weights), name="small")


def deadly(weights: Path, driver: int, once: Path) -> Method:
    """The same; a photo with a white corner kills its process, one with a grey corner does so once, not the driver."""
    method = small(weights)

    def restore(picture: np.ndarray) -> np.ndarray:
        corner = float(picture[0, 0].mean())
        if os.getpid() != driver and (corner == 1 or (corner > 0.9 and not once.exists())):
            once.touch()
            os._exit(9)
        return method.restore(picture)

    return replace(method, restore=restore)


def _colours(image: torch.Tensor) -> torch.Tensor:
    return torch.cat([image.mean((2, 3)), image.std((2, 3))], dim=1)


def ruler(*names: str) -> tuple[Ruler, dict[str, str]]:
    """PSNR, SSIM and a made-up metric of whole sets."""
    measures = tuple(load_measure(METRICS[name]) for name in names or ("psnr", "ssim"))
    colours = SetMeasure(name="colours", better="lower", features=_colours)
    return Ruler(protocol=find_protocol("rgb-full"), measures=measures, set_measures=(colours,)), {}


def no_threads(_threads: int) -> None:
    torch.set_num_threads(1)


class Here:
    """Workers in this process; what they are told and tell goes through pickle. One dies now and then, in between."""

    size = together = 2
    threads = 1

    def __init__(self, life: int = 10**9) -> None:
        self.life, self.told, self.deaths = life, list[tuple[int, Any]](), 0

    def start(self, orders: Orders) -> None:
        self._orders = pickle.dumps(orders)
        self._workers = [self._begun(number) for number in range(self.size)]

    def _begun(self, number: int) -> Worker:
        self.told.append((number, Ready()))
        return pickle.loads(self._orders).worker()

    def give(self, worker: int, shard: object) -> None:
        for news in self._workers[worker].run(pickle.loads(pickle.dumps(shard))):
            self.life -= 1
            if self.life == 0:  # what it has just done is lost
                self.told.append((worker, Died()))
                return
            self.told.append((worker, pickle.loads(pickle.dumps(news))))
        self.told.append((worker, Ended()))

    def news(self, seconds: float) -> Sequence[tuple[int, Any]]:
        told, self.told = self.told, []
        return told

    def renew(self, worker: int) -> None:
        self.deaths, self.life = self.deaths + 1, 3
        self._workers[worker] = self._begun(worker)

    def stop(self) -> None:
        raise AssertionError("nobody asks for it")

    def close(self) -> None:
        pass
