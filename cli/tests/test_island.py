"""The command line and the client know the service by its API alone."""

import ast
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"
SERVICE = {"hypervisor", "accounts", "organizations", "clusters", "deployments", "scheduling", "django"}
OURS = {"hypervisor_client", "hypervisor_cli"}
DECLARED = {"click", "httpx", "rich", "yaml"}


def imported():
    """Package → the first names of all that its files import."""
    found = {}
    for path in SOURCE.rglob("*.py"):
        names = found.setdefault(path.relative_to(SOURCE).parts[0], set())
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add((node.module or "").split(".")[0])
    return found


def test_neither_imports_anything_of_the_service():
    found = imported()
    assert found.keys() == OURS
    assert {name for names in found.values() for name in names} & SERVICE == set()


def test_all_that_is_imported_is_declared():
    names = {name for names in imported().values() for name in names}
    assert names - OURS - set(sys.stdlib_module_names) == DECLARED


def test_the_client_does_not_know_the_command_line():
    assert imported()["hypervisor_client"] & {"hypervisor_cli", "click", "rich", "yaml"} == set()


def test_the_service_imports_neither():
    """Its tests may: they hold the documentation of the command line to what it is."""
    for app in SERVICE - {"django"}:
        for path in (SOURCE.parents[1] / app).rglob("*.py"):
            text = "" if "tests" in path.parts else path.read_text()
            assert not [name for name in OURS if f"import {name}" in text or f"from {name}" in text], path
