"""Every example of README.md and docs/ is run against a real service, or says why it is not."""

import json
import os
from pathlib import Path

import httpx
import pytest
import yaml

from hypervisor.demo.chaos.service import own_service
from hypervisor.tests.examples_in_pages import RUNNABLE, Block, blocks, commands, pages
from hypervisor.tests.page_shell import Shell, matches

PASSWORD = "correct horse battery"
EVERY = [block for page in pages() for block in blocks(page)]
RUN = [page for page in pages() if any(one.kind in RUNNABLE and not one.not_run for one in blocks(page))]


def name(page: Path) -> str:
    return page.name


def test_each_example_is_run_or_says_why_not():
    assert len(EVERY) > 50
    for block in EVERY:
        if block.kind not in RUNNABLE or block.not_run:
            continue
        if block.kind in {"yaml", "json"}:
            used = [one for one in EVERY if one.page == block.page and one.line > block.line]
            assert block.title, (
                f'{block}: give it title="FILE", or say why it is not run: <!-- not run: … -->'
            )
            assert any(block.title in one.text and not one.not_run for one in used), (
                f"{block}: no command of this page uses {block.title}"
            )
        if block.kind == "console":
            assert commands(block), f"{block}: no command"


def test_no_command_hides_in_a_block_without_a_kind():
    for block in EVERY:
        if block.kind not in RUNNABLE:
            assert not block.text.startswith("$ "), f"{block}: make it a console block"


def test_what_is_called_json_or_yaml_can_be_read():
    for block in EVERY:
        if "…" in block.text:
            continue
        if block.kind == "json":
            json.loads(block.text)
        elif block.kind == "yaml":
            list(yaml.safe_load_all(block.text))


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ('{"id":1,"at":"2026-11-23T19:48:32.9Z"}', '{"id": 77, "at": "2027-01-01T00:00:00Z"}', True),
        ("#3 waits", "#9 waits", True),
        ("1 of 2 lost 7.604 GPU-seconds", "1 of 2 lost 12.25 GPU-seconds", True),
        ("1 of 2 lost", "2 of 2 lost", False),
        ("a … c", "a b b c", True),
        ("a … c", "a b b", False),
        ("ready", "ready and more", False),
    ],
)
def test_ids_and_times_may_differ_and_words_and_counts_may_not(shown, printed, same):
    assert matches(shown, printed) is same


@pytest.fixture(scope="module")
def service():
    with own_service(THROTTLE_TOKEN="1000/minute") as running:
        yield running


@pytest.fixture
def shell(service, tmp_path):
    """A terminal in an empty folder."""
    shell = Shell(tmp_path, service.url, {**os.environ, **service.environment})
    yield shell
    shell.close()


SIGNED_IN = f"""
API=http://127.0.0.1:8000
export TOKEN=$(curl -s $API/token -d username=alice -d 'password={PASSWORD}' |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
call() {{ curl -s -H 'Content-Type: application/json' -H "Authorization: Bearer $TOKEN" "$API$@"; }}
export HV_URL=$API HV_TOKEN=$TOKEN
"""


def furnish(url: str) -> None:
    """What the pages behind README.md find where they are run alone: alice, her lab, and its cluster 1."""
    with httpx.Client(base_url=url) as client:
        client.post("/register", json={"username": "alice", "password": PASSWORD})
        token = client.post("/token", data={"username": "alice", "password": PASSWORD}).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        if not client.get("/organizations").json()["results"]:
            client.post("/organizations", json={"name": "lab"})
            body = {
                "name": "gpu-box",
                "organization_id": 1,
                "total_ram": 256,
                "total_cpu": 64,
                "total_gpu": 8,
            }
            client.post("/clusters", json=body)


@pytest.mark.processes
@pytest.mark.parametrize("path", RUN, ids=name)
def test_the_examples_of_a_page_do_what_it_says(path, service, shell):
    if path.name not in {"README.md", "tour.md"}:
        furnish(service.url)
        shell.type(SIGNED_IN)
    for block in blocks(path):
        run(block, shell)


def run(block: Block, shell: Shell) -> None:
    """Types it, or keeps it as the file that it is."""
    if block.setup:
        shell.type_until(block.setup, [])
    if block.not_run or block.kind not in RUNNABLE:
        return
    if block.title:
        shell.keep(block.title, block.text)
    elif block.kind == "console":
        for command in commands(block):
            shell.type_until(command.text, command.shown)
    elif block.kind == "sh":
        shell.type_until(block.text, [])
    elif block.kind == "python":
        shell.keep("example.py", block.text)
        shell.type_until("python3 example.py", [])
