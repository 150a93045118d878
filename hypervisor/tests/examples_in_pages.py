"""The fenced blocks of our pages, as what to run and what must come of it."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNNABLE = frozenset({"console", "sh", "python", "yaml", "json"})
FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,})(?P<kind>[\w-]*)(?P<more>.*)$")
COMMENT = re.compile(r"<!--\s*(?P<kind>not run|setup):\s*(?P<text>.*?)\s*-->", re.DOTALL)
TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. `title`: the name of the file that it is; `comment`: what stands just before it."""

    page: str
    line: int
    kind: str
    text: str
    title: str = ""
    not_run: str = ""
    setup: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(slots=True)
class Command:
    """A command as it is typed, and the output that the page shows below it; none: whatever comes."""

    text: str
    shown: list[str] = field(default_factory=list)


def pages() -> list[Path]:
    """README.md, then the tour, then all others by name: the order in which they run."""
    docs = sorted((ROOT / "docs").rglob("*.md"), key=lambda page: (page.name != "tour.md", str(page)))
    return [ROOT / "README.md", *docs]


def blocks(page: Path) -> Iterator[Block]:
    """All fenced blocks of a page, in order."""
    lines = page.read_text().splitlines()
    place = 0
    while place < len(lines):
        opened = FENCE.match(lines[place])
        if opened is None:
            place += 1
            continue
        first, indent = place, len(opened["indent"])
        place += 1
        while lines[place].strip() != opened["fence"]:
            place += 1
        title = TITLE.search(opened["more"])
        said = _comment_before(lines, first)
        yield Block(
            page=str(page.relative_to(ROOT)),
            line=first + 1,
            kind=opened["kind"],
            text="\n".join(line[indent:] for line in lines[first + 1 : place]),
            title=title[1] if title else "",
            not_run=said.get("not run", ""),
            setup=said.get("setup", ""),
        )
        place += 1


def commands(block: Block) -> list[Command]:
    """A console block's commands: a line with `$ `, those that bash still needs to end it, and what is shown."""
    found: list[Command] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(Command(line[2:]))
        elif found and not found[-1].shown and _goes_on(found[-1].text):
            found[-1].text += f"\n{line}"
        elif found:
            found[-1].shown.append(line)
        else:
            raise ValueError(f"{block}: a console block begins with a line `$ COMMAND`, not with {line!r}.")
    return found


def _goes_on(text: str) -> bool:
    if text.endswith("\\"):
        return True
    said = subprocess.run(["bash", "-n", "-c", text], capture_output=True, text=True, check=False).stderr
    return "end of file" in said or "unexpected EOF" in said or "delimited by end-of-file" in said


def _comment_before(lines: list[str], fence: int) -> dict[str, str]:
    """The comments that end on the last line with text before a fence."""
    before = "\n".join(lines[:fence]).rstrip()
    found: dict[str, str] = {}
    while before.endswith("-->"):
        start = before.rindex("<!--")
        if said := COMMENT.fullmatch(before[start:]):
            found[said["kind"]] = said["text"]
        before = before[:start].rstrip()
    return found
