"""Filters of lists that are about rows: they offer, and name, only what who asks may see."""

from collections.abc import Iterator
from typing import Any

from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts.admin.scope import is_scoped, scope, sees_all


class RowFilter(AutocompleteSelectFilter):
    """A choice among the rows of another model."""

    def has_output(self) -> bool:
        return sees_all(self.request.user) or is_scoped(self.field.remote_field.model)

    def choices(self, changelist: Any) -> Iterator[Any]:
        # The form would name whatever row the address names.
        for choice in super().choices(changelist):
            for field in choice["form"].fields.values():
                field.queryset = scope(self.request, field.queryset.all())
            yield choice
