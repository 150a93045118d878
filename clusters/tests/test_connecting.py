"""Who may connect a cluster to what, when it is made and whenever its connection changes."""

import pytest

from accounts import secrets
from clusters.models import Cluster, Installation
from clusters.tests.factories import ClusterFactory
from clusters.tests.fake_engine import ADDRESS, SERVER, SOCKET

pytestmark = pytest.mark.django_db
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: there
contexts: [{name: there, context: {cluster: there, user: me}}]
clusters: [{name: there, cluster: {server: "https://169.254.169.254:6443"}}]
users: [{name: me, user: {token: not-shown}}]
"""


def tcp(host):
    return {"endpoint": f"tcp://{host}:2376"}


CASES = {
    "a socket of this machine": ("docker", SOCKET, "endpoint"),
    "the cluster that we run in": ("kubernetes", {"in_cluster": True}, "in_cluster"),
    "a host that nobody listed": ("docker", tcp("elsewhere.example.com"), "endpoint"),
    "a server that nobody listed": ("kubernetes", SERVER | {"server": "https://elsewhere.org"}, "server"),
    "this machine by its address": ("docker", tcp("127.0.0.1"), "endpoint"),
    "this machine by its other address": ("docker", tcp("[::1]"), "endpoint"),
    "where a cloud tells its credentials": ("docker", tcp("169.254.169.254"), "endpoint"),
    "the same in a kubeconfig": ("kubernetes", {"kubeconfig": KUBECONFIG}, "kubeconfig"),
    "a listed host at another port": ("docker", {"endpoint": "tcp://gpu-box.example.com:22"}, "endpoint"),
}
LISTED = {
    "a listed host": ("docker", ADDRESS),
    "an address in a listed network": ("docker", {"endpoint": "tcp://10.1.2.3:2377"}),
    "a listed server": ("kubernetes", SERVER),
}


@pytest.fixture(autouse=True)
def listed(settings):
    settings.CLUSTER_ENDPOINTS = ("gpu-box.example.com:2376", "10.1.0.0/16:2377", "k8s.example.com")


@pytest.fixture
def staff(alice):
    alice.is_superuser = True
    alice.save()
    return alice


def body(lab, runtime, connection):
    return {"name": "new", "organization_id": lab.pk, "runtime": runtime, "connection": connection}


@pytest.mark.usefixtures("fake_engine")
@pytest.mark.parametrize("case", CASES)
def test_an_owner_may_not_connect(api, alice, lab, case):
    runtime, connection, field = CASES[case]
    answer = api(alice).post("/clusters", body(lab, runtime, connection))
    assert answer.status_code == 400, answer.json()
    assert [error["field"] for error in answer.json()["errors"]] == [f"connection.{field}"]
    assert "staff" in answer.json()["detail"] or "CLUSTER_ENDPOINTS" in answer.json()["detail"]
    assert not Cluster.objects.exists()


@pytest.mark.usefixtures("fake_engine")
@pytest.mark.parametrize("case", CASES)
def test_platform_staff_may_connect(api, staff, lab, case):
    runtime, connection, _ = CASES[case]
    assert api(staff).post("/clusters", body(lab, runtime, connection)).status_code == 201
    assert Cluster.objects.get().connected_by_staff


@pytest.mark.parametrize("case", LISTED)
def test_an_owner_may_connect_what_the_operator_listed(api, alice, lab, fake_engine, case):
    runtime, connection = LISTED[case]
    assert api(alice).post("/clusters", body(lab, runtime, connection)).status_code == 201
    made = Cluster.objects.get()
    assert (made.connected_by_staff, secrets.decrypt(made.connection)) == (False, connection)
    # The driver is told no more than the list, and asks it again at each connect.
    (reach,) = fake_engine.reaches
    assert (reach.trusted, reach.entries[0]) == (False, "gpu-box.example.com:2376")


@pytest.mark.usefixtures("fake_engine")
def test_ssh_is_for_platform_staff(api, alice, lab):
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption()).decode()
    line = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH).decode()
    connection = {"endpoint": "ssh://root@gpu-box.example.com:2376", "private_key": pem, "host_key": line}
    refused = api(alice).post("/clusters", body(lab, "docker", connection))
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "connection.endpoint")
    assert "OPENSSH" not in refused.content.decode()
    alice.is_superuser = True
    alice.save()
    assert api(alice).post("/clusters", body(lab, "docker", connection)).status_code == 201


@pytest.mark.usefixtures("fake_engine")
def test_who_changes_a_connection_of_staff_is_held_to_the_rules_themselves(api, alice, staff, lab):
    made = api(staff).post("/clusters", body(lab, "docker", SOCKET)).json()
    alice.is_superuser = False
    alice.save()
    address = f"/clusters/{made['id']}"
    assert api(alice).patch(address, {"connection": SOCKET}).status_code == 400
    assert Cluster.objects.get().connected_by_staff
    assert api(alice).patch(address, {"name": "renamed", "paused": True}).status_code == 200
    assert Cluster.objects.get().connected_by_staff
    assert api(alice).patch(address, {"connection": ADDRESS}).status_code == 200
    assert not Cluster.objects.get().connected_by_staff


def test_a_real_engine_needs_a_connection_and_hears_what_to_write(api, alice, lab):
    for runtime in ("docker", "kubernetes"):
        for connection in (None, {}):
            answer = api(alice).post("/clusters", body(lab, runtime, connection))
            assert answer.status_code == 400
            (error,) = answer.json()["errors"]
            assert error["field"] == "connection"
            assert "HOST" in error["detail"]
    cluster = ClusterFactory(organization=lab, runtime="docker")
    assert api(alice).patch(f"/clusters/{cluster.pk}", {"connection": None}).status_code == 400


def test_a_wrong_connection_is_refused_by_field_and_its_secrets_stay_secret(api, alice, lab):
    wrong = ADDRESS | {"key": "a key that nobody may see", "nonsense": 1}
    answer = api(alice).post("/clusters", body(lab, "docker", wrong))
    fields = {error["field"] for error in answer.json()["errors"]}
    assert answer.status_code == 400
    assert "connection.nonsense" in fields
    assert "nobody may see" not in answer.content.decode()


@pytest.mark.usefixtures("fake_engine")
def test_the_connection_is_never_shown(api, alice, lab):
    made = api(alice).post("/clusters", body(lab, "kubernetes", SERVER))
    shown = api(alice).get(f"/clusters/{made.json()['id']}")
    for answer in (made, shown):
        assert "connection" not in answer.json()
        assert "only-for-the-test" not in answer.content.decode()


@pytest.mark.usefixtures("fake_engine")
def test_a_cluster_keeps_its_runtime(api, alice, cluster):
    answer = api(alice).patch(f"/clusters/{cluster.pk}", {"runtime": "docker", "connection": ADDRESS})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "runtime")


def test_containers_are_marked_with_the_installation_and_the_cluster(api, alice, lab, fake_engine):
    for name in ("one", "two"):
        assert api(alice).post("/clusters", body(lab, "docker", ADDRESS) | {"name": name}).status_code == 201
    one, two = fake_engine.owners
    assert one.installation == two.installation == Installation.objects.get().uuid.hex
    assert {one.cluster, two.cluster} == {made.engine_id.hex for made in Cluster.objects.all()}
