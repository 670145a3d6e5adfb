"""Names as browsers send them, made safe."""

import pytest

from restorect.errors import ConfigError
from restorect.web.names import safe


@pytest.mark.parametrize(
    ("sent", "folder", "name"),
    [
        ("a.jpg", "", "a.jpg"),
        ("trip/day 1/a.b.JPG", "trip/day 1", "a.b.JPG"),
        ("../../etc/a.jpg", "etc", "a.jpg"),
        ("/a.jpg", "", "a.jpg"),
        ("C:\\photos\\a.jpg", "C/photos", "a.jpg"),
        ("a/./b/../c.jpg", "a/b", "c.jpg"),
        ("no ending", "", "no ending"),
        ("a\x00b\n.jpg", "", "ab.jpg"),
        ("Äpfel/Übung.jpg", "Äpfel", "Übung.jpg"),
    ],
)
def test_nothing_in_a_name_leads_upwards(sent: str, folder: str, name: str) -> None:
    assert safe(sent) == (folder, name)


def test_long_names_keep_their_ending() -> None:
    _, name = safe("ä" * 300 + ".jpeg")
    assert name.endswith(".jpeg")
    assert 150 < len(name.encode()) <= 200


@pytest.mark.parametrize("sent", ["", "/", "..", "../..", "\x00", " . "])
def test_what_is_no_name_is_refused(sent: str) -> None:
    with pytest.raises(ConfigError, match="give the photo a name"):
        safe(sent)
