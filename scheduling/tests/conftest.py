"""A full cluster, and hypothesis profiles: `quick` for every run, `deep` to hunt (HYPOTHESIS_PROFILE=deep)."""

import os

import pytest
from hypothesis import settings

settings.register_profile("quick", max_examples=100, deadline=None)
settings.register_profile("deep", max_examples=20_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture
def full(cluster):
    """Two LOW ones that run and fill the cluster, the older first."""
    from deployments.tests.lives import look
    from scheduling.tests.cycles import LOW, cycle, submit

    both = []
    for _ in range(2):
        both.append(submit(cluster, 4, LOW))
        cycle(cluster)
    look(cluster)
    return both
