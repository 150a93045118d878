"""A real service with a small workload, and a real Chromium. Without one these tests are skipped; in CI they fail."""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

from hypervisor.demo.chaos.service import own_service

from .visitor import Visitor
from .workload import PASSWORD, fill

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="session")
def chromium_path():
    """Where Chromium is: as CHROMIUM says, or on the PATH."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found and shutil.which(found):
        return found
    reason = "There is no Chromium here. Install it (apt install chromium), or say where it is in CHROMIUM."
    return pytest.fail(reason, pytrace=False) if os.environ.get("CI") else pytest.skip(reason)


@pytest.fixture(scope="session")
def service(chromium_path):
    with own_service(DJANGO_SUPERUSER_PASSWORD=PASSWORD, SCHEDULER_INTERVAL="1") as service:
        yield service


@pytest.fixture(scope="session")
def filled(service):
    return fill(service.url)


@pytest.fixture(scope="module")
def chromium(chromium_path):
    """Not for the session: while Playwright's loop is there, Django refuses every query of the other tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium, service, filled):
    """`visitor(theme=…, width=…)` is an operator who has signed in, and in the end has nothing to complain about."""
    made = []

    def visitor(*, theme="light", width=1280):
        operator = Visitor(chromium, service.url, theme=theme, width=width)
        made.append(operator)
        operator.sign_in("admin", PASSWORD)
        return operator

    yield visitor
    complaints = [line for operator in made for line in operator.complaints]
    for operator in made:
        operator.context.close()
    assert not complaints, "\n".join(complaints)
