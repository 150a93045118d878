"""Names of images, as Docker reads them."""

import re
from dataclasses import dataclass

DOCKER_HUB = "docker.io"
_HUB_NAMES = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
_NAME = re.compile(
    r"(?P<repository>[A-Za-z0-9][A-Za-z0-9._:\[\]/-]*?)(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>[a-z0-9]+:[0-9a-f]{32,128}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class ImageName:
    """`registry` is a host and perhaps a port; `version` a tag or a digest."""

    registry: str
    repository: str
    version: str


def parse_image(text: str) -> ImageName:
    """The parts of a name such as `ghcr.io/team/image:tag`. Raises ValueError."""
    matched = _NAME.fullmatch(text)
    if matched is None or ".." in text or "//" in text or matched["repository"].endswith(("/", ":")):
        raise ValueError("Not the name of an image.")
    first, slash, _ = matched["repository"].partition("/")
    has_registry = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return ImageName(
        registry=registry_host(first) if has_registry else DOCKER_HUB,
        repository=matched["repository"],
        version=matched["digest"] or matched["tag"] or "latest",
    )


def registry_host(server: str) -> str:
    """The host (and port) of a registry, however its address is written."""
    host = server.strip().lower().removeprefix("https://").removeprefix("http://").partition("/")[0]
    return DOCKER_HUB if host in _HUB_NAMES else host
