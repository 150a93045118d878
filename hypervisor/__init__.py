"""Composes the apps into one service: settings, Celery, urls, errors, health and metrics."""

from hypervisor.celery import app as celery_app

__all__ = ["celery_app"]
