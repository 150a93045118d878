"""`.env.example` lists what is read, all of it and nothing else, with the defaults that hold."""

import ast
import re
from itertools import pairwise

from hypervisor import environment as env

from .test_environment import example, setting

APPS = ("hypervisor", "accounts", "organizations", "clusters", "deployments", "scheduling")
NAME = re.compile(r"[A-Z][A-Z0-9_]{2,}")
NOT_OURS = {
    "PATH": "the operating system's",
    "NO_COLOR": "the terminal's",
    "DJANGO_SETTINGS_MODULE": "names the settings, so they cannot name it",
    "DOCKER_HOST": "Docker's own clients'",
    "KUBERNETES_SERVICE_HOST": "a pod's",
    "KUBERNETES_SERVICE_PORT": "a pod's",
    "REMOTE_ADDR": "the web server's, of each request",
    "HYPERVISOR_EMBEDDED": "what `make run` tells its own children",
}
READERS = {
    "text", "whole_number", "flag", "choice", "rate", "words", "origins", "endpoints", "registries", "networks",
    "token", "get", "pop", "setdefault",
}  # fmt: skip
HOLDERS = {"env", "environ", "environment", "own_environment", "given"}


def sources():
    for app in APPS:
        for path in (env.PROJECT / app).rglob("*.py"):
            if "tests" not in path.parts and "migrations" not in path.parts:
                yield path


def variables_read(path):
    """Names given to a reader of the environment, and those that the readers themselves know."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(
                func=ast.Attribute(value=holder, attr=reader), args=[ast.Constant(value=str(name)), *_]
            ):
                if reader in READERS and last_word(holder) in HOLDERS:
                    yield name
            case ast.Subscript(value=holder, slice=ast.Constant(value=str(name))) if (
                last_word(holder) in HOLDERS
            ):
                yield name
            case ast.Constant(value=str(name)) if (
                path.name == "environment.py" and path.parent.name == "hypervisor"
            ):
                yield name


def last_word(node):
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def variables_of_compose():
    return set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", (env.PROJECT / "docker-compose.yml").read_text()))


def test_the_example_lists_exactly_what_is_read():
    read = {name for path in sources() for name in variables_read(path) if NAME.fullmatch(name)}
    assert {"PORT", "HOST", "DATA_DIR", "DJANGO_SUPERUSER_PASSWORD", "SECRET_KEY"} <= read, (
        "the search finds them"
    )
    assert set(example()) == (read | variables_of_compose()) - set(NOT_OURS)


def test_no_variable_is_listed_twice_and_each_has_its_line_of_explanation():
    lines = (env.PROJECT / ".env.example").read_text().splitlines()
    names = [line.split("=")[0] for line in lines if line and not line.startswith("#")]
    assert len(names) == len(set(names))
    for before, line in pairwise(lines):
        if line and not line.startswith("#"):
            assert re.match(r"# \S", before), f"{line} is not explained"


def test_the_defaults_shown_are_those_that_hold():
    names = [
        "SCHEDULER_INTERVAL_SECONDS",
        "SCHEDULER_INTERVAL",
        "ACCESS_TOKEN_EXPIRE_MINUTES",
        "PORT",
        "NUM_PROXIES",
    ]
    shown = {name: int(value) for name, value in example().items() if name in names}
    assert setting(f"{{name: getattr(settings, name) for name in {names}}}") == shown
