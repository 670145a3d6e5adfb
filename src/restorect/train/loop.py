"""The training loop, the same for every stage: killable at any moment, bounded by steps or minutes."""

import contextlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from restorect.configs import to_mapping
from restorect.data.batches import Batch, BatchMaker
from restorect.data.sampling import generator_for
from restorect.data.store import PairStore
from restorect.errors import TrainingError
from restorect.train.compiling import compile_blocks
from restorect.train.ema import MovingAverage
from restorect.train.logs import RunLog
from restorect.train.optimisers import make_optimiser
from restorect.train.processes import Processes
from restorect.train.recipes import Recipe
from restorect.train.recorded import Recorded
from restorect.train.schedule import crop, learning_rate, progress
from restorect.train.stages import Losses, Stage
from restorect.train.state import TrainingState, load_state, save_state
from restorect.train.validate import validate
from restorect.train.watch import Watch
from restorect.train.writing import writing

STATE_NAME = "state.pt"
CALIBRATION = 512  # samples that the running figures of fresh encoders are set from
Save = Callable[[Path, nn.Module, dict[str, float], torch.dtype], None]


@dataclass(frozen=True)
class Report:
    """What a run tells while it goes on."""

    stage: str
    step: int
    done: float
    loss: float
    steps_per_second: float
    seconds_left: float
    validation: dict[str, float] | None = None


@dataclass(frozen=True)
class Samples:
    """What a stage learns from, and what tells how well.

    Attributes:
        batches: what it is trained on.
        held_out: pairs for validation.
    """

    batches: BatchMaker
    held_out: PairStore


class Trainer:
    """Trains one stage in one folder.

    Args:
        name: of the stage, for reports.
        stage: what is trained, on its device.
        samples: what it is trained on, and validated.
        recipe: schedule, optimiser and seed.
        folder: of the run: `state.pt`, `log.jsonl`, `best.safetensors`, `last.safetensors`, and float16 copies.
        save: writes a checkpoint of a network with its validation figures, in a precision.
        processes: the place among other processes.
        on_report: called every `log_every` steps and after each validation.
    """

    def __init__(
        self,
        name: str,
        stage: Stage,
        samples: Samples,
        recipe: Recipe,
        folder: Path,
        save: Save,
        processes: Processes,
        on_report: Callable[[Report], None],
    ) -> None:
        self.name, self.stage, self.samples = name, stage, samples
        self.recipe, self.folder, self.save = recipe, folder, save
        self.processes, self.on_report = processes, on_report
        self.device = next(stage.network.parameters()).device
        stage.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = MovingAverage(stage.network, recipe.optimiser.ema)
        self.precision = _precision(recipe, self.device)
        self.optimiser = make_optimiser(stage, recipe.optimiser, self.device)
        self.watch = Watch(stage, folder)
        if self.device.type == "cuda":
            torch.set_float32_matmul_precision("high")  # TF32, as convolutions use already
        if recipe.compile:
            compile_blocks(stage, self.device)
        self.recorded = self._recorded()
        self.state = TrainingState(recipe=_fingerprint(recipe))
        self.validation: dict[str, float] = {}

    def run(self) -> dict[str, float]:
        """Train to the end of the schedule, going on from the folder's state if there is one.

        Returns:
            The last validation figures.

        Raises:
            TrainingError: the loss is not finite, the folder's state does not fit, or a file cannot be written.
        """
        if state := self.processes.led(self._saved):
            self._restore(state)
        else:
            self._prepare()
        if self.state.finished:
            return self.validation
        module: nn.Module = self.stage
        if self.processes.count > 1:
            module = DistributedDataParallel(self.stage, find_unused_parameters=True)
        log = RunLog(self.folder, self.state.step) if self.processes.leader else None
        try:
            self._train(module, log)
        finally:
            if log:
                log.close()
        return self.validation

    def _saved(self) -> TrainingState | None:
        path = self.folder / STATE_NAME
        device = self.device if self.processes.count == 1 else torch.device("cpu")
        return load_state(path, self.state.recipe, device) if path.exists() else None

    def _prepare(self) -> None:
        if not self.stage.started:
            patch, _ = crop(self.recipe.schedule, 0.0)
            self.stage.calibrate(self.stage.network, self.samples.batches.batch(range(CALIBRATION), patch))
        self.average = MovingAverage(self.stage.network, self.recipe.optimiser.ema)

    def _train(self, module: nn.Module, log: RunLog | None) -> None:
        schedule, state = self.recipe.schedule, self.state
        began, before = time.monotonic(), state.minutes
        saved, pace = began, _Pace(state.step)
        done = progress(schedule, state.step, state.minutes)
        if self.recorded:
            self.stage.train()  # what is frozen rests
            with self._autocast():
                self.stage.rehearse(self.samples.batches, crop(schedule, done)[0])
        while done < 1:
            losses = self._step(module, done)
            state.minutes = before + (time.monotonic() - began) / 60
            done = self.processes.agree(progress(schedule, state.step, state.minutes))
            state.finished = done >= 1
            logged = state.finished or state.step % schedule.log_every == 0
            validated = state.finished or bool(schedule.validate_every and state.step % schedule.validate_every == 0)
            due = self._due(saved)
            if logged or validated or due:
                self.watch.look()
            if log and logged:
                self._log(log, losses, done, pace)
            if self.processes.leader and validated:
                self._validate(log, done, pace)
            if self.processes.leader and due:
                self._save_state()
                saved = time.monotonic()

    def _due(self, saved: float) -> bool:
        schedule, state = self.recipe.schedule, self.state
        by_steps = schedule.checkpoint_every and state.step % schedule.checkpoint_every == 0
        return bool(by_steps) or state.finished or time.monotonic() - saved > schedule.checkpoint_seconds

    def _step(self, module: nn.Module, done: float) -> dict[str, Tensor]:
        """One optimiser step; gives detached losses and figures."""
        state, optimiser = self.state, self.recipe.optimiser
        patch, size = crop(self.recipe.schedule, done)
        positions = self.processes.share(range(state.position, state.position + size))
        drawn = self.samples.batches.batch(positions, patch)
        low, high, low_view, high_view = map(_channels_last, drawn[:4])
        batch = Batch(low, high, low_view, high_view, drawn.keys)
        generator = generator_for(self.recipe.seed + 1, state.step * self.processes.count + self.processes.rank)
        rate = learning_rate(optimiser, state.step, done)
        self.stage.train()
        self.stage.follow(rate / optimiser.lr)
        losses, figures = self._learn(module, batch, generator)
        loss = torch.stack(list(losses.values())).detach().sum()
        norm = self._clip(optimiser.clip)
        self.watch.note(state.step + 1, loss + norm, losses)
        for group in self.optimiser.param_groups:
            group["lr"] = group["share"] * rate
        self.optimiser.step()
        self.stage.after_step()
        self.processes.average(self.stage.network.buffers())
        state.step += 1
        state.position += size
        self.average.update(state.step)
        return {"loss": loss.detach(), "norm": norm, **{k: v.detach() for k, v in (losses | figures).items()}}

    def _learn(self, module: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Losses, Losses]:
        """Losses and figures of a batch; their gradients are left in the parameters."""
        if self.recorded:
            with self._autocast():
                given = self.stage.given(batch, generator)
            return self.recorded(given), {}
        with self._autocast():
            losses, figures = module(batch, generator)
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        return losses, figures

    def _recorded(self) -> Recorded | None:
        """Steps as CUDA graphs, where they can be: blocks that are compiled start few kernels as it is."""
        if self.device.type != "cuda" or not self.stage.repeats or self.recipe.compile or self.processes.count > 1:
            return None

        def learn(*given: Tensor) -> Losses:
            with self._autocast():
                return self.stage.learn(*given)

        return Recorded(learn, [p for group in self.optimiser.param_groups for p in group["params"]])

    def _clip(self, largest: float) -> Tensor:
        """Clip the gradient of each group by itself: standardised codes make that of the encoders far larger."""
        norms = [nn.utils.clip_grad_norm_(group["params"], largest) for group in self.optimiser.param_groups]
        norm: Tensor = torch.stack(norms).norm()
        return norm

    def _autocast(self) -> contextlib.AbstractContextManager[object]:
        if self.precision == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.precision)

    def _log(self, log: RunLog, losses: dict[str, Tensor], done: float, pace: "_Pace") -> None:
        numbers = torch.stack([value.float() for value in losses.values()]).tolist()  # one wait for the device
        values = dict(zip(losses, numbers, strict=True))
        patch, _ = crop(self.recipe.schedule, done)
        speed = pace.measure(self.state.step)
        extra = {"lr": self.optimiser.param_groups[0]["lr"], "patch": patch, "steps_per_second": speed}
        log.write("train", self.state.step, values | extra | {"minutes": self.state.minutes})
        self._report(done, values["loss"], speed)

    def _report(self, done: float, loss: float, speed: float, validation: dict[str, float] | None = None) -> None:
        left = self.state.minutes * 60 * (1 - done) / done if done > 0 else math.inf
        self.on_report(Report(self.name, self.state.step, done, loss, speed, left, validation))

    def _validate(self, log: RunLog | None, done: float, pace: "_Pace") -> None:
        network = self.average.average
        self.validation = validate(lambda low, high: self.stage.predict(network, low, high), self.samples.held_out)
        if log:
            log.write("val", self.state.step, self.validation)
        figure = self.validation[self.recipe.schedule.best]
        if figure > self.state.best:
            self.state.best = figure
            self._save("best", self.validation)
            if self.recipe.schedule.float16:
                self._save("best", self.validation, torch.float16)
        if done >= 1:
            self._save("last", self.validation)
        pace.restart(self.state.step)
        self._report(done, math.nan, pace.last, self.validation)

    def _save(self, name: str, figures: dict[str, float], dtype: torch.dtype = torch.float32) -> None:
        path = self.folder / f"{name}{'-f16' if dtype == torch.float16 else ''}.safetensors"
        with writing(path):
            self.save(path, self.average.average, figures, dtype)

    def _save_state(self) -> None:
        if self.recipe.schedule.float16:
            self._save("last", self.validation if self.state.finished else {}, torch.float16)
        self.state.tensors = {
            "network": self.stage.network.state_dict(),
            "helpers": self.stage.helpers.state_dict(),
            "average": self.average.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "validation": self.validation,
        }
        path = self.folder / STATE_NAME
        with writing(path):
            save_state(path, self.state)

    def _restore(self, state: TrainingState) -> None:
        tensors, self.state = state.tensors, state
        try:
            self.stage.network.load_state_dict(tensors["network"])
            self.stage.helpers.load_state_dict(tensors["helpers"])
            self.average.average.load_state_dict(tensors["average"])
            self.optimiser.load_state_dict(tensors["optimiser"])
            self.validation = tensors["validation"]
        except (RuntimeError, ValueError, KeyError) as error:
            raise TrainingError(
                f"{self.folder / STATE_NAME}: of another network or optimiser, by an earlier version; "
                "finish it with that version, or start anew in another folder (--init takes its weights)"
            ) from error
        self.state.tensors = {}


class _Pace:
    """Steps a second between two measurements."""

    def __init__(self, step: int) -> None:
        self.last = 0.0
        self.restart(step)

    def restart(self, step: int) -> None:
        self._step, self._time = step, time.monotonic()

    def measure(self, step: int) -> float:
        if step > self._step:
            self.last = (step - self._step) / max(time.monotonic() - self._time, 1e-9)
        self.restart(step)
        return self.last


def _channels_last(images: Tensor) -> Tensor:
    """Convolutions are faster on this layout, on GPUs and CPUs alike."""
    return images.contiguous(memory_format=torch.channels_last)


def _precision(recipe: Recipe, device: torch.device) -> torch.dtype:
    if recipe.precision == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    return torch.bfloat16 if recipe.precision == "bfloat16" else torch.float32


def _fingerprint(recipe: Recipe) -> str:
    """The recipe without its schedule: a run may be resumed with another length, compiled or not."""
    return json.dumps({name: v for name, v in to_mapping(recipe).items() if name not in ("schedule", "compile")})
