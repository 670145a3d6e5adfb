"""JPEGs that are cut off: refused, or what is there of them read with a warning."""

import io

import cv2
import numpy as np
import pytest
from photo_makers import cmyk_profile, exif
from PIL import Image

from restorect.errors import ImageError
from restorect.images.read import read_photo


def scene(height=240, width=320):
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (height + width)], 2).astype(np.uint8)


def by_pillow(**options):
    buffer = io.BytesIO()
    Image.fromarray(scene()).save(buffer, "JPEG", quality=90, **options)
    return buffer.getvalue()


def by_opencv(*options):
    return cv2.imencode(".jpg", np.ascontiguousarray(scene()[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 90, *options])[
        1
    ].tobytes()


MAKERS = {
    "pillow": by_pillow,
    "pillow progressive": lambda: by_pillow(progressive=True),
    "opencv": by_opencv,
    "opencv restarts": lambda: by_opencv(cv2.IMWRITE_JPEG_RST_INTERVAL, 3),
    "opencv progressive": lambda: by_opencv(cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("part", [0.4, 0.7, 0.95])
def test_what_is_there_is_read_with_a_warning(name, part):
    data = MAKERS[name]()
    cut = data[: int(len(data) * part)]
    with pytest.raises(ImageError) as caught:
        read_photo(cut, name="x")
    assert str(caught.value).startswith("x: this JPEG file is damaged or cut off (")
    assert str(caught.value).endswith("get the file again, or restore what is there with --salvage")
    whole, photo = read_photo(data), read_photo(cut, salvage=True)
    assert photo.pixels.shape == whole.pixels.shape
    assert photo.warnings[0].startswith("is cut off, only what is there is restored: ")
    near = np.abs(photo.pixels.astype(int) - whole.pixels).max(axis=(1, 2)) <= (0 if "progressive" not in name else 40)
    if "progressive" in name:
        assert near.mean() > 0.8
        return
    told = int(photo.warnings[0].split("about ")[1].split("%")[0]) / 100 if "about" in photo.warnings[0] else 0
    grey = (photo.pixels == 128).all(axis=(1, 2)).mean()
    assert abs(told - grey) < 0.006
    assert near.mean() + grey > 0.92  # but for the row of blocks with the cut in it
    assert grey == pytest.approx(1 - part, abs=0.15)


def test_every_cut_is_read_or_refused_in_one_line():
    """Within markers, tables and scans, too."""
    for data in (by_pillow(progressive=True), by_pillow()):
        start, whole = data.index(b"\xff\xda"), read_photo(data)
        for cut in [*range(2, start + 40, 7), *range(start + 40, len(data), 401), len(data) - 1]:
            refused = ""
            try:
                photo = read_photo(data[:cut], salvage=True)
            except ImageError as error:
                refused = str(error)
            if refused:
                assert "\n" not in refused
                assert cut < start + 1500
            else:
                assert photo.pixels.shape == (240, 320, 3)
                assert photo.warnings or np.array_equal(photo.pixels, whole.pixels)


def test_a_whole_file_is_read_as_ever():
    for data in (by_pillow(), by_opencv()):
        plain, asked = read_photo(data), read_photo(data, salvage=True)
        np.testing.assert_array_equal(asked.pixels, plain.pixels)
        assert asked.warnings == plain.warnings == ()


def test_turned_and_inked_pictures_too():
    data = by_pillow(exif=b"Exif\0\0" + exif(6))
    photo = read_photo(data[: len(data) * 3 // 4], salvage=True)
    assert photo.pixels.shape == (320, 240, 3)
    assert photo.metadata.exif is not None
    buffer = io.BytesIO()
    Image.fromarray(scene()).convert("CMYK").save(buffer, "JPEG", icc_profile=cmyk_profile())
    data = buffer.getvalue()
    inked = read_photo(data[: len(data) * 3 // 4], salvage=True)
    assert any("is cut off" in warning for warning in inked.warnings)


def test_nothing_but_a_header_is_refused():
    data = by_pillow()
    for cut in (20, data.index(b"\xff\xda"), data.index(b"\xff\xda") + 2):
        with pytest.raises(ImageError, match="damaged or cut off"):
            read_photo(data[:cut], salvage=True)
