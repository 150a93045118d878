"""What JSON does not have is refused by the client itself, under the API's names."""

from datetime import date
from math import inf, nan

import pytest

from hypervisor_client import Client, Invalid

from .local_server import local_server
from .test_retries import MADE

CALLS = [
    (lambda one: one.deployments.submit(name="n", required_gpu=nan), "required_gpu"),
    (lambda one: one.deployments.submit(labels={"since": date(2024, 1, 1)}), "labels.since"),
    (
        lambda one: one.deployments.submit_many([{"name": "a"}, {"required_ram": inf}]),
        "deployments[1].required_ram",
    ),
    (lambda one: one.deployments.change(7, required_cpu=-inf), "required_cpu"),
    (lambda one: one.clusters.create("c", 1, gpu=nan), "total_gpu"),
    (lambda one: one.clusters.plan(1, [{"required_gpu": inf}]), "deployments[0].required_gpu"),
    (lambda one: one.clusters.set_policy(1, aging_seconds=nan), "aging_seconds"),
]


@pytest.mark.parametrize(("call", "field"), CALLS, ids=[field for _, field in CALLS])
def test_what_cannot_be_sent_is_named_and_not_sent(call, field):
    with local_server((200, MADE)) as server, Client(server.url, "t") as client:
        with pytest.raises(Invalid, match="cannot be sent") as told:
            call(client)
        assert server.asked == []
    ((wrong, detail),) = told.value.fields
    assert wrong == field
    assert "Write " in detail
