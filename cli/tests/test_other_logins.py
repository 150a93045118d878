"""A command that goes on while its profile is signed in anew, or out."""

import pytest

from hypervisor_cli.exits import Exit, Failure
from hypervisor_cli.live import Changes
from hypervisor_cli.profiles import Profile, Profiles, ProfileStore
from hypervisor_client import Client, Retries, Tokens

from .local_server import local_server
from .test_retries import MADE

QUICK = Retries(attempts=1)
ENDED = (401, {"detail": "This session has ended."})
RENEWED = (200, {"access_token": "new", "refresh_token": "next"})


def alice(url):
    return Profile(url, "alice", "access", "refresh")


def others(url):
    """What may take the place of alice's login at this address."""
    return {
        "another service": Profile("http://b", "alice", "foreign", "foreign-refresh"),
        "another user": Profile(url, "bob", "foreign", "foreign-refresh"),
        "nobody": Profile(url, "alice"),
    }


@pytest.fixture
def profiles(tmp_path):
    return Profiles(tmp_path / "home" / "hv")


@pytest.fixture(params=["another service", "another user", "nobody"])
def other(request):
    return request.param


def test_a_command_ends_where_its_profile_becomes_anothers(stranger, profiles, other, monkeypatch):
    with local_server((200, MADE)) as server:
        profiles.put("default", alice(server.url))
        late = others(server.url)[other]
        monkeypatch.setattr(
            "hypervisor_client.deployments.time.sleep", lambda _: profiles.put("default", late)
        )
        said = stranger("wait", "7", "--timeout", "5")
    assert (said.code, said.out) == (Exit.NOT_SIGNED_IN, "")
    assert said.err.startswith("Error: Profile default was signed ")
    assert "login" in said.err
    assert [asked.headers.get("Authorization") for asked in server.asked] == ["Bearer access"]


def test_another_logins_refresh_token_is_not_sent(profiles, other):
    with local_server(ENDED, RENEWED) as server:
        store = ProfileStore(profiles, "default", alice(server.url))
        late = others(server.url)[other]

        class Late:
            """The other login comes between the refusal and the renewal."""

            load, save = store.load, store.save

            def alone(self):
                profiles.put("default", late)
                return store.alone()

        profiles.put("default", alice(server.url))
        with Client(server.url, store=Late(), retries=QUICK) as client, pytest.raises(Failure, match="hv "):
            client.me()
    assert [asked.path for asked in server.asked] == ["/me"]
    assert profiles.get("default") == late


def test_a_renewal_does_not_overwrite_another_login(profiles, other):
    late = others("http://a")[other]
    profiles.put("default", late)
    with pytest.raises(Failure) as told:
        ProfileStore(profiles, "default", alice("http://a")).save(Tokens("new", "next"))
    assert told.value.code == Exit.NOT_SIGNED_IN
    assert profiles.get("default") == late


def test_a_new_login_takes_the_place_of_any(profiles, other):
    profiles.put("default", others("http://a")[other])
    store = ProfileStore(profiles, "default", Profile("http://a", "alice"), begins=True)
    store.save(Tokens("new", "next"))
    assert store.load() == Tokens("new", "next")
    assert profiles.get("default") == Profile("http://a", "alice", "new", "next")


def test_who_signs_in_again_as_the_same_at_the_same_service_goes_on(profiles):
    profiles.put("default", Profile("http://127.0.0.1/", "alice", "newer", "newest"))
    assert ProfileStore(profiles, "default", alice("http://127.0.0.1")).load() == Tokens("newer", "newest")


def test_who_watches_is_woken_to_be_told(profiles):
    with local_server((200, "")) as server:
        profiles.put("default", Profile("http://b", "alice", "foreign"))
        store = ProfileStore(profiles, "default", alice(server.url))
        changes = Changes(Client(server.url, store=store, retries=QUICK), None)
        try:
            assert changes.happened.wait(30)
        finally:
            changes.end()
        assert not changes.is_live
    assert server.asked == []
