"""Lists of millions of rows: pages that cost the same whatever the number, and a search that indexes can answer."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.db import connection
from django.db.models import Field, Model, Q, QuerySet
from django.db.models.lookups import IsNull
from django.http import HttpRequest
from unfold.admin import ModelAdmin

REACH = 10_000
"""Rows that a list counts, orders and turns through; what lies beyond is reached by narrowing it."""
MOST_RELATED = 1000
"""Rows of another model whose own rows a search shows."""
MARKS = {"^": "istartswith", "=": "exact"}


class AtLeast(int):
    """A count that stopped: "10,000+"."""

    def __str__(self) -> str:
        return f"{int(self):,}+"


class NewestPaginator(Paginator):
    """Pages of the first REACH rows. Ordered by anything but age, it is the newest REACH that are ordered.

    `newest` is the order by age, "-id" or "-at", in which an index finds all rows.
    """

    template_name = "console/paging.html"
    """For unfold, in whose place we also say what is left out."""

    def __init__(self, *given: Any, newest: str, **options: Any) -> None:
        super().__init__(*given, **options)
        self.rows = cast("QuerySet[Any]", self.object_list)
        self.newest = newest

    @cached_property
    def count(self) -> int:
        found = self.rows.order_by().values("pk")[: REACH + 1].count()
        return AtLeast(REACH) if found > REACH else found

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows than its pages show."""
        return isinstance(self.count, AtLeast)

    def page(self, number: Any) -> Any:
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        rows = self.rows.filter(pk__in=self._ids(first, min(first + self.per_page, self.count)))
        return Page(rows, number, self)

    @cached_property
    def left_out(self) -> str:
        """What its pages do not show, as a sentence; empty if they show everything."""
        if not self.is_cut:
            return ""
        estimated = self._estimate()
        first = f"About {estimated:,} in all; here are" if estimated else "There are more; here are"
        which = "the first" if self._by_age() else "the newest"
        return f"{first} {which} {REACH:,}. Filter or search to reach others."

    def _ids(self, first: int, end: int) -> list[Any]:
        """Found by themselves: to skip or to order rows, those that are joined to them need not be read."""
        field = self.newest.lstrip("-")
        rows = self.rows
        if self.is_cut and not self._by_age():
            oldest = rows.order_by(self.newest).values_list(field, flat=True)[REACH - 1]
            # All of them: for the first 50, PostgreSQL would walk along an index of what they are ordered by.
            newest = rows.filter(**{f"{field}__gte": oldest})
            return list(newest.values_list("pk", flat=True)[:REACH])[first:end]
        if self._by_age() and not self.is_cut:
            # Few rows, perhaps all of them old: PostgreSQL might walk from the newest of all rows on to meet them.
            found = sorted(rows.order_by().values_list(field, "pk"), reverse=self._by_age() == "-")
            return [pk for _, pk in found[first:end]]
        return list(rows.values_list("pk", flat=True)[first:end])

    def _by_age(self) -> str:
        """ "-" if the newest come first, "+" if the oldest do, "" if it is ordered by something else."""
        first = next(iter(self.rows.query.order_by), "")
        names = {self.newest.lstrip("-")} | ({"id", "pk"} if self.newest in {"-id", "-pk"} else set())
        if not isinstance(first, str) or first.lstrip("-") not in names:
            return ""
        return "-" if first.startswith("-") else "+"

    def _estimate(self) -> int | None:
        """PostgreSQL's own estimate of all rows, if all are listed: a narrowed list has none."""
        conditions = self.rows.query.where.children
        # Rows that somebody may not see must not be counted either: only hiding what is deleted is no narrowing.
        if not all(isinstance(one, IsNull) and one.lhs.target.name == "deleted_at" for one in conditions):
            return None
        with connection.cursor() as cursor:
            table = self.rows.model._meta.db_table
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [table])
            return max(int(cursor.fetchone()[0]), REACH)


class LargeListAdmin(ModelAdmin):
    """Takes Django's `search_fields` ("name", "^name" for its beginning, "=target"), and reads each by itself.

    What is searched for is one phrase. Of another model ("cluster__name") at most the newest MOST_RELATED rows count.
    """

    newest_first = "-id"
    """The order by age, which an index must have."""

    def get_paginator(
        self, request: HttpRequest, queryset: Any, per_page: int, *given: Any, **options: Any
    ) -> NewestPaginator:
        return NewestPaginator(queryset, per_page, *given, newest=self.newest_first, **options)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        phrase = search_term.strip()
        if not phrase:
            return queryset, False
        found = Q(pk__in=[])
        for condition in self._conditions(request, phrase):
            found |= condition
        return queryset.filter(found), False

    def _conditions(self, request: HttpRequest, phrase: str) -> Iterator[Q]:
        for written in self.get_search_fields(request):
            name = written.lstrip("".join(MARKS))
            lookup = MARKS.get(written[0], "icontains")
            if lookup == "exact" or name.rpartition("__")[2] == "id":
                if _fits(self.model, name, phrase):
                    yield Q(**{name: phrase})
            else:
                yield self._search(request, self.model, name, f"__{lookup}", phrase)

    def _search(self, request: HttpRequest, model: type[Model], name: str, lookup: str, phrase: str) -> Q:
        hop, _, rest = name.partition("__")
        related = model._meta.get_field(hop).related_model
        if related is None:
            # A lookup of its own may be written behind it.
            return Q(**{name if rest else name + lookup: phrase})
        # By the ids of the other model's rows: an alternative that is joined would be looked for in all rows.
        page = self.admin_site._registry.get(related)
        rows = page.get_queryset(request) if page else related._default_manager.all()
        rows = rows.filter(self._search(request, related, rest, lookup, phrase))
        return Q(**{f"{hop}__in": _newest_ids(rows, MOST_RELATED)})


def _newest_ids(rows: QuerySet[Any], most: int) -> list[Any]:
    found = list(rows.order_by().values_list("pk", flat=True)[: REACH + 1])
    if len(found) > REACH:
        return list(rows.order_by("-pk").values_list("pk", flat=True)[:most])
    return sorted(found, reverse=True)[:most]


def _fits(model: type[Model], name: str, phrase: str) -> bool:
    """Whether the phrase could be a value of this field at all."""
    field: Any = None
    for part in name.split("__"):
        field = model._meta.get_field(part)
        model = field.related_model or model
    try:
        cast("Field[Any, Any]", field).run_validators(field.to_python(phrase))
    except ValidationError:
        return False
    return True
