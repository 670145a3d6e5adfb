"""Compiled blocks: which modules, how many graphs, and the same numbers."""

import copy
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
import torch
import torch._dynamo
from smallnets import TRANSFORMER
from torch import Tensor, nn
from torch._dynamo.utils import counters

from restorect.nets.blocks import Block
from restorect.nets.transformer import Transformer
from restorect.train import compiling
from restorect.train.compiling import compile_blocks

CPU = torch.device("cpu")


def steps(network: nn.Module, side: int) -> Tensor:
    """The restored image of a batch, after a gradient was taken."""
    generator = torch.Generator().manual_seed(side)
    x, z = torch.rand(2, 3, side, side, generator=generator), torch.randn(2, 256, generator=generator)
    image: Tensor = network(x, z, z).image
    image.mean().backward()
    return image.detach()


def test_every_block_keeps_one_graph_a_size_beyond_dynamos_usual_eight() -> None:
    network = Transformer(TRANSFORMER)
    plain = copy.deepcopy(network)
    compile_ = nn.Module.compile

    def eagerly(module: nn.Module, **options: Any) -> None:  # graphs are counted all the same
        assert options == {"dynamic": False}
        compile_(module, backend="eager", **options)

    torch._dynamo.reset()
    with mock.patch.object(compiling, "_try") as tried, mock.patch.object(nn.Module, "compile", eagerly):
        compile_blocks(network, CPU)
    tried.assert_called_once_with(CPU)
    for module in network.modules():
        assert (module._compiled_call_impl is not None) == isinstance(module, Block)
    counters.clear()
    for side in (32, 64):
        assert torch.allclose(steps(network, side), steps(plain, side), atol=1e-6)
    graphs = counters["stats"]["unique_graphs"]
    assert graphs > 8
    assert not counters["unimplemented"]  # where dynamo writes that it gave up
    steps(network, 32)
    assert counters["stats"]["unique_graphs"] == graphs  # the first size is still known
    assert all(module._compiled_call_impl is None for module in copy.deepcopy(network).modules())


def test_without_blocks_nothing_is_tried() -> None:
    with mock.patch.object(compiling, "_try") as tried:
        compile_blocks(nn.Conv2d(3, 3, 1), CPU)
    tried.assert_not_called()


@pytest.mark.slow
def test_a_block_by_inductor_gives_the_same_numbers_and_gradients() -> None:
    torch._dynamo.reset()
    block = Block(16, 2, retinex=True, expansion=2.0, norm="scln", qk_norm=True)
    plain = copy.deepcopy(block)
    compile_blocks(block, CPU)
    call: Callable[..., Tensor]
    for call in (block, plain):
        call(
            torch.linspace(-1, 1, 2 * 16 * 64).view(2, 16, 8, 8), torch.linspace(-1, 1, 512).view(2, 256)
        ).sum().backward()
    for own, other in zip(block.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(own.grad, other.grad, rtol=1e-4, atol=1e-4)
