"""What mkdocs calls while it builds: pages out of README.md, CHANGELOG.md, the API and `hv`."""

import sys
from pathlib import Path
from typing import Any

import api_pages
import hv_pages
import readme_pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Our packages can be imported from here on: mkdocs has taken back its own change of the path."""
    sys.path[:0] = [str(ROOT), str(ROOT / "cli" / "src")]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds what is generated."""
    api = api_pages.every()
    for path, text in {**readme_pages.every(), **hv_pages.every(), **api}.items():
        files.append(File.generated(config, path, content=text))
    config.nav = [_with_pages(one, list(api)) for one in config.nav or ()]
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Links to README.md and CHANGELOG.md, which are good in the repository, lead to the pages made from them."""
    return readme_pages.lead_home(markdown, page.file.src_uri)


def _with_pages(entry: Any, pages: list[str]) -> Any:
    """A part of the navigation, with these pages where it says `API: []`."""
    if isinstance(entry, list):
        return [_with_pages(one, pages) for one in entry]
    if isinstance(entry, dict):
        return {
            title: pages if title == "API" else _with_pages(inner, pages) for title, inner in entry.items()
        }
    return entry
