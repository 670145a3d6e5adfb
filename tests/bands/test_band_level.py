"""Blocks and the ways between levels, in bands against whole."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lively import cut, lively, noise
from torch import Tensor

from restorect.bands.level import down, run_blocks, up, up_and_join
from restorect.bands.tiling import Tiling
from restorect.nets.blocks import Block, BlockStack, pointwise
from restorect.nets.transformer import Down, Up

tilings = st.builds(cut, st.integers(1, 9), st.integers(1, 20), bytes=st.sampled_from([1, 3000, 20000]))
SHAPES = [
    {"heads": 1, "retinex": True, "norm": "scln", "qk_norm": True},
    {"heads": 4, "retinex": True, "norm": "scln", "qk_norm": True},
    {"heads": 2, "retinex": False, "norm": "scln", "qk_norm": True},
    {"heads": 2, "retinex": True, "norm": "pixel", "qk_norm": False},
]


def as_map(x: Tensor) -> Tensor:
    return x[0].permute(1, 2, 0).contiguous()


def stack(**shape: Any) -> BlockStack:
    return lively(BlockStack(Block(16, expansion=2.66, **shape) for _ in range(2)))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@given(height=st.integers(1, 24), width=st.integers(1, 40), tiling=tilings)
def test_blocks_in_pieces_of_any_size(shape: dict[str, Any], height: int, width: int, tiling: Tiling) -> None:
    blocks, x, z = stack(**shape), 0.3 + noise(1, 16, height, width), noise(1, 256, seed=1)
    expected = blocks(x, z)
    assert height * width == 1 or (expected - x).abs().mean() > 0.02  # one pixel has nothing to attend to
    torch.testing.assert_close(run_blocks(as_map(x), blocks, z, tiling), as_map(expected), atol=2e-5, rtol=1e-5)


@given(height=st.integers(1, 12), width=st.integers(1, 12), tiling=tilings)
def test_the_ways_between_levels(height: int, width: int, tiling: Tiling) -> None:
    x, skip = noise(1, 16, 2 * height, 2 * width), noise(1, 16, 2 * height, 2 * width, seed=1)
    lower, upper, join = lively(Down(16)), lively(Up(32)), lively(pointwise(32, 16))
    deep = lower(x)
    torch.testing.assert_close(down(as_map(x), lower, tiling), as_map(deep), atol=1e-5, rtol=0)
    raised, into = upper(deep), torch.zeros(2 * height, 2 * width, 20)
    up(as_map(deep), upper, tiling, into[..., 2:18])
    torch.testing.assert_close(into[..., 2:18], as_map(raised), atol=1e-5, rtol=0)
    assert not into[..., :2].any()
    assert not into[..., 18:].any()
    joined = up_and_join(as_map(deep), as_map(skip), upper, join.weight, tiling)
    torch.testing.assert_close(joined, as_map(join(torch.cat([raised, skip], dim=1))), atol=1e-5, rtol=0)


def test_bfloat16_is_near() -> None:
    blocks, x, z = stack(**SHAPES[0]), noise(1, 16, 20, 30), noise(1, 256, seed=1)
    near = run_blocks(as_map(x), blocks, z, Tiling(bytes=20000, dtype=torch.bfloat16))
    error = (near - as_map(blocks(x, z))).square().mean().sqrt()
    assert 0 < error < 0.03 * near.std()
