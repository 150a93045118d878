"""Pages beside a row's own: what takes longer to work out, a form of a part of it, a file to take home."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.enums import ActionVariant

from accounts.admin.display import page_of
from accounts.admin.scope import is_for_staff, sees_all


@dataclass(frozen=True, slots=True)
class RowPage:
    """`show` answers (model admin, request, row): for whoever sees the row if it is `for_staff`, else for superusers.

    `offered`: whether its button is there.
    """

    name: str
    label: str
    show: Callable[[Any, HttpRequest, Any], HttpResponse]
    icon: str = ""
    offered: Callable[[Any], bool] = lambda row: True

    def is_for(self, user: Any) -> bool:
        return is_for_staff(self.show) or sees_all(user)

    def button(self, row: Model) -> dict[str, Any]:
        return button(self.label, self.icon, address(row, self.name))


def button(title: str, icon: str, path: str) -> dict[str, Any]:
    """A button that leads somewhere, among those of a row's actions, as unfold wants it."""
    return {"title": title, "icon": icon, "variant": ActionVariant.DEFAULT, "attrs": {}, "path": path}


def context_of(model_admin: Any, request: HttpRequest, row: Model, title: str) -> dict[str, Any]:
    """What the template of each such page needs: its frame, and the way back to the row."""
    return {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "object": row,
        "title": title,
        "back": page_of(row),
    }


def address(row: Model, name: str) -> str:
    """Where a page of the row is."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_see", args=[row.pk, name])
