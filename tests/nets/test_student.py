from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from restorect.errors import ConfigError
from restorect.flow.velocity import VelocityConfig
from restorect.nets.blocks import Modulation
from restorect.nets.codes import Codes, mean_codes, noise_codes
from restorect.nets.presets import PRESETS, student_preset, teacher_preset
from restorect.nets.priors import PriorConfig
from restorect.nets.student import Student, StudentConfig
from restorect.nets.teacher import Teacher, TeacherConfig
from restorect.nets.thumbnail import view_of
from restorect.nets.transformer import TransformerConfig

TRANSFORMER = TransformerConfig(dim=8, blocks=(1, 1, 1, 1), refine=1)
PRIORS = PriorConfig(width=4, blocks=1)
STUDENT = StudentConfig(transformer=TRANSFORMER, conditions=PRIORS, velocity=VelocityConfig(width=16, blocks=1))


def _image(seed: int, *size: int, batch: int = 1) -> Tensor:
    return torch.rand(batch, 3, *size, generator=torch.Generator().manual_seed(seed))


def _lively(network: nn.Module) -> nn.Module:
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, Modulation):
                module.weight.weight *= 20
    return network.eval().requires_grad_(False)


def _student(config: StudentConfig = STUDENT) -> Student:
    torch.manual_seed(0)
    student = Student(config)
    _lively(student)
    return student


def _teacher(priors: PriorConfig = PRIORS) -> Teacher:
    torch.manual_seed(0)
    teacher = Teacher(TeacherConfig(transformer=TRANSFORMER, priors=priors))
    _lively(teacher)
    return teacher


def _noise(seed: int, batch: int = 1) -> Codes:
    return noise_codes(batch, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("view", [0, 16])
@pytest.mark.parametrize("size", [(1, 1), (3, 20), (24, 17)])
def test_teacher_and_student_keep_any_size(size: tuple[int, int], view: int) -> None:
    priors = replace(PRIORS, view=view)
    low, high = _image(0, *size, batch=2), _image(1, *size, batch=2)
    restored = _student(replace(STUDENT, conditions=priors))(low, _noise(0, 2))
    taught = _teacher(priors)(low, high).image
    for image in (restored, taught):
        assert image.shape == low.shape
        assert torch.isfinite(image).all()


def test_the_teacher_reads_the_pair() -> None:
    teacher, low, high = _teacher(), _image(0, 16, 16), _image(1, 16, 16)
    codes = teacher.encode(low, high)
    parts = teacher.decomposition.low(low), teacher.decomposition.high(high)
    assert torch.equal(codes.rex, teacher.retinex_prior(*parts))
    assert torch.equal(codes.img, teacher.image_prior(low, high))
    assert torch.equal(teacher(low, high).image, teacher.transformer(low, codes.rex, codes.img).image)
    for other in (teacher.encode(high, high), teacher.encode(low, low)):
        assert not torch.allclose(other.rex, codes.rex, atol=1e-4)
        assert not torch.allclose(other.img, codes.img, atol=1e-4)


def test_the_student_is_its_steps() -> None:
    student, low, start = _student(), _image(0, 16, 20), _noise(3)
    c = Codes(student.retinex_condition(student.decompose(low)), student.image_condition(low))
    read = student.read(low)
    assert torch.equal(read.rex, c.rex)
    assert torch.equal(read.img, c.img)
    x = start
    for n in range(4):
        t = torch.full((1,), n / 4)
        v = student.velocity(x, t, c)
        assert torch.equal(v.rex, student.retinex_flow(x.rex, t, c.rex))
        assert torch.equal(v.img, student.image_flow(x.img, t, c.img))
        x = Codes(x.rex + v.rex / 4, x.img + v.img / 4)
    generated = student.generate(c, start)
    assert torch.allclose(generated.rex, x.rex, atol=1e-5)
    assert torch.allclose(generated.img, x.img, atol=1e-5)
    expected = student.transformer(low, generated.rex, generated.img).image
    assert torch.equal(student(low, start), expected)


def test_conditions_are_read_off_the_view() -> None:
    student, low = _student(replace(STUDENT, conditions=replace(PRIORS, view=8))), _image(0, 16, 32)
    thumb = view_of(low, 8)
    assert torch.equal(student.read(low).img, student.image_condition(thumb))
    assert torch.equal(student.read(low).rex, student.retinex_condition(student.decompose(thumb)))


def test_same_start_same_image_and_other_starts_differ() -> None:
    student, low = _student(), _image(0, 16, 16)
    first = student(low, _noise(0))
    assert torch.equal(first, student(low, _noise(0)))
    others = [student(low, _noise(seed)) for seed in (1, 2, 3)] + [student(low, mean_codes(1))]
    images = [first, *others]
    for i, image in enumerate(images):
        for other in images[:i]:
            assert not torch.allclose(image, other, atol=1e-6)


def test_steps_and_method_matter() -> None:
    student, low, start = _student(), _image(0, 16, 16), _noise(0)
    c = student.read(low)
    default = student.generate(c, start).rex
    assert torch.equal(default, student.generate(c, start, 4).rex)
    assert not torch.allclose(default, student.generate(c, start, 5).rex, atol=1e-5)
    heun = Student(replace(STUDENT, method="heun"))
    heun.load_state_dict(student.state_dict())
    assert not torch.allclose(default, heun.generate(c, start).rex, atol=1e-5)
    with pytest.raises(ConfigError, match="at least 1 step"):
        student.generate(c, start, 0)


def test_without_the_flow_codes_are_regressed_from_the_mean() -> None:
    student, low = _student(replace(STUDENT, flow=False)), _image(0, 16, 16)
    c = student.read(low)
    zero, t = torch.zeros(1, 256), torch.zeros(1)
    for start, steps in ((_noise(0), None), (_noise(1), 7)):
        generated = student.generate(c, start, steps)
        assert torch.equal(generated.rex, student.retinex_flow(zero, t, c.rex))
        assert torch.equal(generated.img, student.image_flow(zero, t, c.img))


def test_the_decomposition_inside_is_frozen() -> None:
    student, teacher = Student(STUDENT), Teacher(TeacherConfig(transformer=TRANSFORMER, priors=PRIORS))
    assert not any(p.requires_grad for p in [*student.decompose.parameters(), *teacher.decomposition.parameters()])
    rest = [p for n, p in student.named_parameters() if not n.startswith("decompose.")]
    rest += [p for n, p in teacher.named_parameters() if not n.startswith("decomposition.")]
    assert all(p.requires_grad for p in rest)


def test_codes_are_noise_or_zeros() -> None:
    codes = _noise(0, 3)
    assert codes.rex.shape == codes.img.shape == (3, 256)
    assert not torch.equal(codes.rex, codes.img)
    assert torch.equal(codes.stacked(), torch.cat([codes.rex, codes.img], dim=1))
    assert not mean_codes(2).stacked().any()
    live = Codes(codes.rex.clone().requires_grad_(), codes.img.clone().requires_grad_())
    assert not live.detached().stacked().requires_grad
    assert torch.equal(live.detached().rex, codes.rex)


def test_presets_are_there_and_others_are_refused() -> None:
    assert PRESETS == ("base", "small", "tiny", "nano")
    base = student_preset("base").transformer
    assert (base.dim, base.blocks, base.refine, base.heads, base.stem) == (64, (3, 3, 3, 3), 3, (1, 2, 4, 8), 1)
    assert teacher_preset("base").transformer == base
    for lookup in (student_preset, teacher_preset):
        with pytest.raises(ConfigError, match="preset 'huge' is unknown; choose one of base, small, tiny, nano"):
            lookup("huge")


@pytest.mark.parametrize("name", ["small", "tiny", "nano"])
def test_a_student_preset_costs_less_than_base_and_fits_its_teacher(name: str) -> None:
    with torch.device("meta"):
        count = {n: sum(p.numel() for p in Student(student_preset(n)).parameters()) for n in (name, "base")}
    assert count[name] < count["base"] / 3
    assert student_preset(name).transformer == teacher_preset(name).transformer


@pytest.mark.parametrize("setting", [{"steps": 0}, {"steps": 1001}])
def test_settings_out_of_range(setting: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(setting))} is"):
        StudentConfig(**setting)  # type: ignore[arg-type]
