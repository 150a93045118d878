"""Who may use a cluster, in the console."""

from typing import Any, ClassVar

from django.contrib import admin
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest
from unfold.decorators import display

from accounts.admin.display import link, list_of
from accounts.admin.filters import RowFilter
from accounts.admin.panels import Panel
from accounts.admin.scope import Right, allowed, for_staff, require
from accounts.admin.serviced import ServiceAdmin, ServiceForm
from accounts.models import User
from clusters.models import MOST_WEIGHT, Cluster, ClusterShare
from clusters.sharing.services import share_cluster, unshare_cluster
from organizations.admin.rights import RoleRight, may_see_inside, own_ids, tenant
from organizations.permissions import Action

WEIGHT_TOLD = (
    "Where the cluster's policy shares between organizations: one of weight 2 is due twice as much as one of weight 1. "
    f"A whole number from 1 to {MOST_WEIGHT}."
)


MANAGES = RoleRight(Action.MANAGE_CLUSTERS)


class ShareForm(ServiceForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if weight := self.fields.get("weight"):
            weight.help_text = WEIGHT_TOLD
            weight.validators += [MinValueValidator(1), MaxValueValidator(MOST_WEIGHT)]


@admin.register(ClusterShare)
class ClusterShareAdmin(ServiceAdmin):
    first_step = "No cluster is shared yet. Add a share here, so that another organization may use one."
    form = ShareForm
    columns: ClassVar[list[Any]] = ["id", "cluster_link", "organization_link", "weight"]
    list_filter = (("cluster", RowFilter), ("organization", RowFilter))
    list_select_related = ("cluster", "organization")
    search_fields = ("cluster__name", "organization__name")
    search_help_text = "Name of the cluster or of the organization"
    ordering = ("-id",)
    autocomplete_fields = ("cluster", "organization")
    readonly_fields = ("cluster_link", "organization_link")
    rights: ClassVar[dict[str, Right]] = dict.fromkeys(("add", "change", "delete"), MANAGES)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        whose = ("cluster", "organization") if obj is None else ("cluster_link", "organization_link")
        return [(None, {"fields": (whose, "weight")})]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (
            obj is None or obj.organization_id != obj.cluster.organization_id
        )

    @display(description="cluster", ordering="cluster__name")
    def cluster_link(self, share: ClusterShare) -> Any:
        return link(share.cluster)

    @display(description="organization", ordering="organization__name")
    def organization_link(self, share: ClusterShare) -> Any:
        return tenant(share.organization)

    def create(self, actor: User, values: dict[str, Any]) -> ClusterShare:
        require(MANAGES, actor, values["cluster"])
        return share_cluster(
            actor=actor,
            cluster_id=values["cluster"].pk,
            organization_id=values["organization"].pk,
            weight=values.get("weight", 1),
        )

    def change(self, actor: User, obj: ClusterShare, values: dict[str, Any]) -> None:
        whose = {"cluster_id": obj.cluster_id, "organization_id": obj.organization_id}
        share_cluster(actor=actor, **whose, weight=values["weight"])

    def delete(self, actor: User, obj: ClusterShare) -> None:
        unshare_cluster(actor=actor, cluster_id=obj.cluster_id, organization_id=obj.organization_id)


@for_staff
def shares(request: HttpRequest, cluster: Cluster) -> Panel:
    """The owner and those that it is shared with; to a guest the owner and their own alone."""
    rows = cluster.shares.filter(organization__deleted_at=None).select_related("organization").order_by("id")
    weights = {cluster.organization: 1} | {row.organization: row.weight for row in rows}
    if not may_see_inside(request.user, cluster):
        mine = own_ids(request.user) | {cluster.organization_id}
        weights = {one: weight for one, weight in weights.items() if one.pk in mine}
    return Panel(
        "Who may use it",
        ("Organization", "", "Weight"),
        [
            (tenant(one), "owner" if one == cluster.organization else "guest", weight)
            for one, weight in weights.items()
        ],
        list_of(ClusterShare, cluster__id__exact=cluster.pk),
        way="Change them" if allowed(MANAGES, request.user, cluster) else "All of them",
    )
