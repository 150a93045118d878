"""Comparing policies on one workload: one after another, or in processes of their own. Knows the clock, no database."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from dataclasses import replace
from multiprocessing import get_context, parent_process
from typing import Any

from scheduling.core.policy import Policy
from scheduling.simulation.outcome import Outcome, play
from scheduling.simulation.workload import Workload

LOOK_SECONDS = 0.2
Shares = Sequence[float]
"""Of each policy, in their order, the share of jobs that have ended."""


class Stopped(Exception):
    """The comparison was given up."""


def compare(
    workload: Workload,
    policies: Sequence[Policy],
    *,
    window_seconds: float,
    grace_seconds: float,
    processes: int = 1,
    progress: Callable[[Shares], None] = lambda shares: None,
) -> list[Outcome]:
    """The outcome of each policy, in their order. `progress` may raise to give the comparison up."""
    options = {"window_seconds": window_seconds, "grace_seconds": grace_seconds}
    if min(processes, len(policies)) > 1:
        return _side_by_side(workload, policies, options, processes, progress)
    shares = [0.0] * len(policies)
    outcomes = []
    for index, policy in enumerate(policies):

        def tell(share: float, index: int = index) -> None:
            shares[index] = share
            progress(shares)

        outcomes.append(timed(workload, policy, options, tell))
    return outcomes


def timed(
    workload: Workload, policy: Policy, options: dict[str, float], tell: Callable[[float], None]
) -> Outcome:
    """One replay, and how long it took."""
    began = time.perf_counter()
    outcome = play(
        workload,
        policy,
        window_seconds=options["window_seconds"],
        grace_seconds=options["grace_seconds"],
        progress=tell,
    )
    return replace(outcome, seconds=time.perf_counter() - began)


def _side_by_side(
    workload: Workload,
    policies: Sequence[Policy],
    options: dict[str, float],
    processes: int,
    progress: Callable[[Shares], None],
) -> list[Outcome]:
    # Spawned, not forked: the caller may hold connections and threads that a child must not share.
    context = get_context("spawn")
    shared: Any = context.Array("d", len(policies) + 1, lock=False)
    """The policies' shares; the last entry tells all to stop."""
    with ProcessPoolExecutor(
        min(processes, len(policies)), mp_context=context, initializer=_begin, initargs=(shared,)
    ) as pool:
        tasks: list[Future[Outcome]] = [
            pool.submit(_work, index, workload, policy, options) for index, policy in enumerate(policies)
        ]
        try:
            open_ones: set[Future[Outcome]] = set(tasks)
            while open_ones:
                ended, open_ones = wait(open_ones, timeout=LOOK_SECONDS, return_when=FIRST_EXCEPTION)
                progress(list(shared)[:-1])
                for task in ended:
                    task.result()
        except BaseException:
            shared[len(policies)] = 1.0
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [task.result() for task in tasks]


_shared: Any = None
"""In a process of its own: what its parent sees of it."""


def _begin(shared: Any) -> None:
    global _shared
    _shared = shared
    # Ctrl-C reaches the parent too, which tells us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(index: int, workload: Workload, policy: Policy, options: dict[str, float]) -> Outcome:
    def tell(share: float) -> None:
        _shared[index] = share
        parent = parent_process()
        if parent is not None and not parent.is_alive():
            # Nobody waits for an answer, and the pool's own loop would wait for work for ever.
            os._exit(1)
        if _shared[len(_shared) - 1]:
            raise Stopped

    return timed(workload, policy, options, tell)
