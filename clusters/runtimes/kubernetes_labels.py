"""Which labels of a user a Kubernetes object can carry."""

import re

NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LONGEST_DOMAIN = 253
THEIR_DOMAINS = ("kubernetes.io", "k8s.io")
THEIR_NAMES = frozenset({"job-name", "controller-uid"})
"""The Job controller finds its pods by them."""


def why_not_label(name: str, value: str) -> str | None:
    """Why Kubernetes cannot carry this label, naming it; None: it can."""
    domain, slash, rest = name.rpartition("/")
    if not NAME.fullmatch(rest) or (slash and not _is_domain(domain)):
        return (
            f'The label "{name[:100]}" has no name that Kubernetes takes: at most 63 letters, digits, "-", "_" '
            'and ".", with a domain and "/" before them if you like.'
        )
    if name in THEIR_NAMES or any(
        domain == theirs or domain.endswith(f".{theirs}") for theirs in THEIR_DOMAINS
    ):
        return f'The label "{name}" is Kubernetes\' own. Choose another name.'
    if value and not NAME.fullmatch(value):
        return (
            f'The value of the label "{name}" is none that Kubernetes takes: at most 63 letters, digits, "-", '
            '"_" and ".", with a letter or digit at both ends.'
        )
    return None


def _is_domain(domain: str) -> bool:
    return len(domain) <= LONGEST_DOMAIN and bool(SUBDOMAIN.fullmatch(domain))
