"""The errors that services raise. What they become on the wire is `hypervisor.problems`' business."""

from collections.abc import Iterable, Mapping


class DomainError(Exception):
    """A refusal with a sentence for the user that says what to do next."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidInput(DomainError):
    """Something in the input is wrong. `fields`: field name → what is wrong with it."""

    def __init__(self, fields: Mapping[str, str], detail: str = "") -> None:
        super().__init__(detail or " ".join(fields.values()))
        self.fields = dict(fields)


class NotSignedIn(DomainError):
    """The credentials are not good. `oauth_error` is RFC 6749's word for it."""

    def __init__(self, detail: str, oauth_error: str = "invalid_grant") -> None:
        super().__init__(detail)
        self.oauth_error = oauth_error


class Forbidden(DomainError):
    """The row is visible to the caller, the action is not theirs."""


class NotFound(DomainError):
    """No such row, or another tenant's: both answer alike."""


class Unavailable(DomainError):
    """Something that the call needs does not answer just now; the same call may succeed later."""


class Conflict(DomainError):
    """The row's state does not allow this now. `state` is that state, `allowed` the actions that it does allow."""

    def __init__(self, detail: str, *, state: str | None = None, allowed: Iterable[str] = ()) -> None:
        super().__init__(detail)
        self.state = state
        self.allowed = sorted(allowed)
