"""What is behind a cluster, in the console: the connection's form, what the last check found, and Check now."""

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.utils.html import format_html_join
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.admin.display import NOTHING, ago, badge
from accounts.models import User
from clusters.admin.capacity import quantity
from clusters.amounts import RESOURCES, from_wire
from clusters.checking import check_after_write, check_now, wants_check
from clusters.models import Cluster

NO_WORKER = (
    "Its engine was not checked: no engine worker answered. See that one runs that takes the queue engines."
)


class UnseenTextarea(UnfoldAdminTextareaWidget):
    """Shows nothing of what is stored or was typed, as a password's field does."""

    def format_value(self, value: Any) -> str:
        return ""


class ConnectionField(forms.CharField):
    """A JSON object, written and never shown; empty leaves what is there."""

    def __init__(self) -> None:
        super().__init__(
            required=False,
            label="Connection",
            widget=UnseenTextarea(
                attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off", "class": "font-mono"}
            ),
            help_text="A JSON object; not needed for a simulated one. Docker: "
            '{"endpoint": "unix:///var/run/docker.sock"}, tcp://HOST:2376 with ca, cert and key, or ssh://USER@HOST '
            'with private_key and host_key. Kubernetes: {"kubeconfig": …}, {"server", "ca", "token"} or '
            '{"in_cluster": true}. Stored encrypted and not shown again; empty keeps what is there.',
        )

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            connection = json.loads(text)
        except ValueError as error:
            raise forms.ValidationError(
                "This is no JSON. Look for a missing quote, comma or bracket."
            ) from error
        if not isinstance(connection, dict):
            raise forms.ValidationError(
                'Write a JSON object, such as {"endpoint": "unix:///var/run/docker.sock"}.'
            )
        return connection

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((data or "").strip())


def check(actor: User, cluster: Cluster) -> str:
    """Check now, in a sentence."""
    found = check_now(cluster_id=cluster.pk)
    if not found["reachable"]:
        return f"its engine does not answer. {found['problem']}"
    has = [
        quantity(name, from_wire(name, found[f"capacity_{name}"]))
        for name in RESOURCES
        if found[f"capacity_{name}"] is not None
    ]
    return " ".join([f"{found['version']} with {', '.join(has) or 'an unknown size'}.", *found["warnings"]])


def check_written(request: HttpRequest, cluster: Cluster, written: dict[str, Any]) -> None:
    """After the form was saved and committed: show what the engine has, or why not."""
    if not wants_check(cluster=cluster, written=written):
        return
    if not check_after_write(cluster_id=cluster.pk):
        messages.warning(request, NO_WORKER)
        return
    cluster.refresh_from_db()
    if cluster.engine_problem:
        messages.warning(request, f"{cluster}: its engine does not answer. {cluster.engine_problem}")


@display(description="last check")
def answering(cluster: Cluster) -> Any:
    """Whether the last check reached the engine."""
    if cluster.checked_at is None:
        return badge("never checked", "grey")
    return badge("does not answer", "red") if cluster.engine_problem else badge("answers", "green")


@display(description="checked")
def checked(cluster: Cluster) -> Any:
    return ago(cluster.checked_at)


@display(description="problem")
def problem(cluster: Cluster) -> str:
    return cluster.engine_problem


@display(description="version")
def version(cluster: Cluster) -> Any:
    return cluster.engine_facts.get("version") or NOTHING


@display(description="endpoint")
def endpoint(cluster: Cluster) -> Any:
    return cluster.engine_facts.get("endpoint") or NOTHING


@display(description="capacity found")
def has(cluster: Cluster) -> str:
    """The engine's own size, and what of the cluster's size follows it."""
    capacity = cluster.engine_facts.get("capacity")
    if not capacity:
        return NOTHING
    found = " · ".join(quantity(name, from_wire(name, capacity[name])) for name in RESOURCES)
    follows = [name.upper() for name in RESOURCES if name in cluster.sized_by_engine]
    verb = "follows" if len(follows) == 1 else "follow"
    return f"{found}; the cluster's {' and '.join(follows)} {verb} it" if follows else found


@display(description="facts")
def tells(cluster: Cluster) -> Any:
    """The rest of what the engine told, a line each."""
    facts = cluster.engine_facts.get("facts") or {}
    lines = [(str(name).replace("_", " "), _written(value)) for name, value in sorted(facts.items())]
    return format_html_join("", "<div>{}: {}</div>", lines) or NOTHING


@display(description="warnings")
def warnings(cluster: Cluster) -> Any:
    """What the engine cannot do, a line each."""
    return format_html_join("", "<div>{}</div>", ((one,) for one in cluster.engine_facts.get("warnings", ())))


FIELDS = (answering, checked, problem, version, endpoint, has, tells, warnings)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value) if isinstance(value, str | int | float) else json.dumps(value)
