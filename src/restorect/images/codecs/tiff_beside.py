"""What a TIFF carries beside its picture: Photoshop layers and paths, manifests, sub-directories, private tags."""

import struct

from restorect.images.codecs.tiff_metadata import DESCRIPTIVE
from restorect.images.metadata import iptc
from restorect.images.metadata.ifd import Directory, Head, read_directory

_SUB_DIRECTORIES, _PHOTOSHOP, _LAYERS, _C2PA = 330, 34377, 37724, 52545
_NEW_SUBFILE, _REDUCED = 254, 1
_FIRST_PRIVATE = 32768
_MAX_CHILDREN, _MAX_NAMED = 64, 8
# Read already, or of no meaning without the coding they belong to.
_KNOWN = {
    *DESCRIPTIVE,
    *(33723, 34665, 34675, 34853, 40965, _PHOTOSHOP, _LAYERS, _C2PA),
    *(32934, 32995, 32996, 32997, 32998, 33421, 33422, 34016, 34232, 37439, 50341, 50674, 59932, 59933),
}


def what_lies_beside(data: bytes, tags: Directory, head: Head) -> tuple[str, ...]:
    """Name what a page's directory has beside its picture."""
    named = {_LAYERS: "Photoshop layers", _C2PA: "C2PA manifest"}
    found = [name for tag, name in named.items() if tag in tags.entries]
    if _PHOTOSHOP in tags.entries and iptc.holds_paths(tags.entries[_PHOTOSHOP].data):
        found.append("Photoshop paths")
    if _has_children(data, tags, head):
        found.append("pictures in sub-directories")
    private = [tag for tag in sorted(tags.entries) if tag >= _FIRST_PRIVATE and tag not in _KNOWN]
    if private:
        more = " and more" if len(private) > _MAX_NAMED else ""
        found.append(f"private tags {', '.join(map(str, private[:_MAX_NAMED]))}{more}")
    return tuple(found)


def _has_children(data: bytes, tags: Directory, head: Head) -> bool:
    """Say whether there are pictures in sub-directories that are no smaller copies of this one."""
    entry = tags.entries.get(_SUB_DIRECTORIES)
    for at in entry.numbers(head.order)[:_MAX_CHILDREN] if entry else ():
        try:
            child = read_directory(data, at, head)
        except (ValueError, struct.error):
            continue
        if child.entries and not child.number(_NEW_SUBFILE, head.order) & _REDUCED:
            return True
    return False
