"""The WSGI application that the web server serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hypervisor.settings")
application = get_wsgi_application()

from hypervisor.checks import refuse_wrong_environment  # noqa: E402 — needs the apps to be loaded

refuse_wrong_environment()
