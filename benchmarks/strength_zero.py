"""Restore photos of every format at strength 0: what is lossless comes out identical, the rest within its codec's loss.

    python benchmarks/strength_zero.py

The files are made by Pillow, OpenCV, tifffile, imagecodecs or by hand, restored by the command in one run, and read
again by libraries, not by our own code. A lossy file may lose what the same codec takes from the same pixels once more.
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "images")]

Array = NDArray[Any]
Reader = Callable[[bytes], Array]
SIZE = (75, 101)
SLACK = 1.5  # times the loss of coding once more, in mean absolute error


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file, how to read it, and what may be lost.

    Attributes:
        data: the file.
        read: gives its pixels H x W x C, or H x W.
        ending: of its name.
        output: ending of the output's name.
        read_output: reads that; None for the same way.
        once_more: gives the pixels after the codec has coded them again; None where nothing may be lost.
    """

    data: bytes
    read: Reader
    ending: str
    output: str = ""
    read_output: Reader | None = None
    once_more: Callable[[Array], Array] | None = None


def picture(depth: int, channels: int) -> Array:
    """Noise over a gradient."""
    from photo_makers import pixels

    return np.asarray(pixels(depth, channels, size=SIZE))


def by_pillow(data: bytes) -> Array:
    """Read as RGB, RGBA or grey of 8 bit."""
    image = Image.open(io.BytesIO(data))
    if image.mode == "1":
        image = image.convert("L")
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    return np.asarray(image)


def by_tifffile(data: bytes) -> Array:
    """Read with channels last; a palette is looked up."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages[0]
        array = page.asarray()
        if page.colormap is not None:
            return np.moveaxis((page.colormap >> 8).astype(np.uint8)[:, array], 0, -1)
        return np.moveaxis(array, 0, -1) if page.axes == "SYX" else np.asarray(array)


def by_opencv(data: bytes) -> Array:
    """Read floats."""
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))[..., ::-1]


def by_openexr(data: bytes) -> Array:
    """Read the colour channels."""
    import OpenEXR

    with tempfile.NamedTemporaryFile(suffix=".exr") as place:
        place.write(data)
        place.flush()
        channels = OpenEXR.File(place.name).channels()
        return np.asarray(next(channels[name].pixels for name in ("RGBA", "RGB", "Y") if name in channels))


def by_heif(data: bytes) -> Array:
    """Read a HEIC picture, upright."""
    import pi_heif

    return np.asarray(pi_heif.open_heif(io.BytesIO(data)).to_pillow())


def pillow(array: Array, ending: str, **options: Any) -> bytes:  # noqa: ANN401 - Pillow's
    """Write with Pillow; an `image` mode is converted to first."""
    image = Image.fromarray(np.ascontiguousarray(array.squeeze()))
    image = image.convert(options.pop("mode")) if "mode" in options else image
    buffer = io.BytesIO()
    image.save(buffer, ending, **options)
    return buffer.getvalue()


def again(ending: str, **options: Any) -> Callable[[Array], Array]:  # noqa: ANN401
    """Code once more with Pillow."""
    return lambda array: by_pillow(pillow(array, ending, **options))


def pngs() -> dict[str, Case]:
    """All depths and kinds of PNG."""
    found = {}
    for depth in (8, 16):
        for channels in (1, 2, 3, 4):
            data = bytes(imagecodecs.png_encode(picture(depth, channels).squeeze()))
            found[f"png {depth} bit, {channels}"] = (data, imagecodecs.png_decode)
    rgb, rgba = picture(8, 3), picture(8, 4)
    found["png palette"] = (pillow(rgb, "PNG", mode="P"), by_pillow)
    found["png palette of 16 colours"] = (
        pillow(np.asarray(Image.fromarray(rgb).quantize(16)), "PNG", mode="P", bits=4),
        by_pillow,
    )
    see_through = io.BytesIO()
    Image.fromarray(rgba).quantize(200).save(see_through, "PNG")
    found["png palette with alpha"] = (see_through.getvalue(), by_pillow)
    found["png black and white"] = (pillow(rgb, "PNG", mode="1"), by_pillow)
    return {name: Case(data=data, read=read, ending="png") for name, (data, read) in found.items()}


def tiffs() -> dict[str, Case]:
    """Depths, compressions and layouts of TIFF."""
    from photo_makers import make_tiff

    found = {}
    for depth in (8, 16, 32):
        for channels in (1, 2, 3, 4):
            found[f"tiff {depth} bit, {channels}"] = make_tiff(picture(depth, channels))
    for name in ("lzw", "zlib", "packbits", "zstd", "lzma"):
        found[f"tiff 16 bit {name}"] = make_tiff(picture(16, 3), compression=name)
        found[f"tiff float {name}"] = make_tiff(picture(32, 3), compression=name)
    found["tiff zlib, predictor"] = make_tiff(picture(16, 3), compression="zlib", predictor=2)
    found["tiff planes"] = make_tiff(picture(16, 3), planarconfig="separate")
    found["tiff tiles"] = make_tiff(picture(16, 4), tile=(32, 48))
    found["tiff big"] = make_tiff(picture(16, 3), bigtiff=True)
    found["tiff big-endian"] = make_tiff(picture(16, 3), byteorder=">")
    found["tiff half"] = make_tiff(picture(32, 3).astype(np.float16))
    found["tiff palette"] = pillow(picture(8, 3), "TIFF", mode="P")
    found["tiff JPEG XL, lossless"] = make_tiff(picture(8, 3), compression="jpegxl", compressionargs={"lossless": True})
    return {name: Case(data=data, read=by_tifffile, ending="tif") for name, data in found.items()}


def animation(ending: str, **options: Any) -> bytes:  # noqa: ANN401
    """Three frames with Pillow; the first one counts."""
    frames = [Image.fromarray(np.roll(picture(8, 3), 9 * step, 1)) for step in range(3)]
    buffer = io.BytesIO()
    frames[0].save(buffer, ending, save_all=True, append_images=frames[1:], duration=100, **options)
    return buffer.getvalue()


def others() -> dict[str, Case]:
    """WebP, AVIF, JPEG XL, BMP, HDR and EXR without loss."""
    from exr_by_hand import exr_by_hand
    from photo_makers import make_avif, make_bmp, make_hdr, make_jxl, make_webp

    found: dict[str, tuple[bytes, str, Reader]] = {}
    for channels in (3, 4):
        found[f"webp {channels}"] = (make_webp(picture(8, channels)), "webp", by_pillow)
        found[f"avif {channels}"] = (make_avif(picture(8, channels)), "avif", by_pillow)
    found["webp animated"] = (animation("WEBP", lossless=True), "webp", lambda data: by_pillow(data)[..., :3])
    for channels in (1, 3, 4):
        found[f"jxl 8 bit, {channels}"] = (make_jxl(picture(8, channels)), "jxl", imagecodecs.jpegxl_decode)
        found[f"jxl 16 bit, {channels}"] = (make_jxl(picture(16, channels)), "jxl", imagecodecs.jpegxl_decode)
        found[f"bmp {channels}"] = (make_bmp(picture(8, channels)), "bmp", by_pillow)
    for bits in (10, 12):
        data = bytes(imagecodecs.avif_encode(picture(16, 3) >> (16 - bits), level=100, bitspersample=bits))
        found[f"avif {bits} bit"] = (data, "avif", imagecodecs.avif_decode)
    found["jxl float"] = (make_jxl(picture(32, 3)), "jxl", imagecodecs.jpegxl_decode)
    found["bmp palette"] = (pillow(picture(8, 3), "BMP", mode="P"), "bmp", by_pillow)
    found["hdr"] = (make_hdr(np.abs(picture(32, 3))), "hdr", by_opencv)
    for kind in (np.float16, np.float32):
        planes = dict(zip("RGB", np.moveaxis(picture(32, 3).astype(kind), -1, 0), strict=True))
        found[f"exr {kind.__name__}"] = (exr_by_hand(planes), "exr", by_openexr)
    return {name: Case(data=data, read=read, ending=ending) for name, (data, ending, read) in found.items()}


def lossy() -> dict[str, Case]:
    """What loses something each time it is written."""
    rgb = picture(8, 3)
    found = {}
    for quality, sampling in ((95, "4:4:4"), (75, "4:2:0"), (40, "4:2:2")):
        options: dict[str, Any] = {"quality": quality, "subsampling": sampling}
        data = pillow(rgb, "JPEG", **options)
        found[f"jpeg {quality}, {sampling}"] = (data, "jpg", by_pillow, again("JPEG", **options))
    found["jpeg grey"] = (pillow(picture(8, 1), "JPEG", quality=90), "jpg", by_pillow, again("JPEG", quality=90))
    found["webp lossy"] = (pillow(rgb, "WEBP", quality=80), "webp", by_pillow, again("WEBP", quality=95))
    options = {"quality": 95, "subsampling": "4:4:4"}
    found["avif lossy"] = (pillow(rgb, "AVIF", quality=70), "avif", by_pillow, again("AVIF", **options))
    found["avif animated"] = (animation("AVIF", **options), "avif", by_pillow, again("AVIF", **options))
    coded = bytes(imagecodecs.jpegxl_encode(rgb, distance=1.0))

    def jxl_again(array: Array) -> Array:
        return np.asarray(imagecodecs.jpegxl_decode(imagecodecs.jpegxl_encode(array, distance=0.55, effort=5)))

    found["jxl lossy"] = (coded, "jxl", imagecodecs.jpegxl_decode, jxl_again)
    cases = {
        name: Case(data=data, read=read, ending=ending, once_more=more)
        for name, (data, ending, read, more) in found.items()
    }
    heic = (ROOT / "tests" / "images" / "ramp8.heic").read_bytes()
    more = again("JPEG", **options)
    return cases | {
        "heic": Case(data=heic, read=by_heif, ending="heic", output="jpg", read_output=by_pillow, once_more=more)
    }


def verdict(case: Case, written: bytes) -> tuple[bool, str]:
    """Hold an output against its input."""
    before, after = case.read(case.data), (case.read_output or case.read)(written)
    if before.squeeze().shape != after.squeeze().shape:
        return False, f"{before.shape} became {after.shape}"
    lost = np.abs(before.squeeze().astype(np.float64) - after.squeeze())
    if case.once_more is None:
        return not lost.any(), "identical" if not lost.any() else f"up to {lost.max():.6g} lost"
    allowed = float(np.abs(before.astype(np.float64) - case.once_more(before)).mean())
    return lost.mean() <= SLACK * allowed, f"mean loss {lost.mean():.3f}, coding once more {allowed:.3f}"


def main() -> int:
    """Print a line for each file; the exit status says whether all came out right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="only files whose name contains this")
    only = parser.parse_args().only
    cases = {name: case for name, case in (pngs() | tiffs() | others() | lossy()).items() if only in name}
    with tempfile.TemporaryDirectory() as place:
        given, out = Path(place, "in"), Path(place, "out")
        given.mkdir()
        for number, case in enumerate(cases.values()):
            (given / f"{number:03}.{case.ending}").write_bytes(case.data)
        command = [sys.executable, "-m", "restorect.cli", "restore", str(given), "-o", str(out), "--strength", "0"]
        command += ["--task", "low-light", "--size", "nano", "--quiet"]
        environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
        code = subprocess.run(command, env=environment, check=False).returncode
        wrong = 0
        for number, (name, case) in enumerate(cases.items()):
            path = out / f"{number:03}.{case.output or case.ending}"
            right, told = verdict(case, path.read_bytes()) if path.exists() else (False, "not written")
            wrong += not right
            print(f"{'right' if right else 'WRONG'}  {name}: {told}")
    print(f"{len(cases)} files, {wrong} wrong, exit code {code}")
    return 1 if wrong or code else 0


if __name__ == "__main__":
    sys.exit(main())
