"""Images that are read by rows."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from restorect.nets.thumbnail import view_of
from restorect.render import rows as module
from restorect.render.rows import Rows


@given(st.integers(1, 130), st.integers(1, 130), st.sampled_from([1, 7, 48, 96]), st.integers(1, 2000))
def test_a_view_is_that_of_the_whole(height: int, width: int, side: int, pixels: int) -> None:
    image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    kept, module._PIXELS = module._PIXELS, pixels
    try:
        view = Rows.of(image).view(side)
    finally:
        module._PIXELS = kept
    torch.testing.assert_close(view, view_of(image, side), atol=1e-6, rtol=0)


def test_rows_are_read_when_asked_for_and_changed_one_after_the_other() -> None:
    asked: list[tuple[int, int]] = []

    def read(first: int, last: int) -> torch.Tensor:
        asked.append((first, last))
        return torch.full((1, 3, last - first, 4), 2.0)

    image = Rows(10, 4, read).then(lambda rows: rows + 1).then(lambda rows: 2 * rows)
    assert asked == []
    assert torch.equal(image.read(3, 5), torch.full((1, 3, 2, 4), 6.0))
    assert image.whole().shape == (1, 3, 10, 4)
    assert asked == [(3, 5), (0, 10)]


def test_bands_cover_each_row_once() -> None:
    wide = Rows(50, 30_000, lambda first, last: torch.zeros(1, 1, last - first, 30_000))
    assert [row for first, last in wide.bands() for row in range(first, last)] == list(range(50))
    assert len(list(wide.bands())) == 9
