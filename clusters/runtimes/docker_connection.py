"""What a Docker cluster's `connection` may say, and how wrong values are refused."""

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from .endpoints import Endpoint, Scheme
from .pem import why_no_certificates, why_no_pair

_FORMS = "unix:///var/run/docker.sock, tcp://HOST:2376 (TLS) or ssh://USER@HOST:22"
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "unix": ("endpoint",),
    "tcp": ("endpoint", "ca", "cert", "key"),
    "ssh": ("endpoint", "private_key", "host_key"),
}
_PORTS = {"tcp": 2376, "ssh": 22}


def validate_connection(connection: object) -> dict[str, str]:
    """Field → what is wrong with it and what to write; empty when the connection is valid. Never raises."""
    if not isinstance(connection, Mapping):
        return {"connection": 'Write an object, such as {"endpoint": "tcp://gpu-box.example.com:2376"}.'}
    endpoint = connection.get("endpoint")
    url = _split(endpoint)
    wrong = _why_no_endpoint(url)
    kind = url.scheme if url is not None and url.scheme in _FIELDS else None
    known = _FIELDS[kind] if kind else tuple(dict.fromkeys(sum(_FIELDS.values(), ())))
    errors = {
        str(name): f"Unknown. {f'With {kind}:// a' if kind else 'A'} Docker cluster knows {', '.join(known)}."
        for name in connection
        if name not in known
    }
    if wrong:
        errors["endpoint"] = wrong
    errors |= {
        name: "Write a text."
        for name in known
        if name in connection and not isinstance(connection[name], str)
    }
    if kind == "tcp":
        return _tls_errors(connection) | errors
    return (_ssh_errors(connection) | errors) if kind == "ssh" else errors


def parse_connection(connection: Mapping[str, object]) -> Endpoint:
    """Where the engine is. Raises ValueError, naming each wrong field."""
    errors = validate_connection(connection)
    if errors:
        raise ValueError(" ".join(f"{name}: {message}" for name, message in errors.items()))
    fields = {name: str(value) for name, value in connection.items()}
    url = urlsplit(fields.pop("endpoint"))
    if url.scheme == "unix":
        return Endpoint(Scheme.UNIX, path=url.path)
    return Endpoint(
        Scheme.SSH if url.scheme == "ssh" else Scheme.HTTPS,
        host=url.hostname or "",
        port=url.port or _PORTS[url.scheme],
        user=url.username or "",
        **fields,
    )


def _split(endpoint: object) -> SplitResult | None:
    if (
        not isinstance(endpoint, str)
        or not endpoint.isascii()
        or not endpoint.isprintable()
        or " " in endpoint
    ):
        return None
    try:
        url = urlsplit(endpoint)
        _ = url.port
    except ValueError:
        return None
    return url


def _why_no_endpoint(url: SplitResult | None) -> str | None:
    if url is None:
        return f"Write where the engine is: {_FORMS}."
    if url.scheme in ("http", "https"):
        return (
            "Write tcp://HOST:2376: the engine must speak TLS there, and its certificate is always verified."
        )
    if url.scheme not in _FIELDS:
        return f"Write {_FORMS}."
    if url.query or url.fragment or url.password is not None:
        return f"Write no more than {_FORMS}."
    if url.scheme == "unix":
        good = url.path.startswith("/") and len(url.path) > 1 and not url.netloc
        return (
            None if good else "Write unix:// and the socket's full path, such as unix:///var/run/docker.sock."
        )
    if not url.hostname or url.path not in ("", "/") or url.port == 0:
        return f"Write {url.scheme}://{'USER@' * (url.scheme == 'ssh')}HOST:{_PORTS[url.scheme]}."
    if url.scheme == "ssh" and not url.username:
        return "Write whom to sign in as: ssh://USER@HOST:22."
    if url.scheme == "tcp" and url.username is not None:
        return "Write tcp://HOST:2376 without a user: a certificate says who we are."
    return None


def _tls_errors(connection: Mapping[str, object]) -> dict[str, str]:
    errors = why_no_pair(connection.get("cert"), connection.get("key"))
    if connection.get("ca"):
        wrong = why_no_certificates(connection["ca"])
        return errors | ({"ca": wrong} if wrong else {})
    return errors


def _ssh_errors(connection: Mapping[str, object]) -> dict[str, str]:
    from .ssh import host_key, private_key  # paramiko is slow to import, and seldom needed

    errors = {}
    try:
        private_key(str(connection.get("private_key", "")))
    except ValueError:
        errors["private_key"] = "Write an ed25519, ECDSA or RSA private key in PEM, without a passphrase."
    try:
        host_key(str(connection.get("host_key", "")))
    except ValueError:
        errors["host_key"] = (
            "Write the server's own key, such as ssh-ed25519 AAAA…: the line in its /etc/ssh/ssh_host_ed25519_key.pub."
        )
    return errors
