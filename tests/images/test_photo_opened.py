"""A photograph is opened once: recognised once, its header read once, few processes for those that need them."""

import io
from collections import Counter
from pathlib import Path

import pytest
from photo_makers import make_avif, make_bmp, make_dng, make_jpeg, make_jxl, make_png, make_tiff, make_webp, pixels
from PIL import Image
from typer.testing import CliRunner

from restorect.cli.main import app
from restorect.errors import ImageError
from restorect.evaluate.reading import read_whole
from restorect.images import source
from restorect.images.codecs import apart, by_format
from restorect.images.codecs.by_format import READERS, Reader
from restorect.images.read import open_photo, read_photo

HERE = Path(__file__).parent
MAKERS = {
    **{"jpeg": lambda: make_jpeg(pixels(8, 3)), "png": lambda: make_png(pixels(8, 3))},
    **{"tiff": lambda: make_tiff(pixels(16, 3)), "webp": lambda: make_webp(pixels(8, 3))},
    **{"avif": lambda: make_avif(pixels(8, 3)), "jxl": lambda: make_jxl(pixels(8, 3))},
    **{"bmp": lambda: make_bmp(pixels(8, 3)), "heic": (HERE / "ramp8.heic").read_bytes, "raw": make_dng},
}
APART = {"raw": 2, "heic": 1}  # LibRaw's header and its pixels, libheif's pixels
NEEDS = {"raw": "rawpy", "heic": "pi_heif"}


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often content is recognised (`sniff`), a header read, pixels decoded, a decoder apart asked or started."""
    seen: Counter[str] = Counter()

    def counted(what, function):
        def call(*arguments, **options):
            seen[what] += 1
            return function(*arguments, **options)

        return call

    monkeypatch.setattr(source, "sniff", counted("sniff", source.sniff))
    for name, reader in by_format.READERS.items():
        both = Reader(header=counted("header", reader.header), decode=counted("decode", reader.decode))
        monkeypatch.setitem(READERS, name, both)
    monkeypatch.setattr(apart._Helper, "answer", counted("apart", apart._Helper.answer))
    monkeypatch.setattr(apart._Helper, "__init__", counted("process", apart._Helper.__init__))
    while apart._idle:
        apart._idle.pop().close()
    return seen


@pytest.fixture(params=MAKERS)
def photo(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    kind = request.param
    if kind in NEEDS:
        pytest.importorskip(NEEDS[kind])
    path = tmp_path / f"photo.{'dng' if kind == 'raw' else kind}"
    path.write_bytes(MAKERS[kind]())
    return path


def once(looks: Counter[str], photo: Path) -> bool:
    """Whether nothing was done twice."""
    kind = "raw" if photo.suffix == ".dng" else photo.suffix[1:]
    looked = [looks[what] for what in ("sniff", "header", "decode")]
    return looked == [1, 1, 1] and looks["apart"] <= APART.get(kind, 1) and looks["process"] <= 1


def test_a_header_and_pixels_of_one_opened_photo(looks: Counter[str], photo: Path) -> None:
    opened = open_photo(photo)
    assert looks["decode"] == 0
    info = opened.info
    assert opened.info is info
    read = opened.decode()
    assert (read.width, read.height, read.channels, read.bit_depth) == (
        *(info.width, info.height),
        *(info.channels, info.bit_depth),
    )
    assert (read.format, read.metadata, read.turned) == (opened.format, info.metadata, info.orientation)
    assert once(looks, photo)


def test_read_by_its_path_and_for_evaluation(looks: Counter[str], photo: Path) -> None:
    for read in (read_photo, read_whole):
        looks.clear()
        read(photo)
        assert once(looks, photo)


def test_the_info_command(looks: Counter[str], photo: Path) -> None:
    result = CliRunner().invoke(app, ["info", "--json", str(photo)])
    assert result.exit_code == 0, result.output
    assert once(looks, photo)


def test_the_restore_command(looks: Counter[str], photo: Path, tmp_path: Path) -> None:
    out = ["-o", str(tmp_path / "out"), "--task", "low-light", "--size", "nano", "--strength", "0"]
    result = CliRunner().invoke(app, ["restore", str(photo), *out])
    assert result.exit_code == 0, result.output
    looks["sniff"] -= 1  # its first bytes, for the output's name, before any work begins
    assert once(looks, photo)


def test_info_is_of_the_page_that_is_decoded() -> None:
    buffer = io.BytesIO()
    small = Image.new("RGB", (7, 5))
    Image.new("RGB", (30, 20)).save(buffer, "TIFF", save_all=True, append_images=[small])
    opened = open_photo(buffer.getvalue(), page=1)
    assert (opened.info.width, opened.info.height) == (opened.decode().width, opened.decode().height) == (7, 5)
    assert not opened.info.warnings
    assert "only the first is read" in open_photo(buffer.getvalue()).info.warnings[0]
    with pytest.raises(ImageError, match="pages are counted from 0"):
        open_photo(buffer.getvalue(), page=-1)
