"""All rounds, in lanes side by side, until there were enough. Import it after `open_books`."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hypervisor.demo.engine_chaos import records
from hypervisor.demo.engine_chaos.lane import Lane
from hypervisor.demo.service import GivenUp, Refused

MOST_BROKEN = 3
"""So many rounds may break a promise before no more are played."""
MOST_ROUNDS = 2
"""So many times the wanted rounds are played at most for the sake of hits."""
REPORT_ROUNDS = 10


@dataclass(slots=True)
class Play:
    """`broken`: the promises that were not kept, each told once."""

    rounds: int
    hits: int
    seed: int
    say: Callable[[str], None]
    broken: list[str] = field(default_factory=list)
    bad_rounds: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, lanes: Sequence[Lane]) -> list[str]:
        """Play until there were enough rounds and hits, or too many broken promises."""
        threads = [threading.Thread(target=self._lane, args=(lane,), daemon=True) for lane in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.broken

    def _lane(self, lane: Lane) -> None:
        try:
            while self._goes_on(lane):
                number = lane.totals.begin()
                self._note(number, lane.play(number))
                if lane.totals.rounds % REPORT_ROUNDS == 0:
                    self.say(f"{lane.totals.rounds} rounds: hits in {lane.totals.hits_in_words()}")
        except (GivenUp, Refused) as error:
            self._note(lane.totals.begun, [str(error)])
        finally:
            records.close()

    def _goes_on(self, lane: Lane) -> bool:
        totals = lane.totals
        if self.bad_rounds >= MOST_BROKEN or totals.begun >= MOST_ROUNDS * self.rounds:
            return False
        return totals.begun < self.rounds or not totals.enough(self.hits)

    def _note(self, number: int, found: Sequence[str]) -> None:
        with self._lock:
            new = [line for line in found if line not in self.broken]
            self.bad_rounds += bool(new)
            self.broken += new
        for line in new:
            self.say(f"✗ round {number}, seed {self.seed}: {line}")
