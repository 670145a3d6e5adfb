"""Where a run stands: progress from 0 to 1, and the learning rate and crops that follow from it (METHOD 9)."""

import math

from restorect.train.recipes import OptimiserRecipe, ScheduleRecipe


def progress(schedule: ScheduleRecipe, step: int, minutes: float) -> float:
    """How much of the run is done, from 0 to 1, by steps and by time, whichever is further."""
    by_steps = step / schedule.steps if schedule.steps else 0.0
    by_time = minutes / schedule.minutes if schedule.minutes else 0.0
    return min(1.0, max(by_steps, by_time))


def learning_rate(optimiser: OptimiserRecipe, step: int, done: float) -> float:
    """Linear warm-up by steps, then a cosine from `lr` to `final_lr` as `done` goes from 0 to 1."""
    rate = optimiser.final_lr + (optimiser.lr - optimiser.final_lr) * 0.5 * (1 + math.cos(math.pi * done))
    return rate * min(1.0, (step + 1) / optimiser.warmup) if optimiser.warmup else rate


def crop(schedule: ScheduleRecipe, done: float) -> tuple[int, int]:
    """(crop side, batch size) at this progress: the run is divided equally between the patches."""
    place = min(int(done * len(schedule.patches)), len(schedule.patches) - 1)
    return schedule.patches[place], schedule.batches[place]
