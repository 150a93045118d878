"""Pages out of sections of README.md, and out of CHANGELOG.md, so that nothing is written twice."""

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = {"Five minutes": "curl", "Configuration": "configuration", "Measured": "measured"}
TITLES = {"Five minutes": "Five minutes with curl"}
LINK = re.compile(r"\]\((?:\.\./)+(?P<file>README|CHANGELOG)\.md(?:#(?P<anchor>[\w-]+))?\)")


def every() -> dict[str, str]:
    """The path of each page → its text."""
    readme = (ROOT / "README.md").read_text()
    found = {f"generated/{name}.md": _page(readme, title) for title, name in SECTIONS.items()}
    found["generated/changes.md"] = _from_docs((ROOT / "CHANGELOG.md").read_text())
    return found


def lead_home(text: str, page: str) -> str:
    """Links to the two files outside of docs/, from a page at this path, as links to the pages made from them."""
    folder = posixpath.dirname(page) or "."
    targets: dict[tuple[str, str | None], str] = {
        ("README", None): "index.md",
        ("CHANGELOG", None): "generated/changes.md",
    }
    for title, name in SECTIONS.items():
        targets["README", title.lower().replace(" ", "-")] = f"generated/{name}.md"

    def home(link: re.Match[str]) -> str:
        target = targets.get((link["file"], link["anchor"]))
        # What is on no page is left as it is, and mkdocs warns of it.
        return f"]({posixpath.relpath(target, folder)})" if target else link[0]

    return LINK.sub(home, text)


def _page(readme: str, title: str) -> str:
    begin = readme.index(f"\n## {title}\n") + 1
    end = readme.find("\n## ", begin)
    text = readme[begin : end if end > 0 else None].removeprefix(f"## {title}\n")
    return f"# {TITLES.get(title, title)}\n{_from_docs(text)}"


def _from_docs(text: str) -> str:
    """Paths are told from the top of the repository; a page in generated/ sees docs/ one level up."""
    return text.replace("](docs/", "](../").replace("](CHANGELOG.md", "](changes.md")
