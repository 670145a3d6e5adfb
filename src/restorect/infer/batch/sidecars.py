"""XMP files beside a photo, in which other programs note ratings, captions and edits: carried to its outputs."""

import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path

from restorect.errors import shown
from restorect.files import write_atomically
from restorect.images.metadata.claims import without_settings
from restorect.images.metadata.xmp import for_sidecar
from restorect.images.photo import Photo
from restorect.infer.batch.failures import OutputError, reason_of
from restorect.infer.batch.sources import Source

_ENDINGS = (".xmp", ".XMP")
_MAX_BYTES = 16 * 2**20
_SIGNS = (b"xmpmeta", b"rdf:RDF", "rdf:RDF".encode("utf-16-le"), "rdf:RDF".encode("utf-16-be"))


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """An XMP file beside a photo.

    Args:
        name: the file's name.
        whole: it is called after the photo's whole name (`a.jpg.xmp`), not after its stem (`a.xmp`).
        packet: its content.
    """

    name: str
    whole: bool
    packet: bytes

    def beside(self, output: Path) -> Path:
        """Where it lies beside an output, called after that as it was after the photo."""
        stem = output.name if self.whole else output.stem
        return output.with_name(stem + self.name[-len(_ENDINGS[0]) :])

    def of(self, photo: Photo) -> "Sidecar":
        """The same for the photo as it is written: upright, without what develops a RAW, and alone in its file."""
        packet = without_settings(self.packet) if photo.format == "raw" else self.packet
        return replace(self, packet=for_sidecar(packet, turned=photo.turned))


def find_sidecars(source: Source) -> tuple[list[Sidecar], list[str]]:
    """The sidecars of a photo, and a line for each that cannot be used."""
    found: dict[str, Sidecar] = {}
    warnings = []
    for stem, whole in ((source.path.name, True), (source.path.stem, False)):
        places = (source.path.with_name(stem + ending) for ending in _ENDINGS) if source.is_file else ()
        place = next((place for place in places if os.path.lexists(place)), None)
        if place is None or place.name in found:
            continue
        try:
            packet = _read(place)
        except (OSError, OutputError) as error:
            warnings.append(f"its sidecar {shown(place.name)} is not carried: {reason_of(error)}")
        else:
            found[place.name] = Sidecar(name=place.name, whole=whole, packet=packet)
    return list(found.values()), warnings


def carry(sidecar: Sidecar, output: Path) -> str | None:
    """Write a sidecar beside an output, never over another file; a line if it cannot be."""
    place = sidecar.beside(output)
    try:
        write_atomically(place, sidecar.packet, replace=False)
    except FileExistsError:
        if place.is_file() and place.read_bytes() == sidecar.packet:
            return None
        return f"its sidecar {shown(sidecar.name)} is not carried: {shown(place)} exists and is not replaced"
    except OSError as error:
        return f"its sidecar {shown(sidecar.name)} is not carried: {reason_of(error)}"
    return None


def _read(place: Path) -> bytes:
    status = place.stat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
        raise OutputError("it is no file of a sane size")
    packet = place.read_bytes()
    if not any(sign in packet for sign in _SIGNS):
        raise OutputError("it is not XMP")
    return packet
