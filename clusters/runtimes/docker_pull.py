"""Fetching images: whether one must be, and how it goes on."""

import base64
import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote

from .base import Cause, ContainerSpec, RegistryLogin, RuntimeFailure
from .docker_api import DockerAPI, not_docker, speaking, unexpected
from .docker_image import ImageName, parse_image
from .docker_refusals import pull_failure
from .registry_hosts import canonical

TOTAL_SECONDS, IDLE_SECONDS = 3600.0, 300.0
"""The longest that a pull takes, and that an engine says nothing during one."""
_PROGRESS_SECONDS = 3.0
_LONGEST_LINE = 1024 * 1024
_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def needs_pull(api: DockerAPI, spec: ContainerSpec) -> bool:
    """Whether `pull` must come before a start.

    A private image is fetched again with each deployment's own login: that it lies on the engine, because somebody
    else might see it, gives nobody a right to it.
    """
    _image_of(spec)
    if spec.pull != "never" and (spec.pull == "always" or spec.login is not None):
        return True
    answer = api.call("GET", f"/images/{quote(spec.image, safe='/:@')}/json")
    if answer.status not in (200, 404):
        raise unexpected(answer)
    absent = answer.status == 404
    if absent and spec.pull == "never":
        raise RuntimeFailure(
            "The image is not on the engine, and this deployment says never to pull it.",
            permanent=True,
            cause=Cause.IMAGE_NOT_FOUND,
        )
    return absent


def pull(
    api: DockerAPI, spec: ContainerSpec, progress: Callable[[str], None], total_seconds: float = TOTAL_SECONDS
) -> None:
    """Fetch the image; `progress` gets a sentence at most every few seconds. Raises RuntimeFailure."""
    image = _image_of(spec)
    stream = api.stream(
        "POST",
        "/images/create",
        query={"fromImage": image.repository, "tag": image.version},
        headers=_login_header(spec.login, image),
        idle_seconds=IDLE_SECONDS,
        total_seconds=total_seconds,
    )
    try:
        if stream.status != 200:
            raise pull_failure(b"".join(_first(stream, _LONGEST_LINE)).decode(errors="replace").lower())
        _follow(_messages(stream), progress)
    finally:
        stream.close()


def _image_of(spec: ContainerSpec) -> ImageName:
    try:
        return parse_image(spec.image)
    except ValueError as error:
        raise RuntimeFailure(
            "This is not the name of an image.", permanent=True, cause=Cause.IMAGE_NOT_FOUND
        ) from error


def _login_header(login: RegistryLogin | None, image: ImageName) -> dict[str, str]:
    if login is None:
        return {}
    if canonical(login.server) != image.registry:
        raise RuntimeFailure(
            "The registry credential is for another registry than the image's.",
            permanent=True,
            cause=Cause.IMAGE_PULL_DENIED,
        )
    words = {"username": login.username, "password": login.password, "serveraddress": login.server}
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(words).encode()).decode()}


def _follow(messages: Iterable[dict[str, Any]], progress: Callable[[str], None]) -> None:
    """Reads until the end, or raises what the engine says went wrong."""
    layers: dict[str, tuple[int, int]] = {}
    told_at = 0.0
    for message in messages:
        said = message.get("error")
        if said is None and isinstance(message.get("errorDetail"), dict):
            said = message["errorDetail"].get("message")
        if said is not None:
            raise pull_failure(str(said).lower())
        with speaking():
            _count(layers, message)
        sentence = _sentence(layers)
        if sentence and time.monotonic() - told_at >= _PROGRESS_SECONDS:
            told_at = time.monotonic()
            progress(sentence)


def _count(layers: dict[str, tuple[int, int]], message: dict[str, Any]) -> None:
    """Bytes fetched and bytes in all, by layer."""
    layer, status = str(message.get("id", ""))[:64], message.get("status")
    if status == "Downloading":
        sizes = message["progressDetail"]
        if "total" in sizes and len(layers) < 1000:
            layers[layer] = int(sizes["current"]), int(sizes["total"])
    elif status in ("Download complete", "Pull complete") and layer in layers:
        layers[layer] = layers[layer][1], layers[layer][1]


def _sentence(layers: dict[str, tuple[int, int]]) -> str:
    done, total = (sum(sizes) for sizes in zip(*layers.values(), strict=True)) if layers else (0, 0)
    if total <= 0:
        return ""
    unit, name = next((pair for pair in _UNITS if total >= pair[0]), (1, "bytes"))
    return f"{min(100, 100 * done // total)} % of {total / unit:.3g} {name}"


def _messages(stream: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    rest = b""
    for chunk in stream:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise not_docker()
        for line in filter(bytes.strip, lines):
            yield _message(line)
    if rest.strip():
        yield _message(rest)


def _message(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise not_docker() from None
    if not isinstance(message, dict):
        raise not_docker()
    return message


def _first(stream: Iterable[bytes], most: int) -> Iterator[bytes]:
    for chunk in stream:
        yield chunk
        most -= len(chunk)
        if most <= 0:
            return
