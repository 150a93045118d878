"""What an organization uses now and used lately, on its page in the console, and as a file."""

import csv
from datetime import datetime
from typing import Any

from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from accounts.admin.display import page_of
from accounts.admin.panels import Drawing, Panel, Way
from accounts.admin.row_pages import RowPage, address
from accounts.admin.scope import for_staff
from clusters.admin.capacity import amount_in_words
from clusters.amounts import RESOURCES, Amount
from deployments.admin import wording
from deployments.models import Deployment, Priority
from deployments.states import HOLDS_CAPACITY
from organizations.admin.organization import OrganizationAdmin
from organizations.models import Organization
from scheduling.admin.drawing import Series, Slots, chart
from scheduling.simulation.axes import rounded
from scheduling.usage import DEFAULT_SPAN, GONE, SPANS, Span, by_user, over_time

MOST_USERS = 200
NOTHING_RAN = "Nothing ran in this time; what runs now is counted within a minute or two."


@for_staff
def now(request: HttpRequest, organization: Organization) -> Panel:
    """What each user's deployments hold at this moment."""
    sums: dict[str, Any] = {name: Sum(f"required_{name}") for name in RESOURCES}
    rows: Any = (
        Deployment.objects.filter(organization=organization, status__in=sorted(HOLDS_CAPACITY))
        .order_by()
        .values("created_by__username")
        .annotate(**sums, count=Count("pk"))
        .order_by("-gpu", "-cpu", "created_by__username")[:MOST_USERS]
    )
    return Panel(
        "In use now",
        ("User", "Deployments", "Holds"),
        [
            (
                row["created_by__username"] or GONE,
                row["count"],
                amount_in_words(Amount(row["gpu"], row["cpu"], row["ram"])),
            )
            for row in rows
        ],
        nothing="Nothing runs.",
    )


@for_staff
def used(request: HttpRequest, organization: Organization) -> Panel:
    """GPU hours by user and priority."""
    name, span = _chosen(request)
    rows = by_user(organization_id=organization.pk, span=span)
    return Panel(
        f"Used in the last {span.label}",
        ("User", "Priority", "GPU hours", "Core hours", "GB hours"),
        [
            (
                one.username,
                wording.priority(one.priority),
                *(f"{hours:,.2f}" for hours in (one.gpu, one.cpu, one.ram)),
            )
            for one in rows[:MOST_USERS]
        ],
        f"{address(organization, PAGE.name)}?range={name}",
        NOTHING_RAN,
        "Download as CSV",
    )


@for_staff
def drawn(request: HttpRequest, organization: Organization) -> Drawing:
    """GPU hours over time, and the ways to other lengths."""
    chosen, span = _chosen(request)
    bars = over_time(organization_id=organization.pk, span=span)
    return Drawing(
        "GPU hours over time",
        drawing(bars, span) if any(hours for _, hours in bars) else "",
        ways=[
            Way(other.label, f"{page_of(organization)}?range={name}", name == chosen)
            for name, other in SPANS.items()
        ],
        nothing=NOTHING_RAN,
    )


def drawing(bars: list[tuple[datetime, float]], span: Span) -> SafeString:
    """Bars of GPU hours."""
    hours = Series("GPU hours", [figure for _, figure in bars], "level-medium")
    slots = Slots(bars[0][0], span.step, len(bars))
    # Our own drawing, in which every word is escaped.
    return SafeString(chart(f"GPU hours in the last {span.label}", slots, bars=[hours], write=rounded))


@for_staff
def download(model_admin: Any, request: HttpRequest, organization: Organization) -> HttpResponse:
    """The table as CSV, whole."""
    name, span = _chosen(request)
    file = f"usage-of-organization-{organization.pk}-{name}.csv"
    answer = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file}"'},
    )
    lines = csv.writer(answer)
    lines.writerow(("user", "priority", "gpu_hours", "core_hours", "gb_hours"))
    for one in by_user(organization_id=organization.pk, span=span):
        hours = (f"{figure:.4f}" for figure in (one.gpu, one.cpu, one.ram))
        lines.writerow((_as_text(one.username), Priority(one.priority).label, *hours))
    return answer


def _as_text(name: str) -> str:
    # A spreadsheet would work out what begins like a formula.
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


def _chosen(request: HttpRequest) -> tuple[str, Span]:
    name = request.GET.get("range", DEFAULT_SPAN)
    name = name if name in SPANS else DEFAULT_SPAN
    return name, SPANS[name]


PAGE = RowPage("usage", "Usage as CSV", download, offered=lambda row: False)
OrganizationAdmin.row_pages.append(PAGE)
OrganizationAdmin.panels += [now, used, drawn]
