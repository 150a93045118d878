"""Showing something as it changes: told by the live stream, or by looking again and again."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from rich.console import Group
from rich.live import Live
from rich.text import Text

from hypervisor_cli.exits import Failure
from hypervisor_cli.session import Session
from hypervisor_client import Client, HypervisorError, NotFound, Unavailable, Unreachable

POLL_SECONDS = 2.0
REFRESH_SECONDS = 10.0
"""Even if nothing happens: times go on, and a hint may be lost."""
SETTLE_SECONDS = 0.2
"""A cycle tells of many at once; one look is enough for all of them."""


class Changes:
    """Sets `happened` whenever something may have changed. `how` says by which way it knows."""

    def __init__(self, client: Client, cluster_id: int | None) -> None:
        self._client = client
        self._cluster_id = cluster_id
        self.happened = threading.Event()
        self.is_live = False
        self._over = False
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def longest_wait(self) -> float:
        """Seconds until one should look, told or not."""
        return REFRESH_SECONDS if self.is_live else POLL_SECONDS

    def wait(self) -> None:
        """Until there is a reason to look again."""
        if self.happened.wait(self.longest_wait):
            time.sleep(SETTLE_SECONDS)
        self.happened.clear()

    def end(self) -> None:
        """Nobody wants to know any more: the client may be closed."""
        self._over = True

    def _listen(self) -> None:
        while not self._over:
            try:
                for _ in self._client.events(cluster_id=self._cluster_id):
                    self.is_live = True
                    self.happened.set()
            except NotFound:
                # A service without a live stream.
                self.is_live = False
                return
            except Failure:
                # The login is no longer ours: whoever looks next is told so, and that should be now.
                self.is_live = False
                self.happened.set()
                return
            except HypervisorError:
                self.is_live = False
            except Exception:
                if not self._over:
                    raise
            time.sleep(POLL_SECONDS)


def watch(session: Session, look: Callable[[], Sequence[Text]], *, cluster_id: int | None = None) -> None:
    """Show what `look` answers until Ctrl-C. Without a terminal it prints anew what has changed."""
    shown = look()
    changes = Changes(session.client, cluster_id)
    try:
        if session.out.is_terminal:
            _draw_changes(session, look, shown, changes)
        else:
            _print_changes(session, look, shown, changes)
    finally:
        changes.end()


def _draw_changes(
    session: Session, look: Callable[[], Sequence[Text]], shown: Sequence[Text], changes: Changes
) -> None:
    with Live(
        _page(session, shown, changes, ""), console=session.out, screen=True, auto_refresh=False
    ) as live:
        while True:
            changes.wait()
            trouble = ""
            try:
                shown = look()
            except (Unreachable, Unavailable) as error:
                trouble = str(error)
            live.update(_page(session, shown, changes, trouble), refresh=True)


def _print_changes(
    session: Session, look: Callable[[], Sequence[Text]], shown: Sequence[Text], changes: Changes
) -> None:
    printed = None
    while True:
        text = "\n".join(line.plain for line in shown)
        if text != printed:
            session.out.print(text, soft_wrap=True)
            session.out.file.flush()
            printed = text
        changes.wait()
        shown = look()


def _page(session: Session, shown: Sequence[Text], changes: Changes, trouble: str) -> Group:
    room = max(1, session.out.height - 2)
    lines = list(shown[:room])
    if len(shown) > room:
        lines[-1] = Text(f"… and {len(shown) - room + 1} more", style="dim")
    how = "live" if changes.is_live else f"looks every {POLL_SECONDS:g} s"
    foot = Text(f"{datetime.now():%H:%M:%S}  {how}  Ctrl-C ends", style="dim")  # noqa: DTZ005 (a wall clock)
    if trouble:
        foot = Text(trouble, style="red")
    for line in (*lines, foot):
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(*lines, Text(""), foot)
