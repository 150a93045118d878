"""The file with the tokens."""

import json
import stat
import threading
import time

import pytest

from hypervisor_cli.exits import Failure
from hypervisor_cli.profiles import Profile, Profiles, ProfileStore, folder
from hypervisor_client import Tokens

ALICE = Profile("http://a", "alice", "access", "refresh")


@pytest.fixture
def profiles(tmp_path):
    return Profiles(tmp_path / "hv")


def test_only_its_owner_can_read_it_and_nothing_else_is_left(profiles, tmp_path):
    profiles.put("default", ALICE)
    profiles.put("default", ALICE)
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "hv").iterdir()}
    assert found == {"profiles.json": 0o600, "profiles.lock": 0o600}
    assert stat.S_IMODE((tmp_path / "hv").stat().st_mode) == 0o700


def test_profiles_do_not_disturb_each_other(profiles):
    profiles.put("one", ALICE)
    profiles.put("two", Profile("http://b"))
    ProfileStore(profiles, "one", ALICE).save(Tokens("new", "next"))
    assert profiles.get("one") == Profile("http://a", "alice", "new", "next")
    assert profiles.get("two") == Profile("http://b")
    profiles.drop("one")
    assert (profiles.get("one"), profiles.names()) == (None, ["two"])


def test_many_writers_lose_nothing(tmp_path):
    def write(number):
        Profiles(tmp_path / "hv").put(str(number), ALICE)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Profiles(tmp_path / "hv").names()) == 20


def test_threads_of_one_command_renew_once(profiles):
    """`--watch` looks in one thread and listens in another; a refresh token that is sent again ends the session."""
    profiles.put("default", ALICE)
    store, first_is_in, sent = ProfileStore(profiles, "default", ALICE), threading.Event(), []

    def renew():
        with store.alone():
            first_is_in.set()
            now = store.load()
            if now.access == ALICE.access:
                sent.append(now.refresh)
                # As long as a service takes to answer.
                time.sleep(0.2)
                store.save(Tokens("new", "next"))

    threads = [threading.Thread(target=renew) for _ in range(2)]
    threads[0].start()
    assert first_is_in.wait(10)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert sent == ["refresh"]


def test_a_writing_that_fails_leaves_the_old_file(profiles, monkeypatch, tmp_path):
    profiles.put("default", ALICE)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        profiles.put("default", Profile("http://b"))
    assert profiles.get("default") == ALICE
    assert sorted(path.name for path in (tmp_path / "hv").iterdir()) == ["profiles.json", "profiles.lock"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"profiles": {"default": {"nonsense": 1}}}', '{"profiles": 1}']
)
def test_a_damaged_file_says_what_to_do(profiles, tmp_path, text):
    (tmp_path / "hv").mkdir()
    (tmp_path / "hv" / "profiles.json").write_text(text)
    with pytest.raises(Failure, match="Move it away"):
        profiles.get("default")


def test_the_folder_is_where_the_standard_says(tmp_path):
    assert folder({"XDG_CONFIG_HOME": "/x"}).as_posix() == "/x/hv"
    assert folder({"XDG_CONFIG_HOME": "relative"}) == folder({})
    assert folder({}).parts[-2:] == (".config", "hv")


def test_the_file_is_json(profiles, tmp_path):
    profiles.put("default", ALICE)
    assert (
        json.loads((tmp_path / "hv" / "profiles.json").read_text())["profiles"]["default"]["url"]
        == "http://a"
    )
