"""Labels that users may not write: those that we or an engine read, and on Kubernetes those that it would refuse."""

import re
from collections.abc import Callable, Mapping

from clusters.runtimes.base import LABEL_PREFIX

RESERVED_PREFIXES = (LABEL_PREFIX, "com.docker.")
RESERVED_DOMAINS = ("kubernetes.io", "k8s.io")
KUBERNETES_NAMES = frozenset({"job-name", "controller-uid"})
"""Kubernetes finds what a job made by them."""
LONGEST_PART = 63
LONGEST_PREFIX = 253
PART = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
DNS_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")


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
    for reserved in RESERVED_DOMAINS:
        if slash and (domain == reserved or domain.endswith(f".{reserved}")):
            return f"Labels in the domain {reserved} are Kubernetes' own. Give it another domain, or none."
    return None


def _why_not_on_kubernetes(name: str, value: str) -> str | None:
    if name in KUBERNETES_NAMES:
        return "This cluster is Kubernetes, whose own label this is. Give it another name."
    prefix, slash, part = name.rpartition("/")
    if slash and (len(prefix) > LONGEST_PREFIX or not DNS_NAME.fullmatch(prefix)):
        return (
            "This cluster is Kubernetes: what is before the / of a label's name must be a DNS name in lower case, "
            f"such as example.com, of at most {LONGEST_PREFIX} characters."
        )
    if not _is_part(part):
        return (
            f"This cluster is Kubernetes: a label's name has at most {LONGEST_PART} letters, digits, '-', '_' and '.', "
            "and begins and ends with a letter or digit."
        )
    if value and not _is_part(value):
        return (
            f"This cluster is Kubernetes: a label's value is empty, or has at most {LONGEST_PART} letters, digits, "
            "'-', '_' and '.', and begins and ends with a letter or digit."
        )
    return None


def _is_part(text: str) -> bool:
    return len(text) <= LONGEST_PART and PART.fullmatch(text) is not None
