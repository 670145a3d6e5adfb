"""What libraries say of damaged files stays unheard: a user sees one line of ours."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

from photo_makers import make_png, pixels

FUZZER = Path(__file__).parents[2] / "benchmarks" / "fuzz_images.py"
READ = (
    "import sys\nfrom restorect.images.read import read_photo\n"
    "print(*read_photo(sys.stdin.buffer.read()).warnings, end='')"
)


def test_a_damaged_profile_is_our_warning_and_not_libpng_s():
    """In a process of its own: pytest's own log handlers would hide what Python prints without any."""
    png = make_png(pixels(8, 3))
    body = b"iCCP" + b"a\0\0" + zlib.compress(b"no profile")
    damaged = png[:33] + struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) + png[33:]
    done = subprocess.run([sys.executable, "-c", READ], input=damaged, capture_output=True, check=True)
    assert done.stdout.startswith(b"its colour profile")
    assert done.stderr == b""


def test_the_fuzzer_s_own_limits_hold():
    """Memory, time and silence, with a few files of each kind; CI's thousand are in `test_photo_fuzz`."""
    command = [sys.executable, str(FUZZER), "--count", "230", "--seed", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
