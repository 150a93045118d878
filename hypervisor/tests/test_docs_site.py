"""The documentation builds without a warning, and no link of it, nor of README.md, leads nowhere."""

import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from hypervisor.tests.examples_in_pages import ROOT, pages

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*?) *$", re.MULTILINE)


class Page(HTMLParser):
    """What a page of HTML links to, what it loads, and which anchors it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.anchors |= {one for one in (told.get("id"), told.get("name") if tag == "a" else None) if one}
        (self.links if tag == "a" else self.loads).update(
            one for one in (told.get("href"), told.get("src")) if one
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Every page of the built site, by its path."""
    if importlib.util.find_spec("material") is None:
        pytest.skip("mkdocs-material is not installed")
    folder = tmp_path_factory.mktemp("site")
    # Not --quiet: it keeps warnings from being counted, too, and then nothing is strict.
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-f", "docs/site/mkdocs.yml", "-d", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    return {page: Page(page.read_text()) for page in folder.rglob("*.html")}


def test_each_link_of_the_site_leads_to_a_file_and_an_anchor(site):
    assert len(site) > 25
    for page, told in site.items():
        if page.name == "404.html":
            continue
        for link in told.links | told.loads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.exists(), f"{page.name}: {link}"
            if parts.fragment and target in site:
                assert unquote(parts.fragment) in site[target].anchors | {"__top"}, f"{page.name}: {link}"


def test_a_reader_of_the_site_asks_no_other_server(site):
    for page, told in site.items():
        assert not [link for link in told.loads if urlsplit(link).netloc], page.name


def test_each_call_and_each_command_has_its_place(site):
    from hypervisor_cli.commands import COMMANDS

    anchors = {page.name: told.anchors for page, told in site.items()}
    assert {"submit_deployment", "plan_cluster"} <= anchors["deployments.html"] | anchors["clusters.html"]
    assert {f"hv-{command.name}" for command in COMMANDS} <= anchors["hv.html"]


def test_each_link_of_the_pages_as_they_lie_in_the_repository_leads_to_a_file_and_a_heading():
    for page in [*pages(), ROOT / "CHANGELOG.md"]:
        text = page.read_text()
        for link in LINK.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = page.parent / parts.path if parts.path else page
            assert target.exists(), f"{page.name}: {link}"
            if parts.fragment:
                assert parts.fragment in headings(target), f"{page.name}: {link}"


def headings(page: Path) -> set[str]:
    """The anchors that a page's headings have, in the repository and on the site alike."""
    plain = (re.sub(r"[^\w\s-]", "", title.lower()) for title in HEADING.findall(page.read_text()))
    return {title.strip().replace(" ", "-") for title in plain}
