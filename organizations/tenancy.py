"""Tenancy fails closed: `visible_to` is the one way from a request to rows."""

from typing import Any, Self

from django.db import models
from django.db.models import F, OuterRef, Subquery


class TenantQuerySet(models.QuerySet[Any]):
    """Rows of tenants. The model's `membership_path` says how its rows reach `Membership`."""

    def visible_to(self, user: Any) -> Self:
        """Rows of the user's organizations that are not deleted, each with `my_role`; none for anybody anonymous.

        One join answers both questions, so a view needs no second query for the role.
        """
        if not user.is_authenticated:
            return self.none()
        path: str = self.model.membership_path
        organization = path.removesuffix("memberships")
        conditions = {f"{path}__user_id": user.pk, f"{organization}deleted_at": None}
        if organization and any(field.name == "deleted_at" for field in self.model._meta.fields):
            conditions["deleted_at"] = None
        return self.filter(**conditions).annotate(my_role=F(f"{path}__role"))


def role_in_organization(user: Any, organization: OuterRef) -> Subquery:
    """What the user is in an organization that is not deleted; null for who is no member."""
    from organizations.models import Membership

    rows = Membership.objects.filter(
        organization_id=organization, user_id=user.pk, organization__deleted_at=None
    )
    return Subquery(rows.values("role"))
