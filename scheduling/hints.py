"""Asking for a cycle of a cluster sooner than the beat would."""

from django.conf import settings

from clusters.wakeups import Wakeups

wakeups = Wakeups("scheduling.run_cycles", interval_seconds=max(5, settings.SCHEDULER_INTERVAL_SECONDS))
