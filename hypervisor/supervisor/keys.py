"""The keys that a service without an operator makes for itself and keeps."""

import base64
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from hypervisor.environment import EXAMPLE_SECRET_KEY


def _secret_key() -> str:
    return secrets.token_urlsafe(48)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


_MAKERS: dict[str, Callable[[], str]] = {"SECRET_KEY": _secret_key, "ENCRYPTION_KEYS": _fernet_key}


def missing_keys(data_dir: Path, *, environment: Mapping[str, str]) -> dict[str, str]:
    """SECRET_KEY and ENCRYPTION_KEYS where the environment has none, or the example's: as kept here, or new."""
    return {
        name: _kept(data_dir / name.lower(), make)
        for name, make in _MAKERS.items()
        if not environment.get(name) or environment[name].startswith(EXAMPLE_SECRET_KEY)
    }


def _kept(path: Path, make: Callable[[], str]) -> str:
    """Written beside and then renamed: half a key would lock everybody out of what it encrypts."""
    if path.exists() and (key := path.read_text().strip()):
        return key
    key = make()
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{key}\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
    return key
