"""The addresses of servers on unix sockets, in the one form that each reader understands.

`DATABASE_URL` is `postgres://USER@/NAME?host=FOLDER`: libpq reads it, and so does django-environ, which hands
the query to psycopg as an option. (`postgres://USER@%2FFOLDER/NAME` works with libpq alone.)
`REDIS_URL` is `unix://PATH?db=0`, redis-py's form; Celery's own is made from it here.
"""

from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit


def postgres_url(*, user: str, database: str, sockets: Path) -> str:
    """`DATABASE_URL` of the PostgreSQL whose socket is in this folder."""
    return f"postgres://{user}@/{database}?host={quote(str(sockets), safe='')}"


def redis_url(*, socket: Path, database: int = 0) -> str:
    """`REDIS_URL` of the server that listens on this socket."""
    return f"unix://{socket}?db={database}"


def celery_broker_url(redis_url: str) -> str:
    """The same server in Celery's words: `unix://` becomes `redis+socket://`, all else stays."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = parse_qs(parts.query).get("db", ["0"])[0]
    credentials = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"redis+socket://{credentials}{parts.path}?virtual_host={database}"
