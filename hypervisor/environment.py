"""Reads settings from the environment or `.env`, and remembers what is wrong instead of crashing half way.

Each reader answers a usable default on a bad value and notes the problem; the system check in `hypervisor.checks`
refuses to start with all the notes at once. No note repeats a value that may hold a password.
"""

import os
import re
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import quote, urlsplit

import environ

from clusters.runtimes.endpoints import wrong_entries

PROJECT = Path(__file__).resolve().parent.parent
EXAMPLE_SECRET_KEY = "change-me"  # noqa: S105 — how the value that `.env.example` shows begins; refused below
MINIMUM_SECRET_BYTES = 32
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

HOST = re.compile(r"\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]")
ORIGIN = re.compile(r"https?://(\*\.)?[A-Za-z0-9._-]+(:\d{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
REGISTRY = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
UPSTREAM = re.compile(r"unix:///.+|http://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")
RATE = re.compile(r"[1-9]\d{0,8}/(second|minute|hour|day)")
TOKEN = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True)
class Problem:
    """A variable with a value that cannot be used, and what to write instead."""

    variable: str
    message: str
    hint: str


problems: list[Problem] = []


def load_dotenv() -> None:
    """Read `.env` beside manage.py; a variable that the environment already has wins."""
    path = PROJECT / ".env"
    if path.is_file():
        environ.Env.read_env(path)


def text(name: str, default: str = "") -> str:
    """A string, stripped; empty counts as not given."""
    return os.environ.get(name, "").strip() or default


def whole_number(name: str, default: int, *, minimum: int, maximum: int) -> int:
    """A whole number between both bounds."""
    given = text(name)
    if not given:
        return default
    try:
        value = int(given)
    except ValueError:
        value = minimum - 1
    if not minimum <= value <= maximum:
        wrong = f"{name}={given!r} is not a whole number from {minimum} to {maximum}."
        _note(name, wrong, f"Write for example {name}={default}.")
        return default
    return value


def flag(name: str, *, default: bool) -> bool:
    """true/false, yes/no, on/off, 1/0."""
    given = text(name).lower()
    if not given:
        return default
    if given in {"1", "true", "yes", "on"}:
        return True
    if given in {"0", "false", "no", "off"}:
        return False
    _note(name, f"{name}={given!r} is neither true nor false.", f"Write {name}=true or {name}=false.")
    return default


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of these words, in upper or lower case; answered as spelt here."""
    given = text(name, default)
    for word in allowed:
        if word.lower() == given.lower():
            return word
    _note(name, f"{name}={given!r} is none of {', '.join(allowed)}.", f"Write for example {name}={default}.")
    return default


def rate(name: str, default: str) -> str:
    """So many requests a period, such as 30/minute."""
    given = text(name, default)
    if RATE.fullmatch(given):
        return given
    wrong = f"{name}={given!r} is no number of requests a second, minute, hour or day."
    _note(name, wrong, f"Write for example {name}={default}.")
    return default


def words(name: str) -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name).split(",") if word.strip()]


def allowed_hosts(name: str = "ALLOWED_HOSTS") -> list[str]:
    """Host names that requests may name. This machine's own always belong to them: health checks ask by these."""
    given = words(name)
    for host in given:
        if not HOST.fullmatch(host):
            wrong = f"{name} names {host!r}, which is no host name."
            _note(
                name, wrong, f"Write {name}=gpu.example.com: no scheme, port or path, commas between several."
            )
            return list(LOOPBACK)
    return [*given, *(host for host in LOOPBACK if host not in given)]


def origins(name: str) -> list[str]:
    """Origins (scheme, host and port) whose forms are believed."""
    given = words(name)
    for origin in given:
        if not ORIGIN.fullmatch(origin):
            wrong = f"{name} names {origin!r}, which is no origin."
            _note(name, wrong, f"Write {name}=https://gpu.example.com: with the scheme, without a path.")
            return []
    return given


def endpoints(name: str) -> tuple[str, ...]:
    """Hosts and networks that a tenant's cluster may be connected at, each with a port if wanted."""
    given = words(name)
    if wrong := wrong_entries(given):
        _note(
            name,
            f"{name} names {wrong[0]!r}, which is no host, address or network.",
            f"Write {name}=gpu1.example.com:2376,10.1.0.0/16: commas between several, no scheme.",
        )
        return ()
    return tuple(given)


def networks(name: str) -> tuple[str, ...]:
    """Networks and addresses, as text."""
    try:
        return tuple(str(ip_network(network)) for network in words(name))
    except ValueError as error:
        _note(name, f"{name}: {error}.", f"Write {name}=10.1.0.0/16,192.168.7.9: commas between several.")
        return ()


def registries(name: str) -> tuple[str, ...]:
    """Hosts, with a port if they have one, that images may come from; none given: any."""
    given = words(name)
    for host in given:
        if not REGISTRY.fullmatch(host):
            wrong = f"{name} names {host!r}, which is no registry's host."
            _note(name, wrong, f"Write {name}=registry.example.com:5000: no scheme or path, commas between.")
            return ()
    return tuple(host.lower() for host in given)


def token(name: str) -> str:
    """A secret that travels in a header; empty if there is none."""
    given = text(name)
    if TOKEN.fullmatch(given):
        return given
    _note(name, f"{name} has a space or a letter beyond ASCII in it, which no header can carry.", _how(name))
    return ""


def database_url() -> str:
    """DATABASE_URL, or the same put together from POSTGRES_USER, _PASSWORD, _DB (and _HOST, _PORT)."""
    name, given = "DATABASE_URL", text("DATABASE_URL")
    how = f"Write {name}=postgres://USER:PASSWORD@HOST:5432/DATABASE, special signs as %XX."
    if given:
        if not given.startswith(("postgres://", "postgresql://")):
            scheme = given.split(":", 1)[0] if "://" in given else "no scheme"
            _note(name, f"{name} starts with {scheme!r}; only PostgreSQL is supported.", how)
        elif not _is_address(given):
            _note(name, f"{name} cannot be read as an address.", how)
        elif not urlsplit(given).path.strip("/"):
            _note(name, f"{name} names no database.", how)
        else:
            return given
        return "postgres://localhost/hypervisor"
    user = quote(text("POSTGRES_USER", "hypervisor"), safe="")
    password = quote(text("POSTGRES_PASSWORD"), safe="")
    host = text("POSTGRES_HOST", "localhost")
    port = whole_number("POSTGRES_PORT", 5432, minimum=1, maximum=65535)
    return f"postgres://{user}:{password}@{host}:{port}/{quote(text('POSTGRES_DB', 'hypervisor'), safe='')}"


def redis_url() -> str:
    """REDIS_URL as redis-py reads it: redis://, rediss:// or unix://."""
    name, default = "REDIS_URL", "redis://localhost:6379/0"
    given = text(name, default)
    if given.startswith(("redis://", "rediss://", "unix://")) and _is_address(given):
        return given
    how = f"Write {name}=redis://HOST:6379/0 or unix:///path/to/socket?db=0."
    _note(name, f"{name} is not the address of a Redis.", how)
    return default


def web_upstream(name: str = "WEB_UPSTREAM") -> str:
    """Where the stream process finds web: unix:///PATH of its socket, or http://HOST:PORT."""
    default = "http://127.0.0.1:8001"
    given = text(name, default).rstrip("/")
    if UPSTREAM.fullmatch(given):
        return given
    _note(
        name,
        f"{name}={given!r} is no address of web.",
        f"Write {name}=unix:///run/web.sock or {name}={default}.",
    )
    return default


def secret_key(*, debug: bool) -> str:
    """SECRET_KEY; outside DEBUG a missing, well-known or short one is a problem."""
    name, given = "SECRET_KEY", text("SECRET_KEY")
    if debug:
        return given or "only-for-debugging-on-a-machine-of-your-own"
    if not given:
        _note(name, f"{name} is not set.", _how(name))
    elif given.startswith(EXAMPLE_SECRET_KEY):
        _note(name, f"{name} is the example's, which everybody knows.", _how(name))
    elif len(given.encode()) < MINIMUM_SECRET_BYTES:
        _note(name, f"{name} is shorter than {MINIMUM_SECRET_BYTES} bytes.", _how(name))
    return given or "refused-by-the-system-check-before-anything-is-served"


def _how(name: str) -> str:
    return f"Make one for {name}: python -c 'import secrets; print(secrets.token_urlsafe(48))'"


def _note(name: str, message: str, hint: str) -> None:
    problems.append(Problem(name, message, hint))


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.port or parts.hostname or parts.path)
    except ValueError:
        return False
