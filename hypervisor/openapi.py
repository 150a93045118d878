"""How the schema is drawn: the same error answers on every call, declared once."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


class FieldProblem(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="The field of the body or query, nested names joined by dots.")
    detail = serializers.CharField(help_text="What is wrong with it and what to write.")


class Problem(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened and what to do next.")
    errors = FieldProblem(many=True, required=False)  # type: ignore[assignment]
    state = serializers.CharField(required=False, help_text="409: the state that does not allow this.")
    allowed = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="409: the actions that the state allows."
    )
    error = serializers.CharField(required=False, help_text="/token: RFC 6749's word for it.")


class Schema(AutoSchema):
    """Adds the problems that a call can answer."""

    def get_response_serializers(self) -> Any:
        declared: Any = super().get_response_serializers()
        if not isinstance(declared, dict):
            declared = {"201" if self.method == "POST" else "200": declared}
        for status in self._problem_statuses():
            declared.setdefault((status, "application/problem+json"), OpenApiResponse(Problem))
        return declared

    def _problem_statuses(self) -> list[str]:
        statuses = ["400", "503"]
        if self.view.permission_classes:
            statuses += ["401", "403"]
        if "{" in self.path:
            statuses += ["404"]
        if self.method in {"POST", "PUT", "PATCH"}:
            statuses += ["413", "415"]
        if self.method in {"POST", "PUT", "PATCH", "DELETE"}:
            statuses += ["409"]
        if getattr(self.view, "throttle_classes", None):
            statuses += ["429"]
        return [*statuses, "405", "406"]
