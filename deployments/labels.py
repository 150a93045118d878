"""Labels that users may not write: those that we or an engine read, and on Kubernetes those that it would refuse."""

from collections.abc import Callable, Mapping

from clusters.runtimes.base import LABEL_PREFIX
from clusters.runtimes.kubernetes_labels import LONGEST_DOMAIN, NAME, SUBDOMAIN, THEIR_DOMAINS, THEIR_NAMES

RESERVED_PREFIXES = (LABEL_PREFIX, "com.docker.")
LONGEST_PART = 63


def reserved_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """`labels.NAME` → what to do, for each label that is not a user's to write."""
    return _wrong(labels, lambda name, value: _why_reserved(name))


def labels_no_kubernetes_takes(labels: Mapping[str, str]) -> dict[str, str]:
    """`labels.NAME` → what to write, for each label that Kubernetes would refuse."""
    return _wrong(labels, _why_not_on_kubernetes)


def _wrong(labels: Mapping[str, str], why: Callable[[str, str], str | None]) -> dict[str, str]:
    found = {name: why(name, value) for name, value in labels.items()}
    return {f"labels.{name[:100]}": text for name, text in found.items() if text}


def _why_reserved(name: str) -> str | None:
    lower = name.lower()
    for prefix in RESERVED_PREFIXES:
        if lower.startswith(prefix):
            return f"Labels that begin with {prefix} are the system's own. Give it another name."
    domain, slash, _ = lower.partition("/")
    for reserved in THEIR_DOMAINS:
        if slash and (domain == reserved or domain.endswith(f".{reserved}")):
            return f"Labels in the domain {reserved} are Kubernetes' own. Give it another domain, or none."
    return None


def _why_not_on_kubernetes(name: str, value: str) -> str | None:
    if name in THEIR_NAMES:
        return "This cluster is Kubernetes, whose own label this is. Give it another name."
    prefix, slash, part = name.rpartition("/")
    if slash and (len(prefix) > LONGEST_DOMAIN or not SUBDOMAIN.fullmatch(prefix)):
        return (
            "This cluster is Kubernetes: what is before the / of a label's name must be a DNS name in lower case, "
            f"such as example.com, of at most {LONGEST_DOMAIN} characters."
        )
    if not NAME.fullmatch(part):
        return (
            f"This cluster is Kubernetes: a label's name has at most {LONGEST_PART} letters, digits, '-', '_' and '.', "
            "and begins and ends with a letter or digit."
        )
    if value and not NAME.fullmatch(value):
        return (
            f"This cluster is Kubernetes: a label's value is empty, or has at most {LONGEST_PART} letters, digits, "
            "'-', '_' and '.', and begins and ends with a letter or digit."
        )
    return None
