"""Fills a running service over HTTP with a small, telling workload, and takes the pictures of its console.

    python docs/pictures/take.py --address http://127.0.0.1:8000 --password PASSWORD [--engine unix:///PATH]
        [--only-look] [--folder DIR]

PASSWORD is the console's, of the user given by --user (admin). --only-look takes pictures of what is there. --engine is
a Docker engine that has the image busybox:test; with it there is a cluster of real containers, and a log to look at.
Needs httpx, playwright and a Chromium (--chromium, default /usr/bin/chromium).
"""

import argparse
import secrets
import time
from pathlib import Path
from typing import Any

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


def look(page: Page, address: str, folder: Path, user: str, password: str) -> None:
    """Pictures of the main pages, 1280 px wide."""

    def take(name: str, path: str) -> None:
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(address + path)
        page.wait_for_load_state("networkidle")
        # As tall as the page: the bar at the bottom of the window would else cover the middle of the picture.
        height = page.evaluate("Math.max(800, document.querySelector('#main').scrollHeight)")
        page.set_viewport_size({"width": 1280, "height": height})
        page.screenshot(path=folder / f"console-{name}.png")

    page.goto(f"{address}/admin/login/")
    page.fill("[name=username]", user)
    page.fill("[name=password]", password)
    page.click("[type=submit]")
    take("index", "/admin/")
    take("clusters", "/admin/clusters/cluster/")
    page.click("#result_list th a >> text=dgx-01")
    take("cluster", page.url.removeprefix(address))
    take("deployments", "/admin/deployments/deployment/")
    page.click("#result_list a >> text=pretrain-vit-0")
    take("deployment", page.url.removeprefix(address))
    take("beat", "/admin/django_celery_beat/periodictask/")
    page.goto(f"{address}/admin/clusters/cluster/")
    if page.locator("#result_list th a >> text=workstation").count():
        page.click("#result_list th a >> text=workstation")
        take("engine", page.url.removeprefix(address))
        page.goto(f"{address}/admin/deployments/deployment/")
        page.click("#result_list a >> text=train-grasp-policy")
        page.click("#main a >> text=Log >> nth=0")
        page.wait_for_timeout(2000)
        page.set_viewport_size({"width": 1280, "height": 800})
        page.screenshot(path=folder / "console-log.png")


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
    given = parser.parse_args()
    if not given.only_look:
        fill(given.address)
        if given.engine:
            fill_engine(Caller.known(given.address, given.user, given.password), given.engine)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        look(page, given.address, given.folder, given.user, given.password)
        browser.close()


if __name__ == "__main__":
    main()
