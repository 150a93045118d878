"""What clusters follow, in the console: a page each, and a panel on the cluster's own page."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display

from accounts.admin.display import NOTHING, link, page
from accounts.admin.panels import Panel
from accounts.admin.scope import Right, allowed, for_staff, require
from accounts.admin.serviced import ServiceAdmin, ServiceForm
from accounts.errors import InvalidInput
from accounts.models import User
from clusters.admin.cluster import MANAGES
from clusters.models import Cluster
from organizations.admin.rights import may_see_inside
from scheduling.models import ClusterPolicy
from scheduling.policies import effective
from scheduling.policy_services import set_policy
from scheduling.policy_settings import COLUMNS, PRESET_TOLD, SETTINGS, as_shown

FIELDS = ("preset", *(setting.name for setting in COLUMNS))


class PolicyForm(ServiceForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        told = {"preset": PRESET_TOLD} | {setting.name: setting.told for setting in COLUMNS}
        for name, text in told.items():
            if name in self.fields:
                self.fields[name].help_text = text


@admin.register(ClusterPolicy)
class ClusterPolicyAdmin(ServiceAdmin):
    first_step = (
        "Every cluster follows the default. Add a policy here, or on a cluster's page, to let one follow "
        "another."
    )
    form = PolicyForm
    columns: ClassVar[list[Any]] = ["cluster_link", "called", "preset", "overrides"]
    list_display_links = ("called",)
    list_filter = ("preset",)
    list_select_related = ("cluster",)
    search_fields = ("cluster__name", "cluster__id")
    ordering = ("-id",)
    rights: ClassVar[dict[str, Right]] = dict.fromkeys(("add", "change"), MANAGES)
    autocomplete_fields = ("cluster",)
    readonly_fields = ("cluster_link", "called")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        first: Any = ("cluster",) if obj is None else (("cluster_link", "called"),)
        return [(None, {"fields": first}), ("Empty: as the preset has it", {"fields": FIELDS})]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Emptying its fields does it: then the cluster follows the default.
        return False

    @display(description="cluster", ordering="cluster__name")
    def cluster_link(self, policy: ClusterPolicy) -> Any:
        return link(policy.cluster)

    @display(description="policy")
    def called(self, policy: ClusterPolicy) -> str:
        return effective(policy).name

    @display(description="overrides")
    def overrides(self, policy: ClusterPolicy) -> str:
        set_here = {setting.name: getattr(policy, setting.name) for setting in COLUMNS}
        return (
            ", ".join(f"{name} {value}" for name, value in set_here.items() if value is not None) or NOTHING
        )

    def create(self, actor: User, values: dict[str, Any]) -> ClusterPolicy:
        cluster = values.pop("cluster")
        require(MANAGES, actor, cluster)
        made = set_policy(actor=actor, cluster_id=cluster.pk, changes=values)
        if made.pk is None:
            raise InvalidInput({"preset": "Choose a preset, or set something below."})
        return made

    def change(self, actor: User, obj: ClusterPolicy, values: dict[str, Any]) -> None:
        set_policy(actor=actor, cluster_id=obj.cluster_id, changes=values)


def row_of(cluster: Cluster) -> ClusterPolicy | None:
    """What was set for the cluster, if anything was; read once for all panels of its page."""
    return getattr(cluster, "policy", None)


@for_staff
def policy(request: HttpRequest, cluster: Cluster) -> Panel:
    row = row_of(cluster)
    shown = as_shown(effective(row))
    is_owners = may_see_inside(request.user, cluster)
    add = reverse("admin:scheduling_clusterpolicy_add", query={"cluster": cluster.pk})
    return Panel(
        f"Policy: {effective(row).name}",
        ("Setting", "Value", "Set here", "What it does"),
        [
            (
                setting.name,
                _value(shown[setting.name]),
                "yes" if row and is_owners and getattr(row, setting.name) is not None else "",
                setting.help,
            )
            for setting in SETTINGS
        ],
        (page(ClusterPolicy, row.pk) if row else add) if allowed(MANAGES, request.user, cluster) else "",
        way="Change it",
    )


def _value(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{key}: {', '.join(them) or 'nobody'}" for key, them in value.items()) or "nobody"
    return str(value)
