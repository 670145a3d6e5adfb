"""Auto checks options before it looks at the photo, so that a good photo does not hide a bad option."""

import numpy as np
import pytest

from restorect.errors import ConfigError
from restorect.infer.auto.restorer import AutoRestorer

GREY = np.full((64, 64, 3), 128, np.uint8)


@pytest.mark.parametrize("option", [{"samples": 0}, {"strength": 2.0}, {"steps": 0}, {"seed": -1}])
def test_a_bad_option_is_told(option: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=next(iter(option))):
        AutoRestorer.load("nano")(GREY, **option)


def test_a_bad_number_of_threads_is_told() -> None:
    with pytest.raises(ConfigError, match="threads is 0"):
        AutoRestorer.load("nano", threads=0)
