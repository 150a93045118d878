"""Reads settings from the environment or `.env`, and remembers what is wrong instead of crashing half way.

Each reader answers a usable default on a bad value and notes the problem; the system check in `hypervisor.checks`
refuses to start with all the notes at once.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import environ

PROJECT = Path(__file__).resolve().parent.parent
EXAMPLE_SECRET_KEY = "change-me"  # noqa: S105 — the value that `.env.example` shows; refused below
MINIMUM_SECRET_BYTES = 32


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
        problems.append(
            Problem(
                name,
                f"{name}={given!r} is not a whole number from {minimum} to {maximum}.",
                f"Write for example {name}={default}.",
            )
        )
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
    problems.append(
        Problem(name, f"{name}={given!r} is neither true nor false.", f"Write {name}=true or {name}=false.")
    )
    return default


def words(name: str, default: tuple[str, ...] = ()) -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name).split(",") if word.strip()] or list(default)


def database_url() -> str:
    """DATABASE_URL, or the same put together from POSTGRES_USER, _PASSWORD, _DB (and _HOST, _PORT)."""
    given = text("DATABASE_URL")
    if given:
        if not given.startswith(("postgres://", "postgresql://")):
            problems.append(
                Problem(
                    "DATABASE_URL",
                    f"DATABASE_URL starts with {given.split(':', 1)[0]!r}; only PostgreSQL is supported.",
                    "Write DATABASE_URL=postgres://USER:PASSWORD@HOST:5432/DATABASE.",
                )
            )
            return "postgres://localhost/hypervisor"
        return given
    user = quote(text("POSTGRES_USER", "hypervisor"), safe="")
    password = quote(text("POSTGRES_PASSWORD"), safe="")
    host = text("POSTGRES_HOST", "localhost")
    port = whole_number("POSTGRES_PORT", 5432, minimum=1, maximum=65535)
    return f"postgres://{user}:{password}@{host}:{port}/{quote(text('POSTGRES_DB', 'hypervisor'), safe='')}"


def redis_url() -> str:
    """REDIS_URL as redis-py reads it: redis://, rediss:// or unix://."""
    given = text("REDIS_URL", "redis://localhost:6379/0")
    if not given.startswith(("redis://", "rediss://", "unix://")):
        problems.append(
            Problem(
                "REDIS_URL",
                f"REDIS_URL={given!r} is not a Redis address.",
                "Write REDIS_URL=redis://HOST:6379/0 or unix:///path/to/socket?db=0.",
            )
        )
        return "redis://localhost:6379/0"
    return given


def secret_key(*, debug: bool) -> str:
    """SECRET_KEY; outside DEBUG a missing, well-known or short one is a problem."""
    given = text("SECRET_KEY")
    how = "Make one: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
    if debug:
        return given or "only-for-debugging-on-a-machine-of-your-own"
    if not given:
        problems.append(Problem("SECRET_KEY", "SECRET_KEY is not set.", how))
    elif given.startswith(EXAMPLE_SECRET_KEY):
        problems.append(Problem("SECRET_KEY", "SECRET_KEY is the example's, which everybody knows.", how))
    elif len(given.encode()) < MINIMUM_SECRET_BYTES:
        problems.append(
            Problem("SECRET_KEY", f"SECRET_KEY is shorter than {MINIMUM_SECRET_BYTES} bytes.", how)
        )
    return given or "refused-by-the-system-check-before-anything-is-served"
