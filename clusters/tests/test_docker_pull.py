"""Pulling images with a real engine from a real registry, and from servers that are none."""

from dataclasses import replace

import pytest

from clusters.runtimes import docker_pull
from clusters.runtimes.base import Cause, RegistryLogin, RuntimeFailure
from clusters.runtimes.docker import DockerDriver
from clusters.runtimes.docker_image import ImageName, parse_image
from clusters.runtimes.endpoints import Endpoint, Scheme
from clusters.runtimes.http import EngineHTTP

from .docker_engine import STAFF, new_owner, refusal, spec
from .engine_server import says, server
from .registry import Registry, running_registry


@pytest.fixture(scope="module")
def registry(docker_http, tmp_path_factory):
    """A private registry with one image that the engine does not have."""
    with running_registry(docker_http, tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def private(registry: Registry):
    """What runs the private image; the engine forgets it afterwards."""
    yield spec("true", image=registry.image, login=registry.login)
    registry.forget()


def told(call) -> tuple[bool, Cause | None]:
    failure = refusal(call)
    assert "127.0.0.1" not in str(failure)
    return failure.permanent, failure.cause


class TestARealRegistry:
    def test_a_private_image_is_pulled_with_its_login_and_runs(self, docker, private, monkeypatch) -> None:
        monkeypatch.setattr(docker_pull, "_PROGRESS_SECONDS", 0)
        sentences: list[str] = []
        assert docker.needs_pull(private)
        docker.pull(private, sentences.append)
        assert sentences[-1].startswith("100 % of 1.0")
        docker.start(private)

    def test_an_image_that_is_there_is_pulled_again_for_each_login(self, docker, private) -> None:
        docker.pull(private, print)
        assert docker.needs_pull(private)
        wrong = replace(private, login=replace(private.login, password="wrong"))
        assert docker.needs_pull(wrong)
        assert told(lambda: docker.pull(wrong, print)) == (True, Cause.IMAGE_PULL_DENIED)

    def test_without_a_login_it_is_denied(self, docker, private) -> None:
        anonymous = replace(private, login=None)
        assert told(lambda: docker.pull(anonymous, print)) == (True, Cause.IMAGE_PULL_DENIED)

    @pytest.mark.parametrize("name", ["team/image:none", "team/nothing:1", "team/image@sha256:" + "0" * 64])
    def test_an_image_that_the_registry_lacks_is_not_found(
        self, docker, registry, private, name: str
    ) -> None:
        unknown = replace(private, image=f"{registry.host}/{name}")
        assert told(lambda: docker.pull(unknown, print)) == (True, Cause.IMAGE_NOT_FOUND)

    def test_a_login_for_another_registry_is_not_sent(self, docker, private) -> None:
        other = replace(private, login=replace(private.login, server="registry.example.org"))
        assert told(lambda: docker.pull(other, print)) == (True, Cause.IMAGE_PULL_DENIED)

    def test_a_registry_that_cannot_be_reached_may_be_asked_again(self, docker) -> None:
        nowhere = spec("true", image="127.0.0.1:1/team/image")
        assert told(lambda: docker.pull(nowhere, print)) == (False, Cause.IMAGE_PULL_FAILED)

    def test_a_pull_ends_with_its_time(self, docker, private) -> None:
        failure = refusal(lambda: docker.pull(private, print, total_seconds=0.001))
        assert (str(failure), failure.permanent) == ("The engine did not answer in time.", False)


class TestAnEngineThatLies:
    @staticmethod
    def pull(tmp_path, body: str, status: str = "200 OK", progress=print) -> None:
        path = str(tmp_path / "sock")
        with server(says(f"HTTP/1.1 {status}", body=body), path=path):
            driver = DockerDriver(EngineHTTP(Endpoint(Scheme.UNIX, path=path), STAFF), new_owner())
            driver.pull(spec("x"), progress)

    @pytest.mark.parametrize(
        ("said", "permanent", "cause"),
        [
            ("no space left on device SECRET", False, Cause.ENGINE_FULL),
            ("toomanyrequests: SECRET", False, Cause.IMAGE_PULL_FAILED),
            ("no matching manifest for linux/arm64 SECRET", True, Cause.IMAGE_PULL_FAILED),
            ("manifest unknown", True, Cause.IMAGE_NOT_FOUND),
            ("pull access denied for x, repository does not exist", True, Cause.IMAGE_PULL_DENIED),
            ("unexpected EOF SECRET", False, Cause.IMAGE_PULL_FAILED),
        ],
    )
    @pytest.mark.parametrize(
        "form", ['{{"error": "{}"}}', '{{"status": "x"}}\n{{"errorDetail": {{"message": "{}"}}}}']
    )
    def test_an_error_in_the_stream_is_a_failure_in_our_words(
        self, tmp_path, form: str, said: str, permanent: bool, cause: Cause
    ) -> None:
        failure = refusal(lambda: self.pull(tmp_path, form.format(said)))
        assert (failure.permanent, failure.cause) == (permanent, cause)
        assert "SECRET" not in str(failure)

    @pytest.mark.parametrize(
        "body",
        [
            "garbage",
            "[1]",
            '{"status": "Downloading"}',
            '{"status": "Downloading", "progressDetail": 7}',
            "[" * 99999,
        ],
    )
    def test_garbage_is_told(self, tmp_path, body: str) -> None:
        assert "does not speak as a Docker engine" in str(refusal(lambda: self.pull(tmp_path, body)))

    def test_progress_is_told_seldom(self, tmp_path) -> None:
        line = '{"status": "Downloading", "id": "a", "progressDetail": {"current": 420, "total": 1000}}\n'
        sentences: list[str] = []
        self.pull(tmp_path, line * 500, progress=sentences.append)
        assert sentences == ["42 % of 1 kB"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("busybox", ("docker.io", "busybox", "latest")),
        ("team/image:1.0", ("docker.io", "team/image", "1.0")),
        ("index.docker.io/team/image", ("docker.io", "index.docker.io/team/image", "latest")),
        ("localhost/image", ("localhost", "localhost/image", "latest")),
        ("HOST.example:5000/a/b:t", ("host.example:5000", "HOST.example:5000/a/b", "t")),
        (
            "registry.example.org/a/b:t@sha256:" + "a" * 64,
            ("registry.example.org", "registry.example.org/a/b", "sha256:" + "a" * 64),
        ),
    ],
)
def test_a_name_of_an_image_has_three_parts(text: str, parts: tuple[str, str, str]) -> None:
    assert parse_image(text) == ImageName(*parts)


@pytest.mark.parametrize(
    "text", ["", " ", "a b", "../x", "a//b", "a/", "a:", "a@sha256:x", "a?x=1", "a\nb", "a#b", "-a"]
)
def test_what_is_no_image_is_a_permanent_failure(text: str) -> None:
    with pytest.raises(ValueError, match="Not the name"):
        parse_image(text)


def test_a_login_shows_no_password() -> None:
    assert "SECRET" not in repr(RegistryLogin("s", "u", "SECRET"))
    assert issubclass(RuntimeFailure, Exception)
