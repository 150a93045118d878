"""How the console shows values: badges, links, moments, spans of time."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.scope import has_page

Writer = Callable[[str, Any], object]
"""How a field's value is written."""
NOTHING = "–"
UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
FIXED_SPACE = "\N{NO-BREAK SPACE}"
"""Between a number and its unit."""


def badge(text: str, colour: str) -> SafeString:
    """A coloured word. `colour`: green, blue, amber, red, violet or grey."""
    return format_html('<span class="console-badge console-{}">{}</span>', colour, text)


def stacked(text: Any, note: Any) -> SafeString:
    """A value with something less important below it."""
    return format_html('<span class="console-stack">{}<small>{}</small></span>', text, note)


def page_of(row: Model) -> str:
    """The address of a row's page in the console."""
    return page(type(row), row.pk)


def page(model: type[Model], pk: Any) -> str:
    """The address of a page in the console, without reading the row."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[quote(pk)])


def list_of(model: type[Model], **filters: Any) -> str:
    """The address of a model's list, narrowed by `filters`."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    return f"{address}?{query}" if query else address


def link(row: Model | None, text: Any = None) -> SafeString | str:
    """A row as a link to its page, or as text for who may not open that; a dash for none."""
    if row is None:
        return NOTHING
    shown = text if text is not None else row
    return link_to(page_of(row), shown) if has_page(type(row)) else str(shown)


def link_to(address: str, text: Any) -> SafeString:
    return format_html('<a class="console-link" href="{}">{}</a>', address, text)


def span(length: timedelta, *, units: int = 2) -> str:
    """A span in its largest units: "3 h 12 min", "45 s"."""
    seconds = max(0, int(length.total_seconds()))
    parts: list[str] = []
    for unit, size in UNITS:
        if seconds >= size or (unit == "s" and not parts):
            parts.append(f"{seconds // size}{FIXED_SPACE}{unit}")
            seconds %= size
    return FIXED_SPACE.join(parts[:units])


def moment(at: datetime | None) -> SafeString | str:
    """A moment to the second, in UTC."""
    if at is None:
        return NOTHING
    return format_html(
        '<time class="console-fixed" datetime="{}">{}</time>', at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S}"
    )


def ago(at: datetime | None) -> SafeString | str:
    """How long ago; the moment itself when one points at it."""
    if at is None:
        return NOTHING
    return format_html(
        '<time class="console-fixed" datetime="{}" title="{} UTC">{} ago</time>',
        at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S}", span(timezone.now() - at),
    )  # fmt: skip


def words(code: str) -> str:
    """A code of ours as words: "capacity_changed" → "Capacity changed"."""
    return code.replace("_", " ").capitalize()


def changes(
    data: Mapping[str, Any],
    write: Writer = lambda field, value: value,
    names: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """What an event or an audit entry tells: "name a → b, total 8". `names` renames a field; "" leaves its name out."""
    old, new = data.get("old") or {}, data.get("new") or {}
    if not isinstance(new, Mapping):
        return f"{old} → {new}"
    told = []
    for field, value in {
        **{name: rest for name, rest in data.items() if name not in ("old", "new")},
        **new,
    }.items():
        if value in (None, "", [], {}) and field not in new:
            continue
        before = f"{_listed(write(field, old[field]))} → " if field in old else ""
        told.append(f"{names.get(field, field)} {before}{_listed(write(field, value))}".strip())
    return ", ".join(told)


def _listed(value: Any) -> Any:
    return "; ".join(map(str, value)) or "nothing" if isinstance(value, list) else value
