"""What an operator does to rows: the same service as the API's, row by row, each refusal with its reason."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.enums import ActionVariant

from accounts.admin.scope import Right, require
from accounts.errors import Conflict, DomainError

MOST_ROWS = 1000
"""Rows of one action: each is a transaction of its own while the browser waits."""
SHOWN = 20
"""Rows that a question names, and refusals that an answer names."""


@dataclass(frozen=True, slots=True)
class RowAction:
    """One verb: a button on the row's page and an action of the list.

    `act` calls a service with (actor, row); it may answer a sentence to show, and raises DomainError to refuse.
    `done` ends the sentence "3 deployments …". `warning` makes the list ask first too; a button always asks.
    `asks` begins the question "… 3 deployments?", if the label does not; `about` says more of each row there.
    `right`: who may, beside superusers.
    """

    name: str
    label: str
    act: Callable[[Any, Any], str | None]
    done: str
    warning: str = ""
    asks: str = ""
    about: Callable[[Any], str] | None = None
    icon: str = ""
    variant: ActionVariant = ActionVariant.DEFAULT
    offered: Callable[[Any], bool] = lambda row: True
    right: Right | None = None


def perform(admin: Any, request: HttpRequest, action: RowAction, rows: Iterable[Any]) -> None:
    """Do it to each row, and say what was done and what was refused, and why."""
    done, refused = 0, []
    for row in rows:
        try:
            require(action.right, request.user, row)
            _refuse_deleted(row)
            note = action.act(request.user, row)
        except DomainError as refusal:
            refused.append(f"{row}: {refusal.detail}")
        else:
            done += 1
            if note:
                messages.info(request, f"{row}: {note}")
    if done:
        messages.success(request, f"{_counted(admin, done)} {action.done}.")
    for sentence in refused[:SHOWN]:
        messages.error(request, sentence)
    if len(refused) > SHOWN:
        messages.error(request, f"{len(refused) - SHOWN} more were refused.")


def on_selection(action: RowAction) -> Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponse | None]:
    """The action as Django's lists want it: asks first if it has a warning."""

    def run(admin: Any, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        count = rows.count()
        if count > MOST_ROWS:
            messages.error(request, f"{count} rows are selected. Choose at most {MOST_ROWS} at once.")
            return None
        if action.warning and request.POST.get("confirmed") != "yes":
            hidden = [("action", action.name), ("select_across", request.POST.get("select_across", "0"))]
            hidden += [(helpers.ACTION_CHECKBOX_NAME, key) for key in _selected(request)]
            return ask(admin, request, action, rows=list(rows[:SHOWN]), count=count, hidden=hidden)
        perform(admin, request, action, rows)
        return None

    return run


def ask(
    admin: Any,
    request: HttpRequest,
    action: RowAction,
    *,
    rows: list[Any],
    count: int,
    hidden: list[tuple[str, str]],
) -> HttpResponse:
    """The page between: what it will do, to how many, and to which."""
    context = {
        **admin.admin_site.each_context(request),
        "title": f"{action.label}: {_counted(admin, count)}",
        "opts": admin.opts,
        "question": f"{action.asks or action.label} {_counted(admin, count)}?",
        "warning": action.warning,
        "button": f"Yes, {action.label[0].lower()}{action.label[1:]}",
        "is_dangerous": action.variant == ActionVariant.DANGER,
        "rows": [f"{row}: {action.about(row)}" for row in rows] if action.about else rows,
        "more": count - len(rows),
        "hidden": [*hidden, ("confirmed", "yes")],
        "back": request.headers.get("Referer", "") if request.method == "POST" else "../",
    }
    return TemplateResponse(request, "console/confirm.html", context)


def _refuse_deleted(row: Any) -> None:
    if getattr(row, "deleted_at", None):
        raise Conflict("It was deleted; only its history is left.")


def _selected(request: HttpRequest) -> list[str]:
    return request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)[:MOST_ROWS]


def _counted(admin: Any, count: int) -> str:
    return f"{count} {admin.opts.verbose_name if count == 1 else admin.opts.verbose_name_plural}"
