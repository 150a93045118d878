"""An operator with a browser, who notices what a page does wrong."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

TOO_BAD = {"serious", "critical"}
LEFT = "net::ERR_ABORTED"
"""A request that the browser itself gave up, since the page was left meanwhile."""


class Visitor:
    """One window. `complaints`: what went wrong on the pages until now, a line each."""

    def __init__(self, browser: Browser, address: str, *, theme: str, width: int) -> None:
        self.complaints: list[str] = []
        self.address = address
        self.name = f"{theme}, {width} px"
        self.context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if theme == "dark" else "light",
            reduced_motion="reduce",
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.page.on("console", lambda said: said.type == "error" and self._complain("console", said.text))
        self.page.on("pageerror", lambda error: self._complain("script", str(error)))
        self.page.on("requestfailed", self._request_failed)
        self.page.on("response", lambda got: got.status >= 400 and self._complain(str(got.status), got.url))

    def sign_in(self, name: str, password: str) -> None:
        self.page.goto(f"{self.address}/admin/login/")
        self.look()
        self.page.fill("[name=username]", name)
        self.page.fill("[name=password]", password)
        self.page.click("[type=submit]")
        self.page.wait_for_url("**/admin/")
        self.look()

    def visit(self, path: str) -> None:
        self.page.goto(self.address + path)
        self.look()

    def look(self) -> None:
        """Hold the page as it is now to what every page must keep to."""
        self.page.wait_for_load_state("load")
        # What is half faded in has half its contrast.
        self.page.wait_for_function("document.getAnimations().every(one => one.playState != 'running')")
        for found in Axe().run(self.page).response["violations"]:
            if found["impact"] in TOO_BAD:
                where = "; ".join(f"{node['target'][0]} {node['html'][:120]}" for node in found["nodes"][:3])
                self._complain(f"axe {found['id']} ({len(found['nodes'])}×)", where)
        wide = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if wide > 0:
            self._complain("too wide", f"by {wide} px")

    def pages(self) -> list[str]:
        """The addresses in the sidebar."""
        links = self.page.eval_on_selector_all(
            "#nav-sidebar-inner a[href^='/admin/']", "all => all.map(one => one.getAttribute('href'))"
        )
        return sorted({link for link in links if not link.startswith(("/admin/logout", "/admin/password"))})

    def _request_failed(self, request: Any) -> None:
        if request.failure != LEFT:
            self._complain("request", f"{request.url} {request.failure}")

    def _complain(self, kind: str, text: str) -> None:
        self.complaints.append(f"{self.name} {self.page.url.removeprefix(self.address)}: {kind}: {text}")
