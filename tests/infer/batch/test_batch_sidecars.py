"""XMP files beside a photo go with it: named after the output, put upright, never over another file."""

import os
from pathlib import Path

import pytest
from batch_fakes import FakeRestorer, expected, make, settings_of
from PIL import Image

from restorect.images.metadata.xmp import orientation
from restorect.infer.batch import Naming, Source, plan_batch, run_batch
from restorect.infer.batch import Restored as Written
from restorect.infer.batch.sidecars import Sidecar, carry, find_sidecars
from restorect.infer.batch.target import Folder
from restorect.infer.options import Restored

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def packet(turn=1, more=""):
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"><rdf:Description '
        f'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmp:Rating="5" '
        f'tiff:Orientation="{turn}" {more}/></rdf:RDF></x:xmpmeta>'
    ).encode()


def run(given: Path, out: Path, *, restorer=None, force=False, **settings):
    wanted = settings_of(**settings)
    naming = Naming(task="low-light", size="nano", settings=wanted)
    plan = plan_batch([str(given)], out, naming)
    events = []
    run_batch(plan, lambda: restorer or FakeRestorer(), on_event=events.append, force=force)
    return [line for event in events if isinstance(event, Written) for line in event.warnings]


def test_both_names_follow_the_output(tmp_path):
    given, out = tmp_path / "in", tmp_path / "out"
    photo = make(given / "a.fake")
    (given / "a.fake.xmp").write_bytes(packet(more='xmp:Label="whole"'))
    (given / "a.XMP").write_bytes(packet(more='xmp:Label="stem"'))
    make(given / "b.fake")
    assert run(given, out, format="mock") == []
    assert (out / "a.mock").read_bytes() == expected(photo)
    assert b"whole" in (out / "a.mock.xmp").read_bytes()
    assert b"stem" in (out / "a.XMP").read_bytes()
    assert sorted(path.name for path in out.iterdir() if "xmp" in path.name.lower()) == ["a.XMP", "a.mock.xmp"]


def test_every_sample_has_one_and_the_map_has_none(tmp_path):
    given, out = tmp_path / "in", tmp_path / "out"
    make(given / "a.fake")
    (given / "a.xmp").write_bytes(packet())
    run(given, out, samples=3)
    assert sorted(path.name for path in out.glob("*.xmp")) == ["a-1.xmp", "a-2.xmp", "a-3.xmp"]


def test_nothing_is_overwritten_and_the_same_is_no_trouble(tmp_path):
    given, out = tmp_path / "in", tmp_path / "out"
    make(given / "a.fake")
    (given / "a.xmp").write_bytes(packet())
    assert run(given, out) == []
    assert run(given, out, force=True) == []
    (out / "a.xmp").write_bytes(b"mine")
    (line,) = run(given, out, force=True)
    assert line.startswith("its sidecar a.xmp is not carried: ")
    assert line.endswith("exists and is not replaced")
    assert (out / "a.xmp").read_bytes() == b"mine"


def test_stripping_leaves_them_behind(tmp_path):
    given, out = tmp_path / "in", tmp_path / "out"
    make(given / "a.fake")
    (given / "a.xmp").write_bytes(packet())
    assert run(given, out, strip_metadata=True) == []
    assert not (out / "a.xmp").exists()


def test_what_is_no_sidecar_is_told(tmp_path):
    make(tmp_path / "a.fake")
    (tmp_path / "a.xmp").write_bytes(b"hello")
    (tmp_path / "a.fake.xmp").mkdir()
    found, warnings = find_sidecars(Source(path=tmp_path / "a.fake"))
    assert found == []
    assert warnings == [
        "its sidecar a.fake.xmp is not carried: it is no file of a sane size",
        "its sidecar a.xmp is not carried: it is not XMP",
    ]
    if hasattr(os, "mkfifo"):
        (tmp_path / "a.xmp").unlink()
        os.mkfifo(tmp_path / "a.xmp")
        assert find_sidecars(Source(path=tmp_path / "a.fake"))[0] == []
    assert find_sidecars(Source(path=tmp_path / "a.fake", data=b"x")) == ([], [])


def test_names_at_the_limit_and_links(tmp_path):
    long = "x" * 249 + ".fake"
    make(tmp_path / long)
    assert find_sidecars(Source(path=tmp_path / long)) == ([], [])
    one = Sidecar(name="a.fake.xmp", whole=True, packet=packet())
    assert carry(one, long, Folder(tmp_path)).startswith("its sidecar a.fake.xmp is not carried: the name is too long")
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "b.fake.xmp").symlink_to(victim)
    assert "exists and is not replaced" in carry(one, "b.fake", Folder(tmp_path))
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_a_real_photo_and_its_sidecar_end_upright(tmp_path, strength):
    given, out = tmp_path / "in", tmp_path / "out"
    given.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (32, 16), (10, 20, 30)).save(given / "a.jpg", exif=exif)
    (given / "a.jpg.xmp").write_bytes(packet(6, 'GCamera:MotionPhoto="1"'))
    assert run(given, out, restorer=Same(), strength=strength) == []
    assert Image.open(out / "a.jpg").size == (16, 32)
    carried = (out / "a.jpg.xmp").read_bytes()
    assert orientation(carried) == 1
    assert b'xmp:Rating="5"' in carried
    assert b"MotionPhoto" not in carried


class Same(FakeRestorer):
    """Restores nothing."""

    def restore(self, image, options):
        return Restored(images=[image], by=self)


def test_a_good_photo_that_is_copied_keeps_its_sidecar_as_it_is(tmp_path):
    """Its file still says how it is to be turned."""
    from restorect.auto.decision import NOTHING, Decision

    class Nothing(FakeRestorer):
        task = "auto"

        def restore(self, image, options):
            return Restored(images=[image], decision=Decision(task=NOTHING, confidence=1.0))

    given, out = tmp_path / "in", tmp_path / "out"
    given.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (32, 16), (10, 20, 30)).save(given / "a.jpg", exif=exif)
    (given / "a.xmp").write_bytes(packet(6))
    assert run(given, out, restorer=Nothing()) == []
    assert (out / "a.jpg").read_bytes() == (given / "a.jpg").read_bytes()
    assert (out / "a.xmp").read_bytes() == packet(6)
