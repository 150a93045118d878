"""The session that the README shows, played again: the same commands, the same words.

`RECORD_SESSION=1` writes the file anew from what was seen.
"""

import os
import re
import shlex
import time
from pathlib import Path

import click
import pytest

from hypervisor_cli.commands import COMMANDS

from .conftest import PASSWORD

pytestmark = pytest.mark.processes

HERE = Path(__file__).parent
FILE, SHOWN_URL = HERE / "session.txt", "http://127.0.0.1:8000"
LOOKS = {"ps", "why", "describe", "top", "queue", "plan"}
"""They change nothing: they may be asked again until the service is as far as it was then."""
PATIENCE_SECONDS = 0 if os.environ.get("RECORD_SESSION") else 30
NOT_ALIKE = (
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(\+00:00|Z)"), "AT"),
    (re.compile(r"\d\d:\d\d:\d\d"), "TIME"),
    (re.compile(r"#\d+"), "#N"),
    (re.compile(r"(?m)^\s*(\d+ +)?\d+  (?=[a-z])"), "N  "),
    (re.compile(r"hv (change|why) \d+"), r"hv \1 N"),
    (re.compile(r"join \S+"), "join CODE"),
    (re.compile(r"\d+ (s|min)\b"), "SPAN"),
    (re.compile(r"\d+ GPU-seconds"), "LOST"),
    (re.compile(r" +"), " "),
)


def alike(text):
    """Without what is another one each time."""
    for pattern, word in NOT_ALIKE:
        text = pattern.sub(word, text)
    return text.strip()


def steps():
    """Each command, and the text that it printed."""
    return [
        (step.split("\n", 1)[0], step.partition("\n")[2].rstrip("\n"))
        for step in FILE.read_text().removeprefix("$ ").split("\n$ ")
    ]


def played(stranger, command, url, then):
    """What the command prints now."""
    words = shlex.split(command.replace(SHOWN_URL, url))
    if words[0] == "sleep":
        time.sleep(float(words[1]))
        return ""
    if words[0] == "cat":
        return (HERE / f"session_{words[1]}").read_text()
    stdin = ""
    if "<" in words:
        words, stdin = words[: words.index("<")], PASSWORD
    words = [str(HERE / f"session_{word}") if word.endswith(".yaml") else word for word in words]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        said = stranger(*words[1:], stdin=stdin)
        assert said.code == 0, said
        out = said.out.replace(url, SHOWN_URL)
        if words[1] not in LOOKS or alike(out) == alike(then) or time.monotonic() > deadline:
            return out
        time.sleep(0.2)


def test_the_session_goes_as_it_is_written(stranger, url):
    # The service has one alice already; her name is nothing that the text tells more than once.
    seen = []
    recording = bool(os.environ.get("RECORD_SESSION"))
    for command, then in steps():
        out = played(stranger, command.replace("alice", "alina"), url, "" if recording else then)
        out = out.replace("alina", "alice").rstrip("\n")
        if not recording:
            assert alike(out) == alike(then), command
        seen.append(f"$ {command}\n{out}".rstrip("\n"))
    if recording:
        FILE.write_text("\n".join(seen) + "\n")


def test_the_commands_without_json_are_those_that_the_readme_names():
    def without_json(command):
        if isinstance(command, click.Group):
            return {name for one in command.commands.values() for name in without_json(one)}
        return set() if any("--json" in one.opts for one in command.params) else {command.name}

    every = {name for command in COMMANDS for name in without_json(command)}
    assert every == {"login", "logout", "register", "logs", "completion"}
    told = "Every command but those that sign in or out, `logs` and `completion` knows `--json`"
    assert told in (HERE.parents[1] / "README.md").read_text()


def test_the_readme_shows_this_session():
    assert FILE.read_text().rstrip("\n") in (HERE.parents[1] / "README.md").read_text()
