"""What every page of the console shares: services do the writing, refusals are shown, persons are recorded.

Whose rows a page shows and who may press what is `scope`'s to say.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from accounts import audit
from accounts.admin.actions import RowAction, ask, on_selection, perform
from accounts.admin.display import page_of
from accounts.admin.large_lists import LargeListAdmin
from accounts.admin.panels import PanelMaker
from accounts.admin.row_pages import RowPage
from accounts.admin.scope import Right, allowed, is_for_staff, is_scoped, may_see, scope, sees_all

LOOKUPS = frozenset({"exact", "in", "isnull", "isempty", "id", "gte", "lte", "gt", "lt"})
"""What a link may ask of a field that a list is filtered by."""

ButtonMaker = Callable[[HttpRequest, Any], dict[str, Any] | None]
"""A row → a button that leads elsewhere, as unfold wants it; None where there is none for who asks."""


class ConsoleAdmin(LargeListAdmin):
    """A model's pages. Higher apps add columns, annotations, panels, row_actions and ways to a lower app's page."""

    list_per_page = 50
    show_full_result_count = False
    compressed_fields = False
    list_filter_submit = True
    change_form_outer_after_template = "console/panels.html"
    list_before_template = "console/empty.html"
    first_step: ClassVar[str] = ""
    """What an empty list says: what to do, so that something is there."""
    columns: ClassVar[list[Any]] = []
    annotations: ClassVar[dict[str, Any]] = {}
    their_annotations: ClassVar[dict[str, Callable[[HttpRequest], Any]]] = {}
    """Annotation → the figure for who does not see all, where it tells of other rows."""
    panels: ClassVar[Sequence[PanelMaker]] = ()
    row_actions: ClassVar[Sequence[RowAction]] = ()
    row_pages: ClassVar[Sequence[RowPage]] = ()
    ways: ClassVar[Sequence[ButtonMaker]] = ()
    superusers_alone: ClassVar[bool] = False
    """Although the model says whose its rows are: members may not all see them."""
    rights: ClassVar[Mapping[str, Right]] = {}
    """"add", "change", "delete" → who may, beside superusers; a verb that is not there is superusers' alone."""
    narrowed_by: ClassVar[Sequence[str]] = ()
    """Fields, beside those of the filters, by which a link may narrow the list."""

    def get_list_display(self, request: HttpRequest) -> Sequence[Any]:
        return self.columns or super().get_list_display(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = scope(request, super().get_queryset(request))
        if self.superusers_alone and not sees_all(request.user):
            rows = rows.none()
        figures = self.annotations
        if not sees_all(request.user):
            figures = figures | {name: figure(request) for name, figure in self.their_annotations.items()}
        if self.list_select_related:
            # A row's own page names what its line in the list names.
            rows = rows.select_related(*self.list_select_related)
        annotated: QuerySet[Any] = rows.annotate(**figures)
        return annotated

    def get_field_queryset(self, db: Any, db_field: Any, request: HttpRequest) -> Any:
        """What a form may name: of rows that belong to somebody, those that the user sees."""
        page = self.admin_site._registry.get(db_field.remote_field.model)
        if page is None or sees_all(request.user):
            return super().get_field_queryset(db, db_field, request)
        return page.get_queryset(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if sees_all(request.user):
            return True
        if self.superusers_alone:
            return False
        return is_scoped(self.model) and (obj is None or may_see(request.user, obj))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "add", None)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "delete", obj)

    def _may(self, request: HttpRequest, verb: str, obj: Any) -> bool:
        return self.has_view_permission(request, obj) and allowed(self.rights.get(verb), request.user, obj)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        if request is not None and sees_all(request.user):
            return bool(super().lookup_allowed(lookup, value, request))
        # Django lets any field of the row be asked for: letter by letter, that tells what the page does not show.
        named = [
            one if isinstance(one, str) else one[0]
            for one in self.list_filter
            if isinstance(one, str | tuple)
        ]
        field, *rest = lookup.split("__")
        if field in {*named, *self.narrowed_by}:
            return set(rest) <= LOOKUPS
        # The parameter of a filter that is no field.
        return not rest and field not in {one.name for one in self.opts.get_fields()}

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # Django's own bulk delete would bypass the services.
        found = {
            name: entry for name, entry in super().get_actions(request).items() if name != "delete_selected"
        }
        for action in self.row_actions:
            if allowed(action.right, request.user):
                found[action.name] = (on_selection(action), action.name, action.label)
        return found

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act_on_one)
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        see = self.admin_site.admin_view(self.see_one)
        return [
            path("<int:object_id>/do/<slug:name>/", view, name=f"{name}_act"),
            path("<int:object_id>/see/<slug:name>/", see, name=f"{name}_see"),
            *super().get_urls(),
        ]

    def see_one(self, request: HttpRequest, object_id: int, name: str) -> HttpResponse:
        """A page beside a row's own."""
        beside = next((one for one in self.row_pages if one.name == name), None)
        row = self.get_object(request, str(object_id))
        if beside is None or row is None or not self.has_view_permission(request, row):
            raise Http404
        if not beside.is_for(request.user):
            raise Http404
        return beside.show(self, request, row)

    def act_on_one(self, request: HttpRequest, object_id: int, name: str) -> HttpResponse:
        """A button of a row's page: GET asks, POST does it."""
        action = next((action for action in self.row_actions if action.name == name), None)
        row = self.get_object(request, str(object_id))
        if action is None or row is None:
            raise Http404
        if not allowed(action.right, request.user, row):
            raise PermissionDenied
        if request.method != "POST":
            return ask(self, request, action, rows=[row], count=1, hidden=[])
        perform(self, request, action, [row])
        return HttpResponseRedirect(page_of(row))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], **options: Any
    ) -> HttpResponse:
        row = options.get("obj")
        if row is not None:
            act = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_act"
            context["actions_detail"] = [
                {
                    "title": action.label,
                    "icon": action.icon,
                    "variant": action.variant,
                    "attrs": {},
                    "path": reverse(act, args=[row.pk, action.name]),
                }
                for action in self.row_actions
                if action.offered(row) and allowed(action.right, request.user, row)
            ]
            context["actions_detail"] += [
                beside.button(row)
                for beside in self.row_pages
                if beside.offered(row) and beside.is_for(request.user)
            ]
            context["actions_detail"] += self.extra_buttons(request, row)
            everything = sees_all(request.user)
            made = [maker(request, row) for maker in self.panels if everything or is_for_staff(maker)]
            context["panels"] = [panel for panel in made if panel is not None]
            context["live"] = self.live(row)
        response: HttpResponse = super().render_change_form(request, context, **options)
        return response

    def extra_buttons(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """Buttons of a row's page that lead elsewhere, behind those of its actions."""
        return [button for maker in self.ways if (button := maker(request, row))]

    def live(self, row: Any) -> str:
        """What of `/events` makes the page of a row worth looking at again, as its query; empty: nothing."""
        return ""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The audit log knows more than Django's own history: what was done through the API, and from where."""
        target = f"{self.opts.model_name}:{object_id}"
        return HttpResponseRedirect(
            reverse("admin:accounts_auditentry_changelist", query={"target__exact": target})
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        # Only what the row itself has: a form may also ask for a password, which belongs in no log.
        fields = {field.name for field in obj._meta.get_fields()}.intersection(form.changed_data)
        old = {field: str(form.initial.get(field)) for field in fields}
        new = {field: str(form.cleaned_data.get(field)) for field in fields}
        self.record(
            request, "changed" if change else "created", obj, {"old": old if change else {}, "new": new}
        )

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.record(request, "deleted", obj, {"name": str(obj)})
        super().delete_model(request, obj)

    def record(self, request: HttpRequest, verb: str, obj: Any, detail: Mapping[str, Any]) -> None:
        """What a person did here, in the audit log."""
        name = self.opts.model_name
        audit.record(
            actor_id=request.user.pk, action=f"{name}.{verb}", target=f"{name}:{obj.pk}", detail=dict(detail)
        )


class ReadOnlyAdmin(ConsoleAdmin):
    """History, or what only the service itself writes."""

    actions = None

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], **options: Any
    ) -> HttpResponse:
        return super().render_change_form(request, context | {"show_history": False}, **options)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class DeletedFilter(admin.SimpleListFilter):
    """Deleted rows are hidden until one asks for them."""

    title = "deleted"
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "deleted"), ("all", "all")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset
        return queryset.filter(deleted_at__isnull=self.value() != "yes")

    def choices(self, changelist: Any) -> Any:
        first, *others = super().choices(changelist)
        yield {**first, "display": "not deleted"}
        yield from others
