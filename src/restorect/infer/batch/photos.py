"""Photographs in and out for a batch: the one place where the batch meets `restorect.images`."""

import os
from collections.abc import Collection
from typing import TYPE_CHECKING

from restorect.configs import require
from restorect.errors import ConfigError, shown
from restorect.files import open_regular
from restorect.infer.batch.settings import RestoreSettings
from restorect.infer.batch.sources import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from restorect.images.photo import Photo
    from restorect.images.read import Opened
    from restorect.images.write import Encoded

_HEAD_BYTES = 65536
_SEVERAL_PICTURES = (".mpo", ".avifs")  # endings that promise more than one picture, and one is written


class Photos:
    """Reads, converts and encodes photographs; replace it to feed a batch from elsewhere.

    Importing this module costs nothing: numpy and the codecs are loaded when first used.
    """

    def extensions(self) -> Collection[str]:
        """Of files that folders are searched for: lower case, with their dot."""
        from restorect.images.formats import EXTENSIONS

        return EXTENSIONS

    def writable(self, settings: RestoreSettings) -> RestoreSettings:
        """The settings with their format's canonical name.

        Raises:
            ConfigError: the format is unknown, is only read, or cannot be written as asked.
        """
        if settings.format is None:
            return settings
        from restorect.images.formats import TRAITS, format_of_name

        given = settings.format.lower().lstrip(".")
        fmt = given if given in TRAITS else format_of_name(f"x.{given}")
        allowed = ", ".join(sorted(name for name, traits in TRAITS.items() if traits.depths))
        if fmt is None or not TRAITS[fmt].depths:
            raise ConfigError(f"format {shown(settings.format)}: cannot be written; choose one of {allowed}")
        depths = TRAITS[fmt].depths
        require(
            settings.bit_depth is None or settings.bit_depth in depths,
            f"bit depth {settings.bit_depth}: {fmt} can hold {' or '.join(map(str, depths))} bits",
        )
        require(
            not (settings.lossless and fmt == "jpeg"), "lossless: JPEG always loses something; choose another format"
        )
        return settings.replace(format=fmt)

    def output_kind(self, source: Source, wanted: str | None) -> tuple[str, str]:
        """The format an output is written in, and its extension with the dot. Reads only the first bytes.

        Raises:
            ImageError: it is no photograph.
            OSError: the file cannot be read.
        """
        from restorect.images.formats import extension_for, format_of_name, output_format
        from restorect.images.source import load

        _, _, found = load(_head(source), str(source.path), RestoreSettings().max_megapixels)
        fmt = wanted or output_format(found)
        own = source.path.suffix
        kept = format_of_name(own) == fmt and own.lower() not in _SEVERAL_PICTURES
        return fmt, own if kept else extension_for(fmt)

    def check_file_size(self, size: int, name: str, settings: RestoreSettings) -> None:
        """Raise `ImageError` if a file is too large for any photo under the limit; before it is read."""
        from restorect.images.source import check_file_size

        check_file_size(size, name, settings.max_megapixels)

    def open(self, data: bytes, name: str, settings: RestoreSettings) -> "Opened":
        """The header, without decoding any pixel yet; a photo over the limit is refused."""
        from restorect.images.read import open_photo

        return open_photo(data, page=settings.page, max_megapixels=settings.max_megapixels, name=name)

    def to_network(self, photo: "Photo") -> "NDArray[np.float32]":
        """The photo as sRGB-encoded float32 (H, W, 3), unbounded."""
        from restorect.images.colour import to_network

        return to_network(photo)

    def from_network(self, rgb: "NDArray[np.float32]", photo: "Photo", settings: RestoreSettings) -> "Photo":
        """`rgb` as a photo in the space, depth and with the metadata of `photo`."""
        from restorect.images.colour import from_network

        return from_network(rgb, photo, bit_depth=settings.bit_depth)

    def encode(self, photo: "Photo", fmt: str, settings: RestoreSettings, note: dict[str, object]) -> "Encoded":
        """An output file: its `data`, and `warnings` on what could not be kept."""
        from restorect.images.write import encode

        return encode(
            photo,
            format=fmt,
            quality=settings.quality,
            subsampling=settings.subsampling,
            lossless=settings.lossless,
            bit_depth=settings.bit_depth,
            strip_metadata=settings.strip_metadata,
            note=note,
        )

    def sidecar(self, packet: bytes, photo: "Photo") -> bytes:
        """A sidecar's XMP for the photo as it is written: upright, and alone in its file."""
        from restorect.images.metadata.claims import without_settings
        from restorect.images.metadata.xmp import for_sidecar

        return for_sidecar(without_settings(packet) if photo.format == "raw" else packet, turned=photo.turned)

    def encode_map(self, values: "NDArray[np.float32]", white: float, text: str) -> bytes:
        """A map (H, W) as a 16-bit grey PNG: black is 0, white is `white` and above; `text` says what it shows."""
        import numpy as np

        from restorect.images.photo import Metadata, Photo
        from restorect.images.write import encode

        codes = np.round((values / white).clip(0, 1) * 65535).astype(np.uint16)
        metadata = Metadata(text=(("Description", text),))
        return encode(Photo(pixels=codes[..., None], format="png", bit_depth=16, metadata=metadata)).data


def _head(source: Source) -> bytes:
    if source.data is not None:
        return source.data[:_HEAD_BYTES]
    with open_regular(source.path) as file:
        return file.read(_HEAD_BYTES)


def content(source: Source) -> bytes:
    """The whole file, or the bytes that stand for it."""
    if source.data is not None:
        return source.data
    with open_regular(source.path) as file:
        return file.read()


def likeness(source: Source) -> tuple[int, int | None]:
    """The permissions and the date (in nanoseconds) of a photo's file, for its outputs; what is piped has no date."""
    if source.data is not None:
        return 0o666, None
    status = source.path.stat()
    return (0o666 if os.name == "nt" else status.st_mode), status.st_mtime_ns
