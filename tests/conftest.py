"""What all tests share: property tests take as long as a busy machine lets them; nobody's config file is read."""

import os

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
os.environ["RESTORECT_CONFIG"] = ""
