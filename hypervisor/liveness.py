"""A file that a worker or beat touches while it works: a health check then costs a look at its age."""

from pathlib import Path

from django.conf import settings


def touch() -> None:
    """This process is at work now. Without LIVENESS_FILE nothing is written."""
    if settings.LIVENESS_FILE:
        Path(settings.LIVENESS_FILE).touch()
