"""What a decoder may do to the process it runs in; called there by the tests of `restorect.images.codecs.apart`."""

import os
import signal
import time

import numpy as np

_poisoned = False


def process(data):
    """Its process and its session."""
    return np.array([os.getpid(), os.getsid(0) if hasattr(os, "getsid") else 0])


def reverse(data, *numbers):
    return np.frombuffer(data, np.uint8)[::-1] + np.uint8(sum(numbers))


def crash(data, *numbers):
    os.kill(os.getpid(), signal.SIGSEGV)


def spin(data, *numbers):
    while True:
        time.sleep(0.05)


def refuse(data, *numbers):
    raise OverflowError("this\nis no picture")


def fill_the_memory(data, *numbers):
    return np.zeros(2**33, np.uint8)


def talk(data):
    """As native libraries do, past Python."""
    os.write(1, b"warning: odd\n" * 100)
    os.write(2, b"error: odd\n" * 100)
    return np.array([[1.5, 2.5]], np.float32)


def poison(data):
    """Seem to work, and leave the process's memory in disorder."""
    global _poisoned
    _poisoned = True
    return np.array([os.getpid()])


def crash_where_poisoned(data):
    if _poisoned:
        os.kill(os.getpid(), signal.SIGSEGV)
    return np.array([os.getpid()])


def nothing(data):
    return np.empty((0, 3), np.uint16)
