"""What a Kubernetes cluster's `connection` may say, how wrong values are refused, and what it comes to."""

import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from .base import RuntimeFailure
from .endpoints import Endpoint, Scheme
from .kubernetes_kubeconfig import MAX_BYTES, Refused, read_kubeconfig

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds who it is."""

_SHAPES = (
    'Write {"kubeconfig": "…"} with an optional "context", or {"server": "https://…:6443", "ca": "…", "token": "…"} '
    '(or "cert" and "key" for the token), or {"in_cluster": true}.'
)
_FIELDS = {
    "kubeconfig": {"kubeconfig", "context"},
    "server": {"server", "ca", "token", "cert", "key"},
    "in_cluster": {"in_cluster"},
}
_MAX_TOKEN = 16 * 1024
_TOKEN = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?|[0-9A-Fa-f:.]+")


def validate_connection(connection: object) -> dict[str, str]:
    """Field → what is wrong with it and what to write; empty when the connection is valid. Never raises.

    It opens no connection and no file. No message repeats a secret.
    """
    if not isinstance(connection, Mapping) or not connection:
        return {"connection": _SHAPES}
    shapes = [shape for shape in _FIELDS if shape in connection]
    if len(shapes) != 1:
        return {"connection": _SHAPES}
    shape = shapes[0]
    errors = {
        str(name): f"Unknown beside {shape}, which goes with {', '.join(sorted(_FIELDS[shape]))}."
        for name in connection
        if name not in _FIELDS[shape]
    }
    if errors:
        return errors
    if shape == "in_cluster":
        return {} if connection[shape] is True else {shape: "Write true, or another shape of connection."}
    wrong = {name: "Write a text." for name, value in connection.items() if not isinstance(value, str)}
    if wrong:
        return wrong
    if shape == "server":
        return _field_errors(connection)
    try:
        fields = read_kubeconfig(connection[shape], connection.get("context", ""))
    except Refused as refused:
        return {shape: str(refused)}
    errors = _field_errors(fields)
    return {shape: " ".join(f"{name}: {error}" for name, error in errors.items())} if errors else {}


def parse_connection(connection: Mapping[str, object]) -> tuple[Endpoint, str]:
    """Where the API server is, and the bearer token to show there ("": none).

    With `in_cluster` it reads this pod's service account, so only a worker may call it. Raises a permanent
    RuntimeFailure naming each wrong field.
    """
    errors = validate_connection(connection)
    if errors:
        text = " ".join(f"{name}: {message}" for name, message in errors.items())
        raise RuntimeFailure(f"The connection of this cluster is wrong. {text}", permanent=True)
    if is_staff_only(connection):
        return _in_cluster()
    fields = {name: str(value) for name, value in connection.items()}
    if "kubeconfig" in fields:
        fields = read_kubeconfig(fields["kubeconfig"], fields.get("context", ""))
    host, port = _address(fields["server"])
    endpoint = Endpoint(
        Scheme.HTTPS,
        host=host,
        port=port,
        ca=fields.get("ca", ""),
        cert=fields.get("cert", ""),
        key=fields.get("key", ""),
    )
    return endpoint, fields.get("token", "")


def is_staff_only(connection: object) -> bool:
    """Whether only platform staff may write this connection: it lends the identity of the service's own pod."""
    return isinstance(connection, Mapping) and "in_cluster" in connection


def _in_cluster() -> tuple[Endpoint, str]:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "")
    try:
        token = (SERVICE_ACCOUNT / "token").read_text("ascii").strip()
        ca = (SERVICE_ACCOUNT / "ca.crt").read_text("ascii")
    except (OSError, ValueError):
        host = token = ca = ""
    if not host or not port.isdigit() or not token:
        raise RuntimeFailure(
            "in_cluster: this service does not run in a pod with a service account.", permanent=False
        )
    return Endpoint(Scheme.HTTPS, host=host, port=int(port), ca=ca), token


def _field_errors(fields: Mapping[str, str]) -> dict[str, str]:
    errors = {}
    try:
        _address(fields.get("server", ""))
    except ValueError as error:
        errors["server"] = str(error)
    if fields.get("ca") and not _is_certificate(fields["ca"]):
        errors["ca"] = "Write one or more certificates as PEM text."
    token, cert, key = (fields.get(name, "") for name in ("token", "cert", "key"))
    if token and (len(token) > _MAX_TOKEN or not _TOKEN.fullmatch(token)):
        errors["token"] = "Write the token alone, without spaces or line ends."  # noqa: S105 - no secret
    if cert and not _is_certificate(cert):
        errors["cert"] = "Write the client's certificate as PEM text."
    if bool(cert) != bool(key):
        errors["key" if cert else "cert"] = "Write both cert and key, or neither."
    elif key and "cert" not in errors and not _belongs(key, cert):
        errors["key"] = "Write the key that belongs to cert, as PEM text without a pass phrase."
    if not token and not cert and not errors:
        errors["token"] = 'Write a token, or "cert" and "key".'  # noqa: S105 - no secret
    return errors


def _address(server: str) -> tuple[str, int]:
    """Host and port. Raises ValueError that says what to write."""
    instead = "Write https://HOST:PORT, without a user, a path or anything behind."
    try:
        parts = urlsplit(server)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(instead) from None
    if parts.scheme == "http":
        raise ValueError("http:// is refused: whoever listens would have the token. " + instead)
    rest = (parts.path.strip("/"), parts.query, parts.fragment, "@" if "@" in parts.netloc else "")
    if parts.scheme != "https" or any(rest) or not _HOST.fullmatch(host) or port == 0:
        raise ValueError(instead)
    return host, port or 443


def _is_certificate(pem: str) -> bool:
    if len(pem) > MAX_BYTES:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bool(x509.load_pem_x509_certificates(pem.encode("ascii")))
    except ValueError:
        return False


def _belongs(key: str, cert: str) -> bool:
    if len(key) > MAX_BYTES:
        return False
    try:
        mine = load_pem_private_key(key.encode("ascii"), password=None).public_key()
        return mine == x509.load_pem_x509_certificate(cert.encode("ascii")).public_key()
    except Exception:  # cryptography has one of its own for every kind of key it does not know
        return False
