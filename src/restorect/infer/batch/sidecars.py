"""XMP files beside a photo, in which other programs note ratings, captions and edits: carried to its outputs."""

import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from restorect.errors import RestorectError, shown
from restorect.images.metadata.claims import without_settings
from restorect.images.metadata.xmp import for_sidecar
from restorect.images.photo import Photo
from restorect.infer.batch.atomic import hash_bytes
from restorect.infer.batch.failures import OutputError, reason_of
from restorect.infer.batch.sources import Source
from restorect.infer.batch.target import Target

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

    def beside(self, output: str) -> str:
        """Where it lies beside an output, called after that as it was after the photo."""
        place = PurePosixPath(output)
        stem = place.name if self.whole else place.stem
        return place.with_name(stem + self.name[-len(_ENDINGS[0]) :]).as_posix()

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


def carry(sidecar: Sidecar, output: str, target: Target) -> str | None:
    """Write a sidecar beside an output, never over another file; a line if it cannot be."""
    place = sidecar.beside(output)
    try:
        kind = target.kind(place)
        if kind == "file" and target.holds(place, hash_bytes(sidecar.packet), ""):
            return None
        if kind != "nothing":
            raise OutputError(f"{target.name(place)} exists and is not replaced")
        target.put(place, sidecar.packet, replace=False)
    except (RestorectError, OSError) as error:
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
