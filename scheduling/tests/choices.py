"""What the proofs of the least lost choice share: random and trace-like candidates, and the rule by brute force."""

from collections.abc import Sequence
from itertools import combinations
from random import Random

from scheduling.core.amounts import Amount
from scheduling.core.certificates import Candidate

LOST = (0, 1, 5)


def candidate(id_: int, need: int | Amount, lost: int, priority: int = 1) -> Candidate:
    return Candidate(id_, priority, need if isinstance(need, tuple) else (need,), 0, 0, lost, rank=priority)


def random_lack(dice: Random, *, most: int) -> tuple[tuple[int, ...], list[Candidate]]:
    """A lack in one to three resources and up to `most` candidates, with ties, zeros and useless ones."""
    width = dice.randint(1, 3)

    def need() -> Amount:
        return tuple(
            dice.choice((0, 1, 2, 4, 8)) if dice.random() < 0.8 else dice.randint(0, 9) for _ in range(width)
        )

    candidates = [
        candidate(id_, need(), dice.choice((*LOST, dice.randint(0, 100))), dice.choice((1, 1, 2, 3)))
        for id_ in dice.sample(range(100), dice.randint(1, most))
    ]
    return tuple(dice.randint(-3, 20) for _ in range(width)), candidates


def gpu_jobs(dice: Random, *, count: int, width: int = 1, priorities: int = 1) -> list[Candidate]:
    """Jobs like those of GPU clusters: 1, 2, 4 or 8 GPUs, cores and memory by the GPU, ages widely spread."""
    jobs = []
    for id_ in range(count):
        gpus = dice.choices((1, 2, 4, 8), (60, 15, 15, 10))[0]
        cores, memory = dice.choice((2, 4, 6, 8, 12)), dice.choice((16, 32, 48, 64, 96))
        need = (gpus * 1000, gpus * cores * 1000, gpus * memory * 1024)[:width]
        lost = need[0] * int(dice.lognormvariate(16, 2.2))
        jobs.append(candidate(id_, need, lost, 1 + id_ % priorities))
    return jobs


def covers(chosen: Sequence[Candidate], lack: Sequence[int]) -> bool:
    return all(
        sum(one.need[axis] for one in chosen) >= missing for axis, missing in enumerate(lack) if missing > 0
    )


def price(chosen: Sequence[Candidate]) -> tuple[int, ...]:
    """What the choice minimises: lost work and number of the highest rank, then of the next lower."""
    found: list[int] = []
    for rank in (3, 2, 1, 0):
        of_it = [one.lost for one in chosen if one.rank == rank]
        found += [sum(of_it), len(of_it)]
    return tuple(found)


def best_price(
    lack: Sequence[int], candidates: Sequence[Candidate], most: int | None = None
) -> tuple[int, ...] | None:
    """The least price of all sets that the rule allows, by trying each; None: there is none."""
    for highest in sorted({one.rank for one in candidates}):
        allowed = [one for one in candidates if one.rank <= highest]
        if covers(allowed, lack):
            break
    else:
        return None
    sizes = range(1 + (len(allowed) if most is None else min(most, len(allowed))))
    sets = (chosen for size in sizes for chosen in combinations(allowed, size) if covers(chosen, lack))
    return min(map(price, sets), default=None)


def improvement(
    chosen: Sequence[Candidate], candidates: Sequence[Candidate], lack: Sequence[int]
) -> str | None:
    """Say how one victim could be given back or exchanged for a cheaper one, if any can."""
    ids = {one.id for one in chosen}
    for victim in chosen:
        rest = [one for one in chosen if one is not victim]
        if covers(rest, lack):
            return f"{victim} can be given back"
        for other in candidates:
            cheaper = (other.rank, other.lost) < (victim.rank, victim.lost)
            if other.id not in ids and cheaper and covers([*rest, other], lack):
                return f"{victim} can be exchanged for {other}"
    return None
