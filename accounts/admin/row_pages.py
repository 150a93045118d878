"""Pages beside a row's own: what takes longer to work out, a form of a part of it, a file to take home."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.enums import ActionVariant


@dataclass(frozen=True, slots=True)
class RowPage:
    """`show` answers (model admin, request, row), for whoever sees the row. `offered`: whether its button is there."""

    name: str
    label: str
    show: Callable[[Any, HttpRequest, Any], HttpResponse]
    icon: str = ""
    offered: Callable[[Any], bool] = lambda row: True

    def button(self, row: Model) -> dict[str, Any]:
        return {
            "title": self.label,
            "icon": self.icon,
            "variant": ActionVariant.DEFAULT,
            "attrs": {},
            "path": address(row, self.name),
        }


def address(row: Model, name: str) -> str:
    """Where a page of the row is."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_see", args=[row.pk, name])
