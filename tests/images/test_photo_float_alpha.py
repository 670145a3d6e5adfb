"""Transparency of float TIFFs: shares from 0 to 1 in any number of digits, kept to the last bit."""

import io

import numpy as np
import pytest
import tifffile
from photo_makers import encode, make_tiff, pixels

from restorect.images.colour import from_network, to_network
from restorect.images.read import open_photo, read_photo

ALPHA = np.linspace(0, 1, 23 * 37, dtype=np.float32).reshape(23, 37) ** np.float32(1.7)


def with_alpha(kind, *, grey=False, dtype=np.float32, planar="contig"):
    """A float TIFF with `ALPHA`, and its colours as stored; `kind` is tifffile's name of the extra sample."""
    colours = pixels(32, 1 if grey else 3).astype(dtype)
    if kind == "assocalpha":
        colours = (colours * ALPHA[..., None]).astype(dtype)
    array = np.dstack([colours, ALPHA.astype(dtype)])
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        np.moveaxis(array, -1, 0) if planar == "separate" else array,
        photometric="minisblack" if grey else "rgb",
        extrasamples=[kind],
        planarconfig=planar,
        metadata=None,
    )
    return buffer.getvalue(), colours


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_it_is_read_as_it_is_stored(grey, planar):
    data, colours = with_alpha("unassalpha", grey=grey, planar=planar)
    assert open_photo(data).info.has_alpha
    photo = read_photo(data)
    assert (photo.bit_depth, photo.alpha.dtype, photo.alpha.shape) == (32, np.float32, (23, 37))
    np.testing.assert_array_equal(photo.alpha, ALPHA)
    np.testing.assert_array_equal(photo.pixels, colours)


def test_half_and_double_floats_become_single_ones():
    for dtype in (np.float16, np.float64):
        photo = read_photo(with_alpha("unassalpha", dtype=dtype)[0])
        np.testing.assert_array_equal(photo.alpha, ALPHA.astype(dtype).astype(np.float32))


def test_premultiplied_colours_are_divided_by_it():
    """By the share itself: white is 1, not 255."""
    data, stored = with_alpha("assocalpha")
    photo = read_photo(data)
    assert "its premultiplied alpha is made straight" in photo.warnings
    np.testing.assert_array_equal(photo.alpha, ALPHA)
    seen = ALPHA > 1e-3
    np.testing.assert_allclose(photo.pixels[seen], stored[seen] / ALPHA[seen][:, None], rtol=1e-5)
    np.testing.assert_allclose(photo.pixels[seen], pixels(32, 3)[seen], rtol=1e-4, atol=1e-5)
    assert (photo.pixels[ALPHA == 0] == 0).all()


@pytest.mark.parametrize("grey", [False, True])
def test_it_survives_the_way_through_the_networks_to_the_last_bit(grey):
    photo = read_photo(with_alpha("unassalpha", grey=grey)[0])
    written = encode(from_network(to_network(photo), photo))
    again = read_photo(written.data)
    assert (again.format, again.bit_depth) == ("tiff", 32)
    np.testing.assert_array_equal(again.alpha, ALPHA)
    with tifffile.TiffFile(io.BytesIO(written.data)) as file:
        assert [int(kind) for kind in file.pages[0].extrasamples] == [2]  # straight


@pytest.mark.parametrize(("depth", "full"), [(16, 65535), (8, 255)])
def test_whole_numbers_take_its_share_of_theirs_and_give_it_back(depth, full):
    photo = read_photo(with_alpha("unassalpha")[0])
    for kind in ("tiff", "png"):
        whole = read_photo(encode(photo, format=kind, bit_depth=depth).data)
        np.testing.assert_array_equal(whole.alpha, np.rint(ALPHA * np.float32(full)))
    back = read_photo(encode(whole, format="tiff", bit_depth=32).data)
    assert back.alpha.dtype == np.float32
    np.testing.assert_allclose(back.alpha, ALPHA, atol=0.5 / full + 1e-6)
    plain = read_photo(make_tiff(pixels(depth, 4)))
    deep = read_photo(encode(plain, bit_depth=32).data)
    np.testing.assert_allclose(deep.alpha, plain.alpha / full, rtol=1e-6)
