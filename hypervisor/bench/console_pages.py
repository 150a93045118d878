"""Every page of the console that an operator can open by a link, found through its registry."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateTimeFilter

WORDS = ("train-77", "TRAIN", "7", "cluster 12", "user-3", "nobody-has-this")
"""Searched for in each list: rare, common, an id, names of others, nothing."""
DEEP = 20_000


@dataclass(frozen=True, slots=True)
class Page:
    """`kind`: of page; `what` names it in the table."""

    kind: str
    what: str
    address: str


def pages(client: Client) -> Iterator[Page]:
    """The start page; of each model its list as it can be narrowed, ordered, searched and turned, and some rows."""
    yield Page("start", "start page", reverse("admin:index"))
    for model, page in admin.site._registry.items():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        address = reverse(f"admin:{name}_changelist")
        yield from _list(client, model._meta.object_name or name, page, address)
        for row in _rows(model):
            yield Page(
                "row",
                f"{model._meta.object_name} {str(row.pk)[:8]}",
                reverse(f"admin:{name}_change", args=[row.pk]),
            )


def _list(client: Client, name: str, page: Any, address: str) -> Iterator[Page]:
    def one(kind: str, what: str, /, **query: Any) -> Page:
        return Page(kind, f"{name}: {what}", f"{address}?{urlencode(query)}" if query else address)

    answer = client.get(address)
    changelist: Any = (answer.context_data or {})["cl"]
    yield one("list", "plain")
    for spec in changelist.filter_specs:
        for query in _narrowed(spec, changelist):
            yield one("filter", urlencode(query)[:50], **query)
    for column, field in enumerate(changelist.list_display):
        if changelist.get_ordering_field(field):
            yield one("order", f"by {getattr(field, '__name__', field)}", o=column)
            yield one("order", f"by -{getattr(field, '__name__', field)}", o=f"-{column}")
    if page.search_fields:
        for word in WORDS:
            yield one("search", f"q={word}", q=word)
    last = changelist.paginator.num_pages
    for number in sorted({2, last // 2, last, DEEP} - {0, 1}):
        if number <= last or number == DEEP:
            yield one("turn", f"page {number}", p=number)
    for field in page.get_autocomplete_fields(answer.wsgi_request):
        yield from _autocomplete(page.model, field)
    for spec in changelist.filter_specs:
        if isinstance(spec, AutocompleteSelectFilter):
            yield from _autocomplete(page.model, spec.field.name)


def _narrowed(spec: Any, changelist: Any) -> Iterator[dict[str, Any]]:
    """Queries that this filter can make: each choice, or some of many."""
    if isinstance(spec, AutocompleteSelectFilter):
        related = spec.field.remote_field.model.objects
        for row in filter(None, (related.order_by("pk").first(), related.order_by("pk").last())):
            yield {spec.lookup_kwarg: row.pk}
    elif isinstance(spec, RangeDateTimeFilter):
        now = timezone.now()
        for ago, length in ((1, 1), (200, 1), (300, 90), (400, 400)):
            begin = now - timedelta(days=ago)
            query = {"from_0": begin.date(), "from_1": "00:00:00", "to_0": (begin + timedelta(length)).date()}
            yield {f"{spec.parameter_name}_{part}": value for part, value in query.items()} | {
                f"{spec.parameter_name}_to_1": "00:00:00"
            }
    elif getattr(spec, "form_class", None):
        for value, _ in spec.field.flatchoices:
            yield {spec.lookup_kwarg: value}
    else:
        for choice in spec.choices(changelist):
            if not choice["selected"]:
                yield dict(parse_qsl(str(choice["query_string"])[1:]))


def _autocomplete(model: type[Model], field: str) -> Iterator[Page]:
    which = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": field}
    for term in ("", "train-7"):
        query = urlencode(which | {"term": term})
        yield Page(
            "choices",
            f"{model._meta.object_name}.{field}: {term!r}",
            f"{reverse('admin:autocomplete')}?{query}",
        )


def _rows(model: type[Model]) -> list[Any]:
    """The oldest, one in the middle, the newest."""
    rows: Any = model._default_manager.order_by("pk")
    oldest, newest = rows.first(), rows.last()
    if oldest is None or oldest == newest:
        return [oldest] if oldest else []
    if not isinstance(newest.pk, int):
        return [oldest, newest]
    middle = rows.filter(pk__gte=(oldest.pk + newest.pk) // 2).first()
    return list({row.pk: row for row in (oldest, middle, newest)}.values())
