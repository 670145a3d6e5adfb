"""What a restored picture's XMP says of how it was made, as an XML parser reads it."""

from xml.etree import ElementTree

from restorect.images.metadata.xmp import NAMESPACE


def read_note(xmp: bytes) -> dict[str, str]:
    """Names and texts of the note."""
    own = f"{{{NAMESPACE}}}"
    attributes = [each for element in ElementTree.fromstring(xmp).iter() for each in element.attrib.items()]
    return {name.removeprefix(own): value for name, value in attributes if name.startswith(own)}
