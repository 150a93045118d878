"""What happened in all rounds of all lanes, in numbers."""

import random
import threading
from collections import Counter
from dataclasses import dataclass, field

from hypervisor.demo.docker.relay import Hit
from hypervisor.demo.docker.traffic import Kind

KINDS = (Kind.START, Kind.STOP, Kind.RECONCILE)
TO_THE_FEWEST = 0.6
"""How often a round aims at the kind that has the fewest hits so far."""


@dataclass(slots=True)
class Totals:
    """Counts, as the rounds go by. Any thread may tell it more."""

    begun: int = 0
    rounds: int = 0
    hits: list[Hit] = field(default_factory=list)
    cut_off: int = 0
    """Deployments that ended as failed because the engine was restarted or the container deleted."""
    slowest_seconds: float = 0.0
    seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> int:
        """The number of the next round."""
        with self._lock:
            self.begun += 1
            return self.begun

    def played(self, seconds: float, *, cut_off: int) -> None:
        """A round is over."""
        with self._lock:
            self.rounds += 1
            self.seconds += seconds
            self.cut_off += cut_off
            self.slowest_seconds = max(self.slowest_seconds, seconds)

    def of(self, kind: Kind) -> list[Hit]:
        """The hits in requests of this kind."""
        return [hit for hit in self.hits if hit.request.kind is kind]

    def next_kind(self, chance: random.Random) -> Kind:
        """What the next round should aim at."""
        if chance.random() < TO_THE_FEWEST:
            return min(KINDS, key=lambda kind: len(self.of(kind)))
        return chance.choice(KINDS)

    def enough(self, least: int) -> bool:
        """Whether there are so many hits of each kind."""
        return all(len(self.of(kind)) >= least for kind in KINDS)

    def hits_in_words(self) -> str:
        """`start 51, stop 50, reconcile 52`."""
        return ", ".join(f"{kind} {len(self.of(kind))}" for kind in KINDS)

    def moments_in_words(self, kind: Kind) -> str:
        """When in their requests the hits of a kind came."""
        hits = self.of(kind)
        if not hits:
            return "0"
        before = sum(not hit.forwarded for hit in hits)
        during = sum(hit.forwarded and not hit.answered for hit in hits)
        after = sum(hit.answered for hit in hits)
        paths = Counter(hit.request.path.rsplit("/", 1)[1] for hit in hits)
        what = ", ".join(f"{name} {count}" for name, count in sorted(paths.items()))
        return (
            f"{len(hits)}: {before} before the engine got it, {during} while it was at it,"
            f" {after} when it had done it and nobody knew ({what})"
        )
