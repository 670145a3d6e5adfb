"""Steps that are recorded and played: as a CUDA graph would, here by a stand-in that works on a CPU."""

from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
import torch
from torch import Tensor, nn
from worker import run

from restorect.render.checkpoint import load_restoration
from restorect.train import loop
from restorect.train.recorded import Recorded, Work, cuda_graph
from restorect.train.stages import TransformerStage


def stand_in(params: list[nn.Parameter]) -> Callable[[Work, Work], Work]:
    """What a CUDA graph does: each time it is played, the same memory gets new numbers."""

    def record(work: Work, clear: Work) -> Work:
        clear()
        work()
        kept = [p.grad for p in params]

        def play() -> None:
            clear()
            work()
            for own, p in zip(kept, params, strict=True):
                if own is not None and p.grad is not None:
                    own.copy_(p.grad)
            clear()

        return play

    return record


def test_it_learns_from_what_is_given_each_time() -> None:
    weight, unused = nn.Parameter(torch.tensor([2.0, 3.0])), nn.Parameter(torch.zeros(1))
    made: list[int] = []

    def learn(x: Tensor, y: Tensor) -> dict[str, Tensor]:
        made.append(len(x))
        return {"square": ((weight * x - y) ** 2).sum(), "size": 0.5 * (weight * x).sum()}

    recorded = Recorded(learn, [weight, unused], stand_in([weight, unused]))
    for seed, count in enumerate((2, 2, 4, 2)):
        x, y = torch.randn(2, count, 2, generator=torch.Generator().manual_seed(seed))
        losses = {name: loss.item() for name, loss in recorded((x, y)).items()}
        assert losses["square"] == pytest.approx(((weight * x - y) ** 2).sum().item())
        assert losses["size"] == pytest.approx(0.5 * (weight * x).sum().item())
        wanted = (2 * (weight * x - y) * x + 0.5 * x).sum(dim=0).detach()
        assert weight.grad is not None
        torch.testing.assert_close(weight.grad, wanted)
        assert unused.grad is None
        weight.grad = None  # as Muon leaves it
    assert made == [2, 2, 2, 4, 4, 2]  # two sizes are recorded, four steps played


def test_a_run_comes_to_the_same_weights(teacher: Path, pairs_folder: Path, tmp_path: Path) -> None:
    settings = {"teacher": str(teacher), "codes_share": 0.0, "given_share": 1.0, "flex": 0}
    data = {"train": [str(pairs_folder)], "hold_out": 0.2, "sampling": {"simulate": 0, "regions": 2}}
    schedule = {"steps": 4, "patches": [32], "batches": [4], "validate_every": 0}  # larger crops see larger regions
    played: list[int] = []

    def recorded(trainer: loop.Trainer) -> Recorded:
        params = [p for group in trainer.optimiser.param_groups for p in group["params"]]

        def learn(*given: Tensor) -> dict[str, Tensor]:
            played.append(len(given[0]))
            return trainer.stage.learn(*given)

        return Recorded(learn, params, stand_in(params))

    run("student", str(pairs_folder), tmp_path / "plain", 4, **settings, data=data, schedule=schedule)
    # Codes that are encoded beforehand, many views at a time, are rounded otherwise, which optimisers make much of.
    unrehearsed = mock.patch.object(TransformerStage, "rehearse")
    with unrehearsed, mock.patch.object(loop.Trainer, "_recorded", recorded):
        run("student", str(pairs_folder), tmp_path / "played", 4, **settings, data=data, schedule=schedule)
    assert len(played) == 5  # recorded, and played four times
    plain, other = (load_restoration(tmp_path / name / "last.safetensors")[0] for name in ("plain", "played"))
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], value, rtol=0, atol=0, msg=name)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_graph_gives_the_gradients_of_the_work() -> None:
    layer = nn.Linear(8, 8).cuda()

    def learn(x: Tensor) -> dict[str, Tensor]:
        return {"loss": layer(x).square().mean()}

    recorded = Recorded(learn, list(layer.parameters()), cuda_graph)
    for _ in range(3):
        x = torch.randn(4, 8, device="cuda")
        recorded((x,))
        found = [p.grad.clone() for p in layer.parameters() if p.grad is not None]
        layer.zero_grad()
        learn(x)["loss"].backward()
        for gradient, p in zip(found, layer.parameters(), strict=True):
            assert p.grad is not None
            torch.testing.assert_close(gradient, p.grad)
