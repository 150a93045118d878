"""What happened in all rounds, in numbers."""

from collections import Counter
from dataclasses import dataclass, field

from hypervisor.demo.docker.relay import Hit
from hypervisor.demo.docker.traffic import Kind

KINDS = (Kind.START, Kind.STOP, Kind.RECONCILE)


@dataclass(slots=True)
class Totals:
    """Counts, as the rounds go by."""

    rounds: int = 0
    hits: list[Hit] = field(default_factory=list)
    accepted: int = 0
    ended: int = 0
    cut_off: int = 0
    """Ended as failed because the engine was restarted or the container deleted."""
    slowest_seconds: float = 0.0
    trouble: int = 0
    """Requests to the service that had to be repeated."""

    def of(self, kind: Kind) -> list[Hit]:
        """The hits in requests of this kind."""
        return [hit for hit in self.hits if hit.request.kind is kind]

    def fewest(self) -> Kind:
        """The kind with the fewest hits."""
        return min(KINDS, key=lambda kind: len(self.of(kind)))

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
