"""Names of images, as Docker reads them."""

import re
from dataclasses import dataclass

from .registry_hosts import host_of

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
    """The parts of a name such as `registry.example.org/team/image:tag`. Raises ValueError."""
    matched = _NAME.fullmatch(text)
    if matched is None or ".." in text or "//" in text or matched["repository"].endswith(("/", ":")):
        raise ValueError("Not the name of an image.")
    return ImageName(
        registry=host_of(matched["repository"]),
        repository=matched["repository"],
        version=matched["digest"] or matched["tag"] or "latest",
    )
