"""Typed training recipes: what YAML files and `--set` fill in.

Sources: METHOD 9.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from restorect.configs import require
from restorect.data.sampling import SamplingConfig
from restorect.render.exposure import ExposureConfig
from restorect.render.steps import AFTER, BEFORE, read_steps
from restorect.train.weights import ImageLosses, StudentLosses


@dataclass(frozen=True, kw_only=True)
class DataRecipe:
    """What to train on.

    Attributes:
        train: folders, each with `low/` and `high/`.
        val: such folders for validation; when empty, `hold_out` of the training pairs.
        hold_out: share of the training pairs held out when `val` is empty.
        clean: folders of clean photographs, degraded by simulation.
        memory_gb: decoded pixels are kept in memory up to this; a third of it each for photos to train on, photos to
            validate with, and prepared nights (`sampling.nights`).
        sampling: how samples are drawn.
    """

    train: tuple[str, ...] = ()
    val: tuple[str, ...] = ()
    hold_out: float = 0.05
    clean: tuple[str, ...] = ()
    memory_gb: float = 8.0
    sampling: SamplingConfig = field(default_factory=SamplingConfig)

    def __post_init__(self) -> None:
        require(0 < self.hold_out < 1, f"hold_out is {self.hold_out}; it is a share between 0 and 1")
        require(self.memory_gb >= 0, f"memory_gb is {self.memory_gb}; it must be at least 0")


@dataclass(frozen=True, kw_only=True)
class ScheduleRecipe:
    """How long, and on which crops.

    Attributes:
        steps: end after this many steps; 0 for no such limit.
        minutes: end after this many minutes of training; 0 for no such limit.
        patches: crop sides; the run is divided equally between them.
        batches: batch size for each of the patches, over all processes.
        validate_every: steps between validations; 0 validates at the end only.
        checkpoint_seconds: seconds between saved training states.
        checkpoint_every: steps between saved training states; 0 leaves it to `checkpoint_seconds`.
        float16: write copies of half the size too, `best-f16` and, with each training state, `last-f16`: weights to
            carry away from a machine that is lent for minutes.
        log_every: steps between log lines.
        best: the validation figure that chooses `best.safetensors`; not to be changed in the middle of a run.
    """

    steps: int = 0
    minutes: float = 0.0
    patches: tuple[int, ...] = (128, 192, 256)
    batches: tuple[int, ...] = (8, 8, 8)
    validate_every: int = 500
    checkpoint_seconds: float = 60.0
    checkpoint_every: int = 0
    float16: bool = False
    log_every: int = 20
    best: Literal["psnr", "psnr_fused", "psnr_gtmean", "ssim"] = "psnr"

    def __post_init__(self) -> None:
        require(self.steps > 0 or self.minutes > 0, "give --steps or --minutes above 0: the schedule must end")
        require(len(self.patches) == len(self.batches) > 0, "patches and batches must be lists of one length")
        require(min(self.steps, self.minutes) >= 0, "steps and minutes must not be negative")
        require(
            all(32 <= p <= 8192 and p % 32 == 0 for p in self.patches), "patches must be multiples of 32, up to 8192"
        )
        require(all(1 <= b <= 65536 for b in self.batches), "batches must be at least 1, at most 65536")
        require(self.log_every >= 1, "log_every must be at least 1")
        require(min(self.validate_every, self.checkpoint_every) >= 0, "intervals must not be negative")


@dataclass(frozen=True, kw_only=True)
class OptimiserRecipe:
    """AdamW or Muon with warm-up and cosine decay, and the moving average that is kept.

    Attributes:
        name: "adamw", or "muon" (see `restorect.train.muon`), which needs fewer steps.
        lr: highest learning rate.
        final_lr: learning rate at the end.
        warmup: steps of linear warm-up.
        priors: the learning rate of prior encoders, as a share of `lr`. They are deep and see nothing but positive
            numbers, so Adam's first steps add up: faster than this, codes drift more than photographs differ.
        betas: of AdamW.
        clip: largest norm of the gradient of each group of parameters.
        ema: decay of the moving average of the weights; it rises to this from 0 in the first steps.
    """

    name: Literal["adamw", "muon"] = "adamw"
    lr: float = 2e-4
    final_lr: float = 1e-6
    warmup: int = 0
    priors: float = 0.1
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float = 1.0
    ema: float = 0.999

    def __post_init__(self) -> None:
        require(0 < self.final_lr <= self.lr, "learning rates: 0 < final_lr <= lr is needed")
        require(0 < self.priors <= 1, f"priors is {self.priors}; it is a share above 0, up to 1")
        require(self.warmup >= 0 and self.clip > 0, "warmup must be at least 0, clip above 0")
        require(0 <= self.ema < 1, f"ema is {self.ema}; it must be at least 0 and below 1")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What all stages share; each names itself as its `stage`.

    Attributes:
        task: what is restored; also names the simulator.
        seed: of everything random.
        data: what to train on.
        schedule: how long.
        optimiser: how.
        precision: of the networks' arithmetic: "auto" is bfloat16 on CUDA and float32 on a CPU. A CPU with
            AVX512-BF16 trains a fifth faster in "bfloat16", others hundreds of times slower.
        compile: translate the transformers' blocks (torch.compile; needs g++): faster steps after minutes of
            preparation for each size of crops.
    """

    task: str = "low-light"
    seed: int = 0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    compile: bool = False
    data: DataRecipe = field(default_factory=DataRecipe)
    schedule: ScheduleRecipe = field(default_factory=lambda: ScheduleRecipe(steps=1000))
    optimiser: OptimiserRecipe = field(default_factory=OptimiserRecipe)

    def __post_init__(self) -> None:
        require(0 <= self.seed < 2**62, f"seed is {self.seed}; it must be from 0 to below 2^62")


@dataclass(frozen=True, kw_only=True)
class DecompositionRecipe(Recipe):
    """Stage 0: the decomposition nets and the edge threshold."""

    stage: Literal["decompose"] = "decompose"

    optimiser: OptimiserRecipe = field(default_factory=lambda: OptimiserRecipe(lr=1e-3))


@dataclass(frozen=True, kw_only=True)
class NetworkRecipe(Recipe):
    """What teacher and student share.

    Attributes:
        preset: the size.
        network: settings over those of the preset, as a checkpoint's config has them, for example
            {start: mean, transformer: {dim: 16, blocks: [1, 2, 2, 2]}, conditions: {width: 16}}.
        loss: what counts how much.
    """

    preset: str = "tiny"
    network: dict[str, Any] = field(default_factory=dict)
    loss: ImageLosses = field(default_factory=ImageLosses)


@dataclass(frozen=True, kw_only=True)
class TeacherRecipe(NetworkRecipe):
    """Stage 1.

    Attributes:
        decomposition: the checkpoint of stage 0.
        init: a teacher to start from; "" starts afresh.
        student: a student of the teacher `init`, whose transformer is taken over: students are trained for longer than
            their teacher, and then know more (born-again networks, Furlanello et al. 2018). The encoders rest, so that
            codes keep their meaning for all students there are.
    """

    stage: Literal["teacher"] = "teacher"

    decomposition: str = ""
    init: str = ""
    student: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            bool(self.init) or not self.student, "student: its codes come from a teacher; name that one, too, as init"
        )


@dataclass(frozen=True, kw_only=True)
class StudentRecipe(NetworkRecipe):
    """Stage 2: codes first (2a), then the whole student (2b).

    Attributes:
        teacher: the checkpoint of stage 1; "" trains the student directly, with no teacher.
        decomposition: the checkpoint of stage 0, needed only without a teacher.
        init: a student to start from; "" starts from the teacher's weights where the shapes agree.
        codes_share: share of the steps and minutes that stage 2a takes.
        flow_share: share of them in which the flow learns alone behind it, with codes that are remembered.
        given_share: share of them in which the transformer learns alone, with codes that are given, in three times as
            many steps an hour; see `TransformerStage`. The whole student is trained in what is left.
        whole_rate: the learning rate of the whole student behind such a part, as a share of `optimiser.lr`.
        before: steps in front of the student, as in a card; None for the task's.
        after: steps behind it, likewise: they are validated and saved with it, and training goes past them.
        codes_batch: batch size of stage 2a, which is cheap because it sees thumbnails only; 0 takes the schedule's.
        loss: what counts how much.
    """

    stage: Literal["student"] = "student"
    teacher: str = ""
    decomposition: str = ""
    init: str = ""
    codes_share: float = 0.1
    flow_share: float = 0.0
    given_share: float = 0.0
    whole_rate: float = 0.3
    before: tuple[Any, ...] | None = None
    after: tuple[Any, ...] | None = None
    codes_batch: int = 0
    loss: StudentLosses = field(default_factory=StudentLosses)

    def __post_init__(self) -> None:
        super().__post_init__()
        shares = (self.codes_share, self.flow_share, self.given_share)
        require(min(shares) >= 0, "codes_share, flow_share and given_share must not be negative")
        together = sum(shares)
        require(together <= 1, f"codes_share, flow_share and given_share take {together:g} of the run, 1 is all of it")
        require(0 < self.whole_rate <= 1, f"whole_rate is {self.whole_rate}; it is a share above 0, up to 1")
        require(0 <= self.codes_batch <= 65536, f"codes_batch is {self.codes_batch}; it must be from 0 to 65536")
        read_steps(self.before or (), BEFORE, "before")
        read_steps(self.after or (), AFTER, "after")


@dataclass(frozen=True, kw_only=True)
class ExposureRecipe(Recipe):
    """Stage 3: the exposure net of a student that is trained already.

    Attributes:
        init: the student's checkpoint; nothing else of it changes. An exposure net that it has is trained further.
        other: a student of another size whose exposure net to go on from: it depends on photos only.
        exposure: the student's step of that name from then on; its net is what is trained.
        side: photos are shrunk to this longer side as they are read: the net sees thumbnails, and needs to see them
            hundreds of times.
        beta: errors above this count by their size, those below by their square, on the scale ln(m / (1 - m)).
    """

    stage: Literal["exposure"] = "exposure"

    init: str = ""
    other: str = ""
    exposure: ExposureConfig = field(default_factory=lambda: ExposureConfig(source="net"))
    side: int = 128
    beta: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.exposure.source == "net", "exposure.source: only a net can be trained; leave it at net")
        require(self.exposure.trust < 1, "exposure.trust is 1, so that a net would say nothing; give less")
        require(self.side >= 32, f"side is {self.side}; it must be at least 32 pixels")
        require(self.beta > 0, f"beta is {self.beta}; it must be above 0")
