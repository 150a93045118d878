"""Which labels of a user a Kubernetes object can carry."""

import re

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_MAX_DOMAIN = 253
_THEIR_DOMAINS = ("kubernetes.io", "k8s.io")
_THEIR_NAMES = frozenset({"job-name", "controller-uid"})
"""The Job controller finds its pods by them."""


def why_not_label(name: str, value: str) -> str | None:
    """Why Kubernetes cannot carry this label, naming it; None: it can."""
    domain, slash, rest = name.rpartition("/")
    if not _NAME.fullmatch(rest) or (slash and not _is_domain(domain)):
        return (
            f'The label "{name[:100]}" has no name that Kubernetes takes: at most 63 letters, digits, "-", "_" '
            'and ".", with a domain and "/" before them if you like.'
        )
    if name in _THEIR_NAMES or any(
        domain == theirs or domain.endswith(f".{theirs}") for theirs in _THEIR_DOMAINS
    ):
        return f'The label "{name}" is Kubernetes\' own. Choose another name.'
    if value and not _NAME.fullmatch(value):
        return (
            f'The value of the label "{name}" is none that Kubernetes takes: at most 63 letters, digits, "-", '
            '"_" and ".", with a letter or digit at both ends.'
        )
    return None


def _is_domain(domain: str) -> bool:
    return len(domain) <= _MAX_DOMAIN and bool(_SUBDOMAIN.fullmatch(domain))
