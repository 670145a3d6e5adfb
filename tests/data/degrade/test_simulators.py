import pytest
import torch

from restorect.tasks import find_task, task_names

TASKS = task_names()
SIMULATORS = {name: find_task(name).simulate for name in TASKS}


def _image(height: int = 40, width: int = 56) -> torch.Tensor:
    return torch.rand(3, height, width, generator=_seeded(3))


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("task", TASKS)
def test_the_generator_is_the_only_source_of_randomness(task: str) -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    one = SIMULATORS[task](_image(), _seeded(4))
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    assert all(map(torch.equal, SIMULATORS[task](_image(), _seeded(4)), one))


@pytest.mark.parametrize("task", TASKS)
def test_same_seed_same_bytes(task: str) -> None:
    first, second, other = (SIMULATORS[task](_image(), _seeded(seed)) for seed in (7, 7, 8))
    assert all(map(torch.equal, first, second))
    assert not torch.equal(first.low, other.low)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5), (64, 48)])
def test_any_size_stays_finite_and_in_8_bits(task: str, size: tuple[int, int]) -> None:
    image = (_image(*size) * 255).round() / 255  # fundus leaves what lies outside the retina as it is
    kept = image.clone()
    for seed in range(8):
        pair = SIMULATORS[task](image, _seeded(seed))
        for picture in pair:
            assert picture.shape == image.shape
            assert picture.dtype == torch.float32
            assert torch.isfinite(picture).all()
            assert picture.min() >= 0
            assert picture.max() <= 1
        picture = pair.low
        assert torch.allclose(picture * 255, (picture * 255).round(), atol=1e-4)
    assert torch.equal(image, kept)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_black_and_white_stay_finite(task: str, level: float) -> None:
    for seed in range(8):
        for picture in SIMULATORS[task](torch.full((3, 32, 32), level), _seeded(seed)):
            assert torch.isfinite(picture).all()


@pytest.mark.parametrize("task", sorted({*TASKS} - {"low-light"}))
def test_only_nights_change_the_scene(task: str) -> None:
    image = _image()
    assert SIMULATORS[task](image, _seeded(0)).high is image


@pytest.mark.parametrize("task", TASKS)
def test_the_layout_in_memory_does_not_matter(task: str) -> None:
    image = _image()
    strided = image.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    assert not strided.is_contiguous()
    plain, other = (SIMULATORS[task](x, _seeded(4)).low for x in (image, strided))
    assert (plain - other).abs().max() <= 2 / 255


@pytest.mark.parametrize("task", TASKS)
def test_pictures_get_worse_but_stay_recognisable(task: str) -> None:
    place = torch.linspace(0, 6, 96)
    waves = 0.5 + 0.3 * torch.sin(place)[None, None] * torch.cos(1.3 * place)[None, :, None]
    image = waves * torch.tensor([1.0, 0.8, 0.6]).view(3, 1, 1)
    likeness = []
    for seed in range(12):
        pair = SIMULATORS[task](image, _seeded(seed))
        assert (pair.low - pair.high).abs().mean() > 0.005
        both = torch.stack([picture.mean(dim=0).flatten() for picture in pair])
        likeness.append(torch.corrcoef(both)[0, 1].item())
    assert sorted(likeness)[6] > 0.5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("task", TASKS)
def test_on_a_gpu(task: str) -> None:
    image = _image().cuda()
    first, second = (SIMULATORS[task](image, _seeded(4)).low for _ in range(2))
    assert first.is_cuda
    assert torch.isfinite(first).all()
    assert torch.equal(first, second)
