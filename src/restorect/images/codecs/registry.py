"""Which codec reads which format."""

from dataclasses import dataclass

from restorect.images.codecs import avif, bmp, exr, hdr, heic, jpeg, jxl, png, raw, tiff, webp
from restorect.images.header import HeaderReader, PixelReader


@dataclass(frozen=True, kw_only=True)
class Reader:
    """The two steps of reading: `header` is cheap and safe, `decode` allocates the pixels."""

    header: HeaderReader
    decode: PixelReader


READERS: dict[str, Reader] = {
    name: Reader(header=module.header, decode=module.decode)
    for name, module in {
        "jpeg": jpeg,
        "png": png,
        "tiff": tiff,
        "webp": webp,
        "avif": avif,
        "jxl": jxl,
        "bmp": bmp,
        "hdr": hdr,
        "exr": exr,
        "heic": heic,
        "raw": raw,
    }.items()
}
