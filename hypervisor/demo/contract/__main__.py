"""`python -m hypervisor.demo.contract [--url URL]`: a line for each step; stops at the first promise not kept."""

import argparse
import os
import sys
import time

import httpx

from hypervisor.demo.contract import people, refusals, scheduling
from hypervisor.demo.contract.scene import Scene
from hypervisor.demo.contract.wire import Broken
from hypervisor.demo.run import find_url

PARTS = (
    people.sign_up,
    people.organize,
    people.members,
    scheduling.queue,
    scheduling.preempt,
    scheduling.depend,
    scheduling.pause,
    refusals.steer,
    refusals.refuse,
    refusals.pages,
    people.tidy,
)


def main(arguments: list[str]) -> int:
    """The exit code: 0 if every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m hypervisor.demo.contract", description=__doc__)
    default = find_url(
        data_dir=os.environ.get("DATA_DIR") or ".data", port=int(os.environ.get("PORT") or 8000)
    )
    parser.add_argument("--url", default=default, help="the service (default: %(default)s)")
    url = parser.parse_args(arguments).url.rstrip("/")
    began = time.monotonic()
    scene = Scene(url, say=lambda line: print(line, flush=True))  # noqa: T201 (a command line)
    try:
        for part in PARTS:
            part(scene)
    except (Broken, httpx.HTTPError) as error:
        print(f"✗ {error or type(error).__name__}", flush=True)  # noqa: T201
        return 1
    print(f"{scene.steps} steps in {time.monotonic() - began:.0f} s: every promise was kept.")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
