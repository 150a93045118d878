"""Pages of what only services may write: forms that call one, and show what it refused."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.admin.base import ConsoleAdmin
from accounts.admin.display import page
from accounts.errors import DomainError, InvalidInput
from accounts.models import User


class ServiceForm(forms.ModelForm):
    """A form whose rules are the service's: it checks shapes, and shows what the service refused."""

    refusal: ClassVar[DomainError | None] = None
    renamed: ClassVar[Mapping[str, str]] = {}
    """The service's name of a field → the form's."""

    def validate_unique(self) -> None:
        """The service says it, in words that tell what to do."""

    def _post_clean(self) -> None:
        # Constraints too are the service's to tell, and here Django asks the row, not the form.
        self.instance.validate_constraints = lambda exclude=None: None
        super()._post_clean()  # type: ignore[misc]
        if self.errors and self.instance.pk:
            # The rest of the page tells how the row is, not what was typed.
            self.instance.refresh_from_db()

    def clean(self) -> Any:
        cleaned = super().clean()
        if isinstance(self.refusal, InvalidInput):
            for field, text in self.refusal.fields.items():
                # Beside the field that it is a part of: `connection.endpoint` is about `connection`.
                name, _, part = field.partition(".")
                name = self.renamed.get(name, name)
                self.add_error(name if name in self.fields else None, f"{part}: {text}" if part else text)
        elif self.refusal is not None:
            self.add_error(None, self.refusal.detail)
        return cleaned


class ServiceAdmin(ConsoleAdmin):
    """Pages of a model that only services write. `create`, `change` and `delete` call one service each."""

    form = ServiceForm
    delete_confirmation_template = "console/confirm.html"

    def create(self, actor: User, values: dict[str, Any]) -> Any:
        """The new row."""
        raise NotImplementedError

    def change(self, actor: User, obj: Any, values: dict[str, Any]) -> None:
        raise NotImplementedError

    def delete(self, actor: User, obj: Any) -> None:
        raise NotImplementedError

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and getattr(obj, "deleted_at", None) is None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and getattr(obj, "deleted_at", None) is None

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form = super().get_form(request, obj, change, **options)
        return type(form.__name__, (form,), {"refusal": getattr(request, "refusal", None)})

    def changeform_view(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        response: HttpResponse
        try:
            response = super().changeform_view(request, *args, **options)
        except DomainError as refusal:
            # All is rolled back; what was typed is shown once more, the refusal beside it.
            request.refusal = refusal  # type: ignore[attr-defined]
            response = super().changeform_view(request, *args, **options)
        return response

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        values = {field: form.cleaned_data[field] for field in form.changed_data}
        if change:
            self.change(_actor(request), obj, values)
        else:
            obj.pk = self.create(_actor(request), values).pk

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.delete(_actor(request), obj)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        question = {
            "question": f"Delete 1 {self.opts.verbose_name}?",
            "warning": "It disappears for everybody; its history stays. There is no way back.",
            "button": "Yes, delete",
            "is_dangerous": True,
            "rows": [self.get_object(request, object_id)],
            "hidden": [("post", "yes")],
            "back": page(self.model, object_id),
        }
        try:
            response: HttpResponse = super().delete_view(request, object_id, question)
        except DomainError as refusal:
            messages.error(request, refusal.detail)
            return HttpResponseRedirect(page(self.model, object_id))
        return response

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Only what is named: deleting hides a row and keeps all that belongs to it."""
        rows = [str(row) for row in objs]
        return rows, {self.opts.verbose_name_plural: len(rows)}, set(), []


def _actor(request: HttpRequest) -> User:
    # The site lets nobody else in.
    return cast(User, request.user)
