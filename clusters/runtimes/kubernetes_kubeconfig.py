"""Reading a kubeconfig as the hostile file that it may be.

What it may hold is an address, certificates, a key and a token. Whatever would make us run a program, open a file,
use a proxy or trust anybody is refused by its name. No message repeats a value, which may be a secret.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import yaml

MAX_BYTES = 64 * 1024
_MAX_DEPTH = 32
_INSTEAD = 'make a service account and write its "token" (docs/kubernetes.md)'
_INLINE = "a file of another machine is not ours to open: write its content, in base64, as"
_CLUSTER_FIELDS = {"server": "server", "certificate-authority-data": "ca"}
_CLUSTER_REFUSED = {
    "certificate-authority": f'{_INLINE} "certificate-authority-data".',
    "insecure-skip-tls-verify": 'the server must be verified: write its "certificate-authority-data".',
    "proxy-url": "no proxy is used: write a server that can be reached directly.",
    "tls-server-name": "the certificate must be for the server's own name: write that as server.",
}
_USER_FIELDS = {"token": "token", "client-certificate-data": "cert", "client-key-data": "key"}
_USER_REFUSED = {
    "exec": f"no program is run for a cluster: {_INSTEAD}.",
    "auth-provider": f"no plugin is used: {_INSTEAD}.",
    "tokenFile": f'{_INLINE} "token", without base64.',
    "client-certificate": f'{_INLINE} "client-certificate-data".',
    "client-key": f'{_INLINE} "client-key-data".',
    "username": f"Kubernetes knows no passwords any more: {_INSTEAD}.",
    "password": f"Kubernetes knows no passwords any more: {_INSTEAD}.",
    "as": f"nobody is impersonated: {_INSTEAD}.",
    "as-uid": f"nobody is impersonated: {_INSTEAD}.",
    "as-groups": f"nobody is impersonated: {_INSTEAD}.",
    "as-user-extra": f"nobody is impersonated: {_INSTEAD}.",
}
_IN_BASE64 = frozenset({"ca", "cert", "key"})


class Refused(ValueError):
    """What is wrong with a kubeconfig, and what to write instead."""


def read_kubeconfig(text: str, context: str = "") -> dict[str, str]:
    """What the chosen context says, as the fields server, ca, token, cert and key. Raises Refused."""
    config = _parsed(text)
    chosen = context or config.get("current-context")
    if not isinstance(chosen, str) or not chosen:
        raise Refused('It has no current-context. Write the name of one as "context".')
    names = _named(config, "contexts", "context", chosen)
    fields: dict[str, str] = {}
    for kind, what, known, refused in (
        ("clusters", "cluster", _CLUSTER_FIELDS, _CLUSTER_REFUSED),
        ("users", "user", _USER_FIELDS, _USER_REFUSED),
    ):
        name = names.get(what)
        if not isinstance(name, str):
            raise Refused(f"Its context names no {what}.")
        entry = _named(config, kind, what, name)
        _refuse(entry, what, refused)
        fields |= _read(entry, what, known)
    return fields


def _parsed(text: str) -> Mapping[str, Any]:
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise Refused(
            f"It is longer than {MAX_BYTES // 1024} KiB. Write the one context that is meant alone."
        )
    try:
        _refuse_tricks(text)
        config = yaml.safe_load(text)
    except Refused:
        raise
    except Exception:
        # The library lets errors of every kind out (a tagged "date" that is none), and they quote the file.
        raise Refused("It is no YAML.") from None
    if not isinstance(config, Mapping):
        raise Refused("It is no kubeconfig.")
    return config


def _refuse_tricks(text: str) -> None:
    """References, with which a small file can stand for a huge one, and nesting without an end."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise Refused("It refers to parts of itself (*name). Write them out.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise Refused("It is nested too deep to be a kubeconfig.")


def _named(config: Mapping[str, Any], kind: str, what: str, name: str) -> Mapping[str, Any]:
    entries = config.get(kind)
    found = [
        entry.get(what)
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, Mapping) and entry.get("name") == name
    ]
    if len(found) != 1 or not isinstance(found[0], Mapping):
        raise Refused(f"It has not exactly one {what} of the name that is asked for.")
    return found[0]


def _refuse(entry: Mapping[str, Any], what: str, refused: Mapping[str, str]) -> None:
    for name, instead in refused.items():
        if entry.get(name) not in (None, False, "", [], {}):
            raise Refused(f"Its {what} has {name}, which is refused: {instead}")


def _read(entry: Mapping[str, Any], what: str, known: Mapping[str, str]) -> dict[str, str]:
    fields = {}
    for theirs, ours in known.items():
        value = entry.get(theirs)
        if value is None or value == "":
            continue
        if not isinstance(value, str):
            raise Refused(f"The {theirs} of its {what} is no text.")
        fields[ours] = _decoded(value, theirs) if ours in _IN_BASE64 else value
    return fields


def _decoded(value: str, name: str) -> str:
    try:
        return base64.b64decode("".join(value.split()), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise Refused(f"Its {name} is not base64 of a PEM text.") from None
