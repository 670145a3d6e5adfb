"""Decoders apart: a file may crash, hang or fill the memory of their process, and the next one is read."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import decoders_gone_wrong as wrong
import numpy as np
import pytest
from photo_makers import make_avif, make_jxl, make_tiff, pixels

import restorect
from restorect.errors import ImageError
from restorect.images.codecs import apart, avif, jxl, tiff
from restorect.images.codecs.apart import run_apart
from restorect.images.read import read_photo


@pytest.fixture(autouse=True)
def fresh():
    """Each test begins without a process that an earlier one left."""
    while apart._idle:
        apart._idle.pop().close()


def where():
    return tuple(run_apart(wrong.process, b"", library="x"))


def alive(pid):
    """Whether a process runs; one that only waits for its parent to take note of its end does not."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def gone(pid, seconds=60):
    """Wait for a process to end."""
    end = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    return not alive(pid)


def test_one_process_serves_many_files():
    assert len({where() for _ in range(5)}) == 1
    for data, numbers in ((b"abc", ()), (b"", (3,)), (bytes(10**7), (1, 2))):
        result = run_apart(wrong.reverse, data, *numbers, library="x")
        np.testing.assert_array_equal(result, wrong.reverse(data, *numbers))
    assert run_apart(wrong.nothing, b"", library="x").shape == (0, 3)


def test_a_crash_is_one_file_and_the_next_is_read():
    first = where()
    with pytest.raises(ValueError, match="libx crashed on it"):
        run_apart(wrong.crash, b"abc", library="libx")
    assert where() != first


def test_a_decoder_without_end_is_stopped(monkeypatch):
    pid, _ = where()
    monkeypatch.setattr(apart, "SECONDS", 0.5)
    with pytest.raises(ValueError, match="libx does not come to an end"):
        run_apart(wrong.spin, b"abc", library="libx")
    assert gone(pid)


def test_what_an_earlier_file_did_to_the_process_fails_no_later_one():
    (poisoned,) = run_apart(wrong.poison, b"", library="x")
    (other,) = run_apart(wrong.crash_where_poisoned, b"", library="x")
    assert other != poisoned


def test_a_process_in_which_a_file_failed_is_not_used_again():
    first = where()
    with pytest.raises(ValueError, match=r"^this is no picture$"):
        run_apart(wrong.refuse, b"", library="x")
    assert where() != first


def test_what_a_library_prints_is_neither_heard_nor_taken_for_pixels(capfd):
    assert run_apart(wrong.talk, b"", library="x").tolist() == [[1.5, 2.5]]
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system tells no process's memory")
def test_the_memory_is_bounded():
    with pytest.raises(MemoryError):
        run_apart(wrong.fill_the_memory, b"", library="x")
    assert run_apart(wrong.reverse, b"ab", library="x").tolist() == [98, 97]


def test_threads_get_their_own_answers():
    files = [bytes([number]) * 200_000 for number in range(40)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda data: run_apart(wrong.reverse, data, library="x"), files))
    assert [array.tobytes() for array in found] == files
    assert len(apart._idle) <= 4


def test_a_forked_process_does_not_talk_through_our_pipes():
    mine = where()
    pid = os.fork()
    if not pid:
        theirs = where()
        os._exit(theirs == mine)
    assert os.waitpid(pid, 0)[1] == 0
    assert where() == mine


def test_ctrl_c_in_a_terminal_does_not_reach_the_decoders():
    assert where()[1] != os.getsid(0)


def test_the_working_folder_is_not_imported_from(tmp_path, monkeypatch):
    for module in ("json", "numpy", "signal", "restorect", "cv2"):
        (tmp_path / f"{module}.py").write_text(f"open('{module}-was-run', 'w')\nraise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    assert run_apart(wrong.reverse, b"ab", library="x").tolist() == [98, 97]
    assert read_photo(make_avif(pixels(8, 3))).width == 37
    assert not list(tmp_path.glob("*-was-run"))


def test_no_process_outlives_a_killed_command():
    source = str(Path(restorect.__file__).parents[1])
    code = (
        "import decoders_gone_wrong as wrong, time\nfrom restorect.images.codecs.apart import run_apart\n"
        "print(run_apart(wrong.process, b'', library='x')[0], flush=True)\ntime.sleep(600)"
    )
    paths = os.pathsep.join((source, str(Path(wrong.__file__).parent)))
    running = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": paths}
    )
    pid = int(running.stdout.readline())
    assert alive(pid)
    running.kill()
    running.communicate()
    assert gone(pid)


def test_a_process_that_was_ended_meanwhile_is_replaced():
    pid, _ = first = where()
    os.kill(pid, signal.SIGKILL)
    assert where() != first


def test_no_process_to_be_had_is_one_line(monkeypatch):
    def refuse(*_args, **_more):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(ImageError) as caught:
        read_photo(make_avif(pixels(8, 3)), name="a.avif")
    text = "a.avif: needs a process of its own to be decoded: the system gives no further process or thread; raise"
    assert str(caught.value).startswith(text)


def jpeg_in_tiff():
    return make_tiff(pixels(8, 3, size=(32, 48)), compression="jpeg")


@pytest.mark.parametrize(
    ("kind", "codec", "name", "make"),
    [
        ("AVIF", avif, "_pixels", lambda: make_avif(pixels(8, 3))),
        ("JPEG XL", jxl, "_pixels", lambda: make_jxl(pixels(8, 3))),
        ("TIFF", tiff, "_by_tifffile", jpeg_in_tiff),
    ],
)
@pytest.mark.parametrize(("fault", "says"), [(wrong.crash, "crashed on it"), (wrong.spin, "does not come to an end")])
def test_native_decoders_run_apart(kind, codec, name, make, fault, says, monkeypatch):
    data = make()
    where()
    with monkeypatch.context() as patch:
        patch.setattr(codec, name, fault)
        patch.setattr(apart, "SECONDS", 30.0 if fault is wrong.crash else 0.5)
        with pytest.raises(ImageError) as caught:
            read_photo(data, name="x")
    assert str(caught.value).startswith(f"x: this {kind} file is damaged or cut off (")
    assert says in str(caught.value)
    assert read_photo(data).width in (37, 48)
