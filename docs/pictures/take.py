"""Fills a running service over HTTP with a small, telling workload, and takes the pictures of its console.

    python docs/pictures/take.py --address http://127.0.0.1:8000 --password PASSWORD [--engine unix:///PATH]
        [--only-look] [--folder DIR] [--theme light|dark|all] [--width 1280|390|all] [--page NAME ...]

PASSWORD is the console's, of the user given by --user (admin). --only-look takes pictures of what is there. --engine is
a Docker engine that has the image busybox:test; with it there is a cluster of real containers, and a log to look at.
Each of PAGES is taken, in light at 1280 px unless something else is asked for; --page names the only ones.
Needs httpx, playwright and a Chromium (--chromium, default /usr/bin/chromium).
"""

import argparse
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import httpx
from playwright.sync_api import Page, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


class Caller:
    """One signed-in user of the API."""

    def __init__(self, address: str, username: str) -> None:
        password = secrets.token_urlsafe(16)
        self.http = httpx.Client(base_url=address, timeout=30)
        self.post("/register", username=username, password=password)
        answer = self.http.post(
            "/token", data={"username": username, "password": password}
        ).raise_for_status()
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    @classmethod
    def known(cls, address: str, username: str, password: str) -> "Caller":
        """Who is registered already."""
        caller = cls.__new__(cls)
        caller.http = httpx.Client(base_url=address, timeout=30)
        words = {"username": username, "password": password}
        token = caller.post("/token", **words)["access_token"]
        caller.http.headers["Authorization"] = f"Bearer {token}"
        return caller

    def post(self, path: str, **body: Any) -> Any:
        return self.http.post(path, json=body).raise_for_status().json()

    def submit(self, cluster: Any, name: str, gpu: float, priority: str = "LOW", **more: Any) -> int:
        image = f"registry.example.org/ml/{name.split('-')[0]}:2.4"
        body = {
            "name": name, "cluster_id": cluster["id"], "docker_image": image,
            "required_gpu": gpu, "required_cpu": 4 + 6 * gpu, "required_ram": 16 + 48 * gpu, "priority": priority,
        }  # fmt: skip
        return int(self.post("/deployments", **body | more)["id"])


def fill(address: str) -> None:
    """Two organizations and four clusters: work that runs, waits, depends, was preempted, failed and completed."""
    alice, bob, carol = (Caller(address, name) for name in ("alice", "bob", "carol"))
    vision, speech = (
        alice.post("/organizations", name="Vision Lab"),
        carol.post("/organizations", name="Speech"),
    )
    bob.post("/join-organization", invite_code=vision["invite_code"])
    hook = {"url": "https://hooks.example.org/mlops", "events": ["deployment.failed", "deployment.preempted"]}
    alice.post(f"/organizations/{vision['id']}/webhooks", **hook)

    def cluster(owner: Caller, organization: Any, name: str, gpu: int, **connection: Any) -> Any:
        size = {"total_gpu": gpu, "total_cpu": gpu * 12 + 16, "total_ram": gpu * 96 + 64}
        return owner.post(
            "/clusters", name=name, organization_id=organization["id"], connection=connection, **size
        )

    box = cluster(alice, vision, "dgx-01", 8, stop_seconds=100)
    rack = cluster(alice, vision, "a100-rack", 32, stop_seconds=2)
    flaky = cluster(alice, vision, "old-cards", 4, exit_code=1)
    booth = cluster(carol, speech, "booth", 2)
    alice.http.patch(f"/clusters/{booth['id']}", json={"paused": True})
    carol.http.patch(f"/clusters/{booth['id']}", json={"paused": True}).raise_for_status()
    prepared = bob.submit(rack, "prepare-imagenet", 0, "MEDIUM", simulated_seconds=3)
    for number in range(6):
        bob.submit(rack, f"sweep-lr-{number}", 2, "LOW", expected_seconds=7200)
    trained = alice.submit(
        rack,
        "resnet-152",
        8,
        "HIGH",
        dependency_ids=[prepared],
        secret_env={"WANDB_API_KEY": "not shown anywhere"},
    )
    bob.submit(rack, "evaluate-resnet", 1, "MEDIUM", dependency_ids=[trained])
    alice.submit(rack, "segment-anything", 16, "MEDIUM")
    for name in ("export-onnx", "convert-coco"):
        bob.submit(flaky, name, 1, simulated_seconds=1, restart_policy="never")
    for number in range(4):
        carol.submit(booth, f"whisper-finetune-{number}", 1, "MEDIUM")
    for number in range(4):
        bob.submit(box, f"pretrain-vit-{number}", 2, "LOW" if number < 3 else "MEDIUM")
    time.sleep(8)
    alice.submit(box, "demo-inference", 3, "HIGH")
    bob.submit(box, "ablation-study", 4, "MEDIUM")
    time.sleep(8)


def fill_engine(staff: Caller, endpoint: str) -> None:
    """A cluster of real containers: some run and write, one failed, one ran out of memory."""
    team = staff.post("/organizations", name="Robotics")
    box = staff.post(
        "/clusters", name="workstation", organization_id=team["id"], runtime="docker",
        connection={"endpoint": endpoint}, total_cpu=2, total_ram=4,
    )  # fmt: skip

    def run(name: str, script: str, ram: float = 0.25, priority: str = "MEDIUM") -> None:
        staff.post(
            "/deployments", name=name, cluster_id=box["id"], docker_image="busybox:test", required_cpu=0.5,
            required_ram=ram, priority=priority, image_pull_policy="never", command=["sh", "-c", script],
        )  # fmt: skip

    epoch = 'echo "epoch $i  loss 0.$((99 - i % 90))  412 images/s"'
    run("train-grasp-policy", f"i=0; while :; do i=$((i+1)); {epoch}; sleep 0.3; done")
    run("collect-demonstrations", "while :; do echo waiting for the arm; sleep 5; done", priority="LOW")
    run("render-scenes", "tail /dev/zero", ram=0.02)
    run("export-policy", "echo no such checkpoint >&2; exit 3")
    time.sleep(8)


@dataclass(frozen=True)
class Shot:
    """One page. `path` is its address or a list's; of a list, `row` is the words of the link to the page itself
    (NEWEST: of its newest row, whatever it is called).

    `then` is a link on that page, by its address, that leads on to what is shown.
    """

    name: str
    path: str
    row: str = ""
    then: str = ""


NEWEST = "ago"
CLUSTERS, DEPLOYMENTS = "/admin/clusters/cluster/", "/admin/deployments/deployment/"
PAGES = (
    Shot("start", "/admin/?range=1h"),
    Shot("clusters", CLUSTERS),
    Shot("cluster", CLUSTERS, row="dgx-01"),
    Shot("plan", CLUSTERS, row="dgx-01", then="/plan/"),
    Shot("engine", CLUSTERS, row="workstation"),
    Shot("deployments", DEPLOYMENTS),
    Shot("deployment", DEPLOYMENTS, row="pretrain-vit-0"),
    Shot("pending", DEPLOYMENTS, row="ablation-study"),
    Shot("explanation", DEPLOYMENTS, row="ablation-study", then="/see/explain/"),
    Shot("none", f"{DEPLOYMENTS}?q=nobody-has-this"),
    Shot("log", DEPLOYMENTS, row="train-grasp-policy", then="/log/"),
    Shot("runs", "/admin/deployments/run/"),
    Shot("events", "/admin/deployments/deploymentevent/"),
    Shot("evictions", "/admin/scheduling/evictioncertificate/"),
    Shot("organization", "/admin/organizations/organization/", row="Vision Lab"),
    Shot("organizations", "/admin/organizations/organization/"),
    Shot("member", "/admin/organizations/organization/", row="Vision Lab", then="/see/member/"),
    Shot("simulation", "/admin/scheduling/simulation/", row=NEWEST),
    Shot("simulate", "/admin/scheduling/simulation/add/"),
    Shot("cycles", "/admin/scheduling/cycle/"),
    Shot("users", "/admin/accounts/user/"),
    Shot("audit", "/admin/accounts/auditentry/"),
    Shot("webhooks", "/admin/organizations/webhook/"),
    Shot("beat", "/admin/django_celery_beat/periodictask/"),
)
"""What pictures there are; one that this console does not have, or has no row for, is left out."""
AS_EVER = ("light", 1280)
THEMES, WIDTHS = ("light", "dark"), (1280, 390)
HEIGHT, TALLEST = 800, 1600


def look(page: Page, address: str, shots: Sequence[Shot], folder: Path, theme: str, width: int) -> None:
    """Pictures of these pages; dark ones and those of a phone are called so."""
    more = "-dark" * (theme == "dark") + "-phone" * (width == 390)
    for shot in shots:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        # Looked for by name, as what is sought may not be on the list's first page.
        found = urlencode({"q": shot.row}) if shot.row and shot.row != NEWEST else ""
        page.goto(f"{address}{shot.path}?{found}".removesuffix("?"))
        steps = [f"#result_list a:has-text('{shot.row}')"] if shot.row else []
        steps += [f"#main a[href*='{shot.then}']"] if shot.then else []
        if not all(_follow(page, step) for step in steps):
            print(f"left out: {shot.name}")  # noqa: T201
            continue
        page.wait_for_timeout(2000 if shot.name == "log" else 300)
        # As tall as the page, up to a point: the bar at the bottom of the window would else cover the middle.
        height = (
            HEIGHT if shot.name == "log" else page.evaluate("document.querySelector('#main').scrollHeight")
        )
        page.set_viewport_size({"width": width, "height": min(max(HEIGHT, height), TALLEST)})
        page.screenshot(path=folder / f"console-{shot.name}{more}.png")


def _follow(page: Page, link: str) -> bool:
    """Whether there is such a link, that is then followed, though a narrow page hides it."""
    found = page.locator(link).first
    target = found.get_attribute("href") if found.count() else None
    if target:
        page.goto(urljoin(page.url, target))
    return bool(target)


def simulate(page: Page, address: str) -> None:
    """Ask what other policies would have done with a week of the demo's (`manage demo`), where it was played before."""
    page.goto(f"{address}{CLUSTERS}?q=redmond")
    if _follow(page, "#result_list a:has-text('redmond')") and _follow(
        page, "#main a[href*='/simulation/add/']"
    ):
        page.click("[name=_save]")
        page.wait_for_function("['done', 'failed'].some(word => document.body.innerText.includes(word))")


def sign_in(page: Page, address: str, user: str, password: str) -> None:
    page.goto(f"{address}/admin/login/")
    page.fill("[name=username]", user)
    page.fill("[name=password]", password)
    page.click("[type=submit]")
    page.wait_for_url("**/admin/")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--password", required=True)
    parser.add_argument("--engine")
    parser.add_argument("--only-look", action="store_true")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--theme", choices=[*THEMES, "all"], default=AS_EVER[0])
    parser.add_argument("--width", choices=[*map(str, WIDTHS), "all"], default=str(AS_EVER[1]))
    parser.add_argument("--page", action="append", choices=[shot.name for shot in PAGES], default=[])
    given = parser.parse_args()
    themes = THEMES if given.theme == "all" else (given.theme,)
    widths = WIDTHS if given.width == "all" else (int(given.width),)
    shots = [shot for shot in PAGES if not given.page or shot.name in given.page]
    if not given.only_look:
        fill(given.address)
        if given.engine:
            fill_engine(Caller.known(given.address, given.user, given.password), given.engine)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.chromium, args=FLAGS)
        if not given.only_look:
            asking = browser.new_page()
            sign_in(asking, given.address, given.user, given.password)
            simulate(asking, given.address)
            asking.close()
        for theme, width in product(themes, widths):
            page = browser.new_page(color_scheme=theme)
            sign_in(page, given.address, given.user, given.password)
            look(page, given.address, shots, given.folder, theme, width)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
