"""How `--watch` knows that something changed."""

import time

import pytest

from hypervisor_cli.live import POLL_SECONDS, REFRESH_SECONDS, Changes
from hypervisor_client import Client, Retries

from .local_server import local_server

QUICK = Retries(attempts=1)
STREAM = (200, ": ready\n\nevent: deployment\ndata: {}\n\n", {"Content-Type": "text/event-stream"})


@pytest.fixture
def changes_of():
    begun = []

    def begin(client):
        begun.append(Changes(client, None))
        return begun[-1]

    yield begin
    for changes in begun:
        changes.end()


def test_the_live_stream_tells_of_each_change(changes_of):
    with local_server(STREAM) as server:
        changes = changes_of(Client(server.url, "t", retries=QUICK))
        assert changes.happened.wait(30)
        assert changes.is_live
        assert changes.longest_wait == REFRESH_SECONDS


def test_a_service_without_a_stream_is_asked_again_and_again(changes_of):
    with local_server((404, {"detail": "There is no such path."})) as server:
        changes = changes_of(Client(server.url, "t", retries=QUICK))
        deadline = time.monotonic() + 30
        while not server.asked:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert not changes.is_live
        assert changes.longest_wait == POLL_SECONDS
        assert not changes.happened.is_set()


@pytest.mark.processes
def test_the_services_own_stream_tells_of_a_deployments_life(alice, box):
    events = alice.events(cluster_id=box.id)
    assert next(events).topic == "ready"
    made = alice.deployments.submit(
        name="told",
        docker_image="x",
        cluster_id=box.id,
        required_cpu=1,
        required_ram=1,
        simulated_seconds=0.5,
    )
    seen = []
    for event in events:
        if event.deployment_id == made.id:
            seen.append(event.kind)
            assert event.cluster_id == box.id
        if seen[-1:] == ["completed"]:
            break
    assert seen[0] == "submitted"
    assert {"scheduled", "running"} <= set(seen)


@pytest.mark.processes
def test_watching_a_service_with_a_stream_is_live(alice, changes_of):
    changes = changes_of(alice)
    assert changes.happened.wait(30)
    assert changes.is_live
