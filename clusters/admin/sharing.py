"""Who may use a cluster, in the console."""

from typing import Any, ClassVar

from django.contrib import admin
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from accounts.admin.display import link, list_of
from accounts.admin.panels import Panel
from accounts.admin.serviced import ServiceAdmin, ServiceForm
from accounts.models import User
from clusters.models import MOST_WEIGHT, Cluster, ClusterShare
from clusters.sharing.selectors import weights_by_cluster
from clusters.sharing.services import share_cluster, unshare_cluster
from organizations.models import Organization

WEIGHT_TOLD = (
    "Where the cluster's policy shares between organizations: one of weight 2 is due twice as much as one of weight 1. "
    f"A whole number from 1 to {MOST_WEIGHT}."
)


class ShareForm(ServiceForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if weight := self.fields.get("weight"):
            weight.help_text = WEIGHT_TOLD
            weight.validators += [MinValueValidator(1), MaxValueValidator(MOST_WEIGHT)]


@admin.register(ClusterShare)
class ClusterShareAdmin(ServiceAdmin):
    form = ShareForm
    columns: ClassVar[list[Any]] = ["id", "cluster_link", "organization_link", "weight"]
    list_filter = (("cluster", AutocompleteSelectFilter), ("organization", AutocompleteSelectFilter))
    list_select_related = ("cluster", "organization")
    search_fields = ("cluster__name", "organization__name")
    search_help_text = "Name of the cluster or of the organization"
    ordering = ("-id",)
    autocomplete_fields = ("cluster", "organization")
    readonly_fields = ("cluster_link", "organization_link")

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
        return link(share.organization)

    def create(self, actor: User, values: dict[str, Any]) -> ClusterShare:
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


def shares(request: HttpRequest, cluster: Cluster) -> Panel:
    """The owner and those that it is shared with."""
    weights = {cluster.organization_id: 1} | weights_by_cluster([cluster.pk]).get(cluster.pk, {})
    names = Organization.objects.in_bulk(list(weights))
    return Panel(
        "Who may use it",
        ("Organization", "", "Weight"),
        [
            (link(names[id_]), "owner" if id_ == cluster.organization_id else "guest", weight)
            for id_, weight in weights.items()
        ],
        list_of(ClusterShare, cluster__id__exact=cluster.pk),
        way="Change them",
    )
