"""Amounts in the console: in words, as bars, and as fields of a form in GB, cores and devices."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from accounts.admin.display import FIXED_SPACE
from clusters.amounts import MAXIMUM, RESOURCES, Amount, from_wire, to_wire
from clusters.models import Cluster

ONE_AND_MANY = {"gpu": ("GPU", "GPUs"), "cpu": ("core", "cores"), "ram": ("GB", "GB")}
LABELS = {"gpu": "GPUs (devices)", "cpu": "CPU (cores)", "ram": "RAM (GB)"}


def quantity(resource: str, value: int) -> str:
    """One amount in words: "2 GPUs", "0.5 cores", "64 GB"."""
    number = to_wire(resource, value)
    one, many = ONE_AND_MANY[resource]
    return f"{number:,}{FIXED_SPACE}{one if number == 1 else many}"


def amount_in_words(amount: Amount) -> str:
    """An amount in words, without what it has nothing of: "2 GPUs · 8 cores · 64 GB"."""
    parts = [quantity(name, value) for name, value in zip(RESOURCES, amount, strict=True) if value]
    return " · ".join(parts) or "nothing"


def bar(resource: str, *, total: int, held: int, stopping: int) -> SafeString:
    """A slim bar: what runs hold, which part of that is about to be freed, and what is free; with the figures."""
    one, many = ONE_AND_MANY[resource]
    if not total and not held:
        return format_html('<div class="console-bar"><span>no {}</span></div>', many)
    whole = max(total, held)
    text = f"{to_wire(resource, held):,} of {to_wire(resource, total):,} {one if total == 1000 else many}"
    free = to_wire(resource, max(0, total - held))
    more = f", {to_wire(resource, stopping):,} stopping" if stopping else ""
    return format_html(
        '<div class="console-bar{}" title="{} used, {} held by those stopping, {} free">'
        '<span>{}{}</span><i><b style="width:{}%"></b><u style="width:{}%"></u></i></div>',
        " console-over" if held > total else "",
        f"{to_wire(resource, held - stopping):,}", f"{to_wire(resource, stopping):,}", f"{free:,}", text, more,
        round(100 * (held - stopping) / whole, 1), round(100 * stopping / whole, 1),
    )  # fmt: skip


def cluster_bar(cluster: Any, resource: str) -> SafeString:
    """One resource of a cluster. `stopping_*` is an annotation that the deployments' app adds."""
    held = getattr(cluster, f"allocated_{resource}")
    stopping = min(held, getattr(cluster, f"stopping_{resource}", None) or 0)
    return bar(resource, total=getattr(cluster, f"total_{resource}"), held=held, stopping=stopping)


def bars(cluster: Cluster) -> SafeString:
    """All three, one below the other."""
    return format_html_join("", "{}", ((cluster_bar(cluster, name),) for name in RESOURCES))


class AmountField(forms.DecimalField):
    """GB, cores or devices in the form; whole MiB, milli-CPU or milli-GPU inside."""

    widget = UnfoldAdminDecimalFieldWidget

    def __init__(self, resource: str) -> None:
        self.resource = resource
        super().__init__(
            label=LABELS[resource],
            min_value=0,
            max_value=MAXIMUM,
            decimal_places=3,
            required=False,
            help_text=f"Empty: what the engine has{'' if resource == 'gpu' else ', less a reserve'}. "
            "A simulated cluster needs it.",
        )

    def prepare_value(self, value: Any) -> Any:
        return to_wire(self.resource, value) if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        number: Decimal | None = super().clean(value)
        return None if number is None else from_wire(self.resource, float(number))

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(initial != self.clean(data))
        except forms.ValidationError:
            return True
