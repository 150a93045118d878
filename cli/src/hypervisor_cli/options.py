"""What several commands read from their options, and how a refusal names these."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from hypervisor_cli.words import seconds_of
from hypervisor_client import Invalid

WIRE_NAMES = {
    "image": "docker_image", "cluster": "cluster_id", "org": "organization_id", "gpu": "required_gpu",
    "cpu": "required_cpu", "ram": "required_ram", "after": "dependency_ids", "secret": "secret_env",
    "workdir": "working_dir", "restart": "restart_policy", "retries": "max_retries",
    "time-limit": "time_limit_seconds", "expect": "expected_seconds", "simulate": "simulated_seconds",
    "label": "labels", "priority": "priority", "name": "name", "env": "env",
}  # fmt: skip
"""hv's words → the API's."""
OPTIONS = {wire: f"--{ours}" for ours, wire in WIRE_NAMES.items()} | {
    "docker_image": "IMAGE",
    "args": "CMD",
    "Idempotency-Key": "--key",
}
"""The API's fields → the options that fill them."""
SUPPOSED = "deployments[0]."


class Amount(click.ParamType):  # type: ignore[type-arg]  # Generic only since click 8.5.
    """A number that can be sent: nan and infinity are none."""

    name = "float"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """See `click.ParamType.convert`."""
        try:
            amount = float(value)
        except ValueError:
            amount = math.nan
        if not math.isfinite(amount):
            self.fail(f"{value!r} is no amount. Write a number, such as 2 or 0.5.", param, ctx)
        return amount


AMOUNT = Amount()


def duration(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """Seconds, of what was written for an option."""
    try:
        return None if value is None else seconds_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@contextmanager
def options_named(**also: str) -> Iterator[None]:
    """A refusal in the block names options in place of the API's fields; `also`: field=option."""
    try:
        yield
    except Invalid as error:
        known = OPTIONS | also
        error.fields = [(_option(field, known), detail) for field, detail in error.fields]
        raise


def _option(field: str, known: Mapping[str, str]) -> str:
    head, dot, rest = field.removeprefix(SUPPOSED).partition(".")
    return f"{known.get(head, head)}{dot}{rest}"
