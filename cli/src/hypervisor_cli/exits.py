"""Exit codes, and the sentence on stderr that goes with each."""

import os
import re
from enum import IntEnum

from hypervisor_client.errors import Conflict, NotFound, NotSignedIn, Problem, Unavailable, Unreachable


class Exit(IntEnum):
    """What `hv` ends with."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    NOT_FOUND = 4
    UNREACHABLE = 5
    INTERRUPTED = 130


TOLD = """\b
Exit codes:
  0  done
  1  the service refused, or what was asked for failed
  2  the command line is wrong
  3  not signed in
  4  not found
  5  the service cannot be reached
"""


NOW_YOU_CAN = re.compile(r"Now you can: ([^.]*)\.")
API_PATH = re.compile(r"[^.]* at /(token|register)\b[^.]*\.")
"""A sentence that sends users of the API to a path."""


class Failure(Exception):
    """An expected error of ours: a sentence that says what to do next, and the code to end with."""

    def __init__(self, text: str, code: Exit = Exit.REFUSED) -> None:
        super().__init__(text)
        self.code = code


def code_of(error: Exception) -> Exit:
    """The code that an expected error ends with."""
    match error:
        case Failure():
            return error.code
        case NotSignedIn():
            return Exit.NOT_SIGNED_IN
        case NotFound():
            return Exit.NOT_FOUND
        case Unreachable():
            return Exit.UNREACHABLE
        case Unavailable() if error.status != 429:
            return Exit.UNREACHABLE
    return Exit.REFUSED


def sentences(error: Exception) -> list[str]:
    """Lines for stderr."""
    lines = [str(error)]
    if isinstance(error, Problem) and error.fields:
        lines = [f"{field}: {detail}" if field else detail for field, detail in error.fields]
    if isinstance(error, Conflict):
        lines = [NOW_YOU_CAN.sub(_hv_can, line).strip() for line in lines]
    if isinstance(error, NotSignedIn):
        lines = [API_PATH.sub("", str(error)).strip() or "You are not signed in.", _way_in(error)]
    if isinstance(error, Unreachable):
        lines.append("Is the address right, and does the service run?")
    if isinstance(error, Problem) and error.status >= 500 and error.request_id:
        lines.append(f"The service's log has it under {error.request_id}.")
    return lines


def _hv_can(told: re.Match[str]) -> str:
    able = [one for one in told[1].split(", ") if one.split(" ")[0] in {"start", "stop", "cancel", "change"}]
    return f"Now you can: {', '.join(able)}." if able else ""


def _way_in(error: NotSignedIn) -> str:
    if "/register" in error.detail:
        return "Try again, or become a user with: hv register URL"
    if os.environ.get("HV_TOKEN"):
        return "HV_TOKEN holds this token. Set another one, or unset it and sign in with: hv login URL"
    return "Sign in with hv login, and with the same --profile if you gave one."
