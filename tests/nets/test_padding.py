import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from restorect.nets.padding import pad_to_multiple, reflect_index

side = st.integers(1, 40)


@given(side, st.integers(0, 150))
def test_indices_are_those_of_numpy(size: int, more: int) -> None:
    assert reflect_index(size, size + more).tolist() == np.pad(np.arange(size), (0, more), mode="reflect").tolist()


@given(side, side, st.sampled_from([1, 3, 4, 8, 16, 32]))
def test_padding_equals_numpy_reflect(height: int, width: int, multiple: int) -> None:
    x = torch.arange(2.0 * 3 * height * width).view(2, 3, height, width)
    down, right = -height % multiple, -width % multiple
    expected = np.pad(x.numpy(), ((0, 0), (0, 0), (0, down), (0, right)), mode="reflect")
    assert np.array_equal(pad_to_multiple(x, multiple).numpy(), expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1)])
def test_a_side_of_one_is_replicated(size: tuple[int, int]) -> None:
    x = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    out = pad_to_multiple(x, 8)
    assert out.shape == (1, 3, 8, 8)
    for axis, length in zip((2, 3), size, strict=True):
        if length == 1:
            assert (out == out.narrow(axis, 0, 1)).all()


def test_what_fits_is_given_back_and_gradients_return() -> None:
    x = torch.rand(1, 3, 8, 16)
    assert pad_to_multiple(x, 8) is x
    short = torch.zeros(1, 1, 1, 3, requires_grad=True)
    pad_to_multiple(short, 8).sum().backward()
    assert short.grad is not None
    assert short.grad.flatten().tolist() == [16, 32, 16]  # 0 1 2 1 0 1 2 1, eight rows
