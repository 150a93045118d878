"""What a deployment waits for and what waits for it, drawn on its page."""

from django.db.models import Q
from django.http import HttpRequest

from accounts.admin.display import page
from accounts.admin.panels import Panel
from accounts.admin.scope import for_staff, scope
from deployments.graph import Node, drawing
from deployments.models import Dependency, Deployment

MOST_NODES = 40
FARTHEST = 4
"""Steps away from the deployment."""


@for_staff
def graph(request: HttpRequest, deployment: Deployment) -> Panel | None:
    """The nearest around it; None where it depends on nobody and nobody on it."""
    ids, edges, left_out = _around(deployment.pk)
    if len(ids) == 1:
        return None
    rows = scope(request, Deployment.objects.filter(pk__in=ids)).only("id", "name", "status")
    nodes = [Node(row.pk, row.name, row.status, page(Deployment, row.pk)) for row in rows.order_by("pk")]
    waits_for = sum(other == deployment.pk for _, other in edges)
    waiting = sum(one == deployment.pk for one, _ in edges)
    told = f"{deployment} waits for {waits_for}, and {waiting} wait for it"
    title = f"Dependencies: the {len(ids)} nearest" if left_out else "Dependencies"
    return Panel(title, (), [(drawing(nodes, edges, centre=deployment.pk, title=told),)])


def _around(centre: int) -> tuple[set[int], set[tuple[int, int]], bool]:
    """Ids near it, the edges between them, and whether there are more; a query for each step."""
    above, below, known = {centre}, {centre}, {centre}
    left_out = False
    for _ in range(FARTHEST):
        near = Q(deployment_id__in=above) | Q(depends_on_id__in=below)
        rows = Dependency.objects.filter(near).order_by("deployment_id", "depends_on_id")
        pairs = list(rows.values_list("deployment_id", "depends_on_id")[: MOST_NODES * MOST_NODES])
        next_above = {on for id_, on in pairs if id_ in above} - known
        next_below = {id_ for id_, on in pairs if on in below} - known
        found = sorted(next_above | next_below)
        room = MOST_NODES - len(known)
        left_out = left_out or len(found) > room
        known |= set(found[:room])
        above, below = next_above & known, next_below & known
        if left_out or not (above or below):
            break
    else:
        left_out = True
    inner = Dependency.objects.filter(deployment_id__in=known, depends_on_id__in=known)
    return known, {(on, id_) for id_, on in inner.values_list("deployment_id", "depends_on_id")}, left_out
