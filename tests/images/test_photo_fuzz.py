"""A thousand damaged files: each is read, or refused in one line; none hangs, crashes or eats the memory.

`benchmarks/fuzz_images.py` does the same with ten thousand and more, in processes with hard limits.
"""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from photo_makers import encode
from photo_mutations import mutate, seeds

from peak import within
from restorect.errors import ImageError
from restorect.images.colour import from_network, to_network
from restorect.images.read import open_photo, read_photo

FILES = seeds()


def survive(data):
    """Read, look, and write again; only ImageError may come out."""
    began = time.process_time()
    for action in (lambda data, **options: open_photo(data, **options).info, read_photo):
        try:
            found = action(data, name="x.jpg")
        except ImageError as error:
            text = str(error)
            assert text.startswith("x.jpg: ")
            assert "\n" not in text
            assert len(text) < 400
            continue
        if action is read_photo:
            again = from_network(to_network(found), found)
            assert again.pixels.shape == found.pixels.shape
            read_photo(encode(again, note={"model": "m"}).data)
    assert time.process_time() - began < 30


def test_the_undamaged_files_are_read():
    missing = {"heic": "pi_heif", "heic-deep": "pi_heif", "dng": "rawpy", "exr": "OpenEXR"}
    for name, data in FILES.items():
        if name in missing:
            pytest.importorskip(missing[name])
        assert read_photo(data).width in (17, 32, 64, 96)


@given(st.sampled_from(sorted(FILES)), st.integers(0, 2**32 - 1))
@settings(max_examples=1000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
def test_damaged_files(name, seed):
    with within(250):
        survive(mutate(FILES[name], seed))


@given(st.sampled_from([data[:16] for data in FILES.values()]), st.binary(max_size=300))
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
def test_noise_behind_a_real_beginning(beginning, noise):
    survive(beginning + noise)
