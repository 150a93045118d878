"""The WSGI application that the web server serves."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from hypervisor.front import behind_front

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hypervisor.settings")
application = behind_front(get_wsgi_application(), secret_key=settings.SECRET_KEY)

from hypervisor.checks import refuse_wrong_environment  # noqa: E402 — needs the apps to be loaded

refuse_wrong_environment()
