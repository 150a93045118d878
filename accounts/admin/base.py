"""What every page of the console shares: services do the writing, refusals are shown, persons are recorded."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from accounts import audit
from accounts.admin.actions import RowAction, ask, on_selection, perform
from accounts.admin.display import page_of
from accounts.admin.large_lists import LargeListAdmin
from accounts.admin.panels import PanelMaker


class ConsoleAdmin(LargeListAdmin):
    """A model's pages. Higher apps add columns, annotations, panels and row_actions to a lower app's page."""

    list_per_page = 50
    show_full_result_count = False
    compressed_fields = False
    list_filter_submit = True
    change_form_outer_after_template = "console/panels.html"
    columns: ClassVar[list[Any]] = []
    annotations: ClassVar[dict[str, Any]] = {}
    panels: ClassVar[Sequence[PanelMaker]] = ()
    row_actions: ClassVar[Sequence[RowAction]] = ()

    def get_list_display(self, request: HttpRequest) -> Sequence[Any]:
        return self.columns or super().get_list_display(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).annotate(**self.annotations)
        return rows

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # Django's own bulk delete would bypass the services.
        found = {
            name: entry for name, entry in super().get_actions(request).items() if name != "delete_selected"
        }
        for action in self.row_actions:
            found[action.name] = (on_selection(action), action.name, action.label)
        return found

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act_on_one)
        name = f"{self.opts.app_label}_{self.opts.model_name}_act"
        return [path("<int:object_id>/do/<slug:name>/", view, name=name), *super().get_urls()]

    def act_on_one(self, request: HttpRequest, object_id: int, name: str) -> HttpResponse:
        """A button of a row's page: GET asks, POST does it."""
        action = next((action for action in self.row_actions if action.name == name), None)
        row = self.get_object(request, str(object_id))
        if action is None or row is None:
            raise Http404
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
                if action.offered(row)
            ] + self.extra_buttons(row)
            context["panels"] = [maker(request, row) for maker in self.panels]
        response: HttpResponse = super().render_change_form(request, context, **options)
        return response

    def extra_buttons(self, row: Any) -> list[dict[str, Any]]:
        """Buttons of a row's page that lead elsewhere, behind those of its actions."""
        return []

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The audit log knows more than Django's own history: what was done through the API, and from where."""
        target = f"{self.opts.model_name}:{object_id}"
        return HttpResponseRedirect(
            reverse("admin:accounts_auditentry_changelist", query={"target__exact": target})
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        old = {field: str(form.initial.get(field)) for field in form.changed_data}
        new = {field: str(form.cleaned_data.get(field)) for field in form.changed_data}
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
