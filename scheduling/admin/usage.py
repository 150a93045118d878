"""What an organization uses now and used lately, on its page in the console, and as a file."""

import csv
from datetime import datetime
from typing import Any

from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.admin.display import link_to, page_of
from accounts.admin.panels import Panel
from accounts.admin.row_pages import RowPage, address
from accounts.admin.scope import for_staff
from clusters.admin.capacity import amount_in_words
from clusters.amounts import RESOURCES, Amount
from deployments.admin import wording
from deployments.models import Deployment, Priority
from deployments.states import HOLDS_CAPACITY
from organizations.admin.organization import OrganizationAdmin
from organizations.models import Organization
from scheduling.usage import DEFAULT_SPAN, GONE, SPANS, Span, by_user, over_time

MOST_USERS = 200
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 720, 150, 44, 14, 22
"""Of the drawing, and of the room around its bars."""


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
        nothing="Nothing of it runs.",
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
        "Nothing of it ran in this time.",
        "Download as CSV",
    )


@for_staff
def drawn(request: HttpRequest, organization: Organization) -> Panel:
    """GPU hours over time, and the ways to other lengths."""
    chosen, span = _chosen(request)
    bars = over_time(organization_id=organization.pk, span=span)
    ways = format_html_join(
        " · ", "{}", ((_way(organization, name, other, name == chosen),) for name, other in SPANS.items())
    )
    return Panel("GPU hours over time", (), [(ways,), (drawing(bars, span),)])


def _way(organization: Organization, name: str, span: Span, is_chosen: bool) -> SafeString:
    if is_chosen:
        return format_html("<strong>{}</strong>", span.label)
    return link_to(f"{page_of(organization)}?range={name}", span.label)


def drawing(bars: list[tuple[datetime, float]], span: Span) -> SafeString:
    """Bars of GPU hours as SVG; each names its moment and figure, and the title tells the sum."""
    highest = max((hours for _, hours in bars), default=0) or 1
    step = (WIDTH - LEFT) / len(bars)
    room = HEIGHT - TOP - BOTTOM
    drawn_bars = format_html_join(
        "", '<rect x="{}" y="{}" width="{}" height="{}"><title>{}: {} GPU hours</title></rect>',
        (
            (
                round(LEFT + place * step + 1, 1), round(TOP + room * (1 - hours / highest), 1),
                round(max(1, step - 2), 1), round(room * hours / highest, 1), f"{at:%Y-%m-%d %H:%M}", f"{hours:,.2f}",
            )
            for place, (at, hours) in enumerate(bars)
        ),
    )  # fmt: skip
    first, last = (bars[place][0] for place in (0, -1))
    total = sum(hours for _, hours in bars)
    return format_html(
        '<svg class="console-usage" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">'
        '<title>{}</title><line x1="{}" y1="{}" x2="{}" y2="{}"/>{}'
        '<text x="{}" y="{}" text-anchor="end">{}</text><text x="{}" y="{}" text-anchor="end">0</text>'
        '<text x="{}" y="{}">{} UTC</text><text x="{}" y="{}" text-anchor="end">{} UTC</text></svg>',
        f"GPU hours in the last {span.label}: {total:,.2f} together", WIDTH, HEIGHT, WIDTH, HEIGHT,
        f"GPU hours in the last {span.label}: {total:,.2f} together",
        LEFT, HEIGHT - BOTTOM, WIDTH, HEIGHT - BOTTOM, drawn_bars,
        LEFT - 6, TOP + 8, f"{highest:,.1f}" if total else "", LEFT - 6, HEIGHT - BOTTOM,
        LEFT, HEIGHT - 6, f"{first:%d %b %H:%M}", WIDTH, HEIGHT - 6, f"{last:%d %b %H:%M}",
    )  # fmt: skip


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
