"""Why a Docker engine refused, in our words: its own texts are recognized and never shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from .base import Cause, RuntimeFailure
from .docker_api import message_of, unexpected
from .http import Answer


@dataclass(frozen=True, slots=True)
class Refusal:
    """A text of which all `words` occur in what the engine said means this failure."""

    words: tuple[str, ...]
    sentence: str
    cause: Cause
    permanent: bool = True

    def failure(self) -> RuntimeFailure:
        """It as an exception."""
        return RuntimeFailure(self.sentence, permanent=self.permanent, cause=self.cause)


COMMAND_NOT_FOUND = "The command was not found in the image."
NOT_EXECUTABLE = "The command may not be executed in the image."
OTHER_PROCESSOR = "The command is made for another kind of processor than the engine's."
NO_GPU = "The engine has no GPU of that number, or no NVIDIA container runtime."
BAD_DIRECTORY = "The working directory cannot be used in this image."
_SPACE, _MEMORY, _NETWORKS = (
    "The engine's disk is full.",
    "The engine has no memory left.",
    "The engine has no addresses left for another network or container.",
)


def _refused(sentence: str, *words: str) -> Refusal:
    return Refusal(words, sentence, Cause.START_REFUSED)


def _full(sentence: str, *words: str) -> Refusal:
    return Refusal(words, sentence, Cause.ENGINE_FULL, permanent=False)


_START: Sequence[Refusal] = (
    _full(_SPACE, "no space left on device"),
    _full(_SPACE, "disk quota exceeded"),
    _full(_MEMORY, "cannot allocate memory"),
    _full(_NETWORKS, "address pool"),
    _full(_NETWORKS, "no available ipv4 addresses"),
    _full(_NETWORKS, "no available network"),
    _refused("The engine has no docker-init, which every container here needs.", "docker-init"),
    _refused(NO_GPU, "could not select device driver"),
    _refused(NO_GPU, "nvidia"),
    _refused(NO_GPU, "cdi device"),
    _refused(OTHER_PROCESSOR, "exec format error"),
    _refused(BAD_DIRECTORY, "cannot mkdir"),
    _refused(BAD_DIRECTORY, "chdir to cwd"),
    _refused(BAD_DIRECTORY, "mkdir", "not a directory"),
    _refused(BAD_DIRECTORY, "lstat", "not a directory"),
    _refused(BAD_DIRECTORY, "working directory"),
    _refused(COMMAND_NOT_FOUND, "executable file not found"),
    _refused(COMMAND_NOT_FOUND, "exec", "no such file or directory"),
    _refused(NOT_EXECUTABLE, "exec", "permission denied"),
    _refused("The image names no command, and neither does this deployment.", "no command specified"),
    _refused("The engine has fewer CPUs than are asked for.", "range of cpus"),
    _refused(
        "The engine gives no container so little memory: ask for at least 6 MiB.", "minimum memory limit"
    ),
    Refusal(("no such image",), "The image is not on the engine.", Cause.IMAGE_NOT_FOUND, permanent=False),
)
_PULL: Sequence[Refusal] = (
    _full(_SPACE, "no space left on device"),
    Refusal(
        ("no matching manifest",),
        "The image has no variant for the engine's kind of processor.",
        Cause.IMAGE_PULL_FAILED,
    ),
    *(
        Refusal(words, "The registry has no image of that name.", Cause.IMAGE_NOT_FOUND)
        for words in (("manifest unknown",), ("name unknown",), ("manifest for", "not found"), ("name invalid",))
    ),
    Refusal(
        ("toomanyrequests",),
        "The registry has had too many requests from this engine.",
        Cause.IMAGE_PULL_FAILED,
        permanent=False,
    ),
    *(
        Refusal(
            words,
            "The registry refuses the image: it is private, or there is none of that name.",
            Cause.IMAGE_PULL_DENIED,
        )
        for words in (
            ("unauthorized",), ("authentication required",), ("access denied",), ("denied:",),
            ("no basic auth credentials",), ("incorrect username or password",), ("403 forbidden",),
        )
    ),
    Refusal(("not found",), "The registry has no image of that name.", Cause.IMAGE_NOT_FOUND),
)  # fmt: skip
_TINI: Sequence[Refusal] = (
    _refused(COMMAND_NOT_FOUND, "[fatal tini", "no such file or directory"),
    _refused(NOT_EXECUTABLE, "[fatal tini", "permission denied"),
    _refused(OTHER_PROCESSOR, "[fatal tini", "exec format error"),
)


def start_failure(answer: Answer) -> RuntimeFailure:
    """Why a container was not made or not started."""
    known = _recognized(message_of(answer), _START)
    if known is not None:
        return known
    if answer.status == 400:
        return RuntimeFailure(
            "The engine refuses the container's settings.", permanent=True, cause=Cause.START_REFUSED
        )
    return unexpected(answer)


def pull_failure(said: str) -> RuntimeFailure:
    """Why an image was not fetched, from what the engine said in small letters."""
    return _recognized(said, _PULL) or RuntimeFailure(
        "The image could not be fetched from its registry.", permanent=False, cause=Cause.IMAGE_PULL_FAILED
    )


def init_failure(last_words: str) -> RuntimeFailure | None:
    """Why the init process of a container found nothing to run, from the end of the log; None: it did not say so."""
    return _recognized(last_words.lower(), _TINI)


def _recognized(said: str, table: Sequence[Refusal]) -> RuntimeFailure | None:
    found = next((refusal for refusal in table if all(word in said for word in refusal.words)), None)
    return found.failure() if found else None
