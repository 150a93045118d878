"""Docker image references, checked by the grammar of the distribution project (reference.go).

reference   = name [ ":" tag ] [ "@" digest ]
name        = [ domain "/" ] path-component { "/" path-component }
"""

import re

from clusters.runtimes.registry_hosts import DOMAIN

PATH_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
NAME = rf"(?P<name>(?:{DOMAIN}/)?{PATH_COMPONENT}(?:/{PATH_COMPONENT})*)"
TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
REFERENCE = re.compile(rf"{NAME}(?::{TAG})?(?:@{DIGEST})?")
MAXIMUM_NAME = 255
BARE_DIGEST = re.compile(r"[a-f0-9]{64}")


def is_reference(image: str) -> bool:
    """Whether an engine would understand this as an image; 64 hex digits alone would be an image id."""
    found = REFERENCE.fullmatch(image)
    return found is not None and len(found["name"]) <= MAXIMUM_NAME and not BARE_DIGEST.fullmatch(image)
