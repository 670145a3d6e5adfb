"""Auto checks options before it looks at the photo, so that a good photo does not hide a bad option."""

import numpy as np
import pytest

from restorect.errors import ConfigError
from restorect.infer.auto_restorer import AutoRestorer

GREY = np.full((64, 64, 3), 128, np.uint8)


@pytest.mark.parametrize("option", [{"strength": 2.0}, {"brightness": -4.0}, {"steps": 0}, {"seed": -1}])
def test_a_bad_option_is_told(option: dict[str, int]) -> None:
    auto = AutoRestorer.load("nano")
    for ask in (auto, lambda image, **given: auto.sample(image, 2, **given)):
        with pytest.raises(ConfigError, match=next(iter(option))):
            ask(GREY, **option)
    with pytest.raises(ConfigError, match="samples is 0"):
        auto.sample(GREY, 0)
