"""`wait`: for a status, and for no longer than that status may still come."""

import pytest

from hypervisor_client import Client

from .local_server import local_server
from .test_retries import MADE


def waited(*statuses, **more):
    answers = [(200, MADE | {"status": status}) for status in statuses]
    with local_server(*answers) as server, Client(server.url, "t") as client:
        return client.deployments.wait(7, every=0.01, timeout=5, **more).status


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
def test_one_that_ends_before_it_is_as_wanted_is_not_waited_for(end):
    assert waited("pending", end, until={"running"}) == end


def test_it_is_returned_as_soon_as_it_is_as_wanted():
    assert waited("pending", "running", "failed", until=["running"]) == "running"
    assert waited("pending", "running", "failed", until="running") == "running"
    assert waited("pending", "running", "failed") == "failed"


@pytest.mark.parametrize("until", [{"done"}, ["running", "finished"], "ended"])
def test_a_status_that_there_is_not_is_an_error_at_once(until):
    with Client("http://127.0.0.1:1") as client, pytest.raises(ValueError, match="Known are: pending"):
        client.deployments.wait(7, until=until)
