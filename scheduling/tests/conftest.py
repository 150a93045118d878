"""Hypothesis profiles: `quick` for every run, `deep` to hunt (HYPOTHESIS_PROFILE=deep)."""

import os

from hypothesis import settings

settings.register_profile("quick", max_examples=100, deadline=None)
settings.register_profile("deep", max_examples=20_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
