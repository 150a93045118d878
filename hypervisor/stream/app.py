"""What granian serves: `granian --interface asgi hypervisor.stream.app:application`."""

from hypervisor.stream.application import make_application

application = make_application()
