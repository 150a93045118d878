"""Prove certificates at scale: `python -m scheduling.tests.prove_certificates --decisions 1000000 --mutants 100000`.

Prints a line of figures for each proof, and ends with an error at the first thing that is not as promised. The tests
run the same functions in small.
"""

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from random import Random

from scheduling.core.certificate_agreement import check_agreement
from scheduling.core.certificate_check import check_certificate
from scheduling.core.certificate_orders import CertificateRefused
from scheduling.core.certificates import Certificate
from scheduling.core.decide import decide, decide_cluster
from scheduling.core.least_lost import choose
from scheduling.core.policy import LEAST_WASTE, TWO_PHASE
from scheduling.core.state import ClusterPlan, ClusterState, Snapshot
from scheduling.tests.certificate_states import YOUNGEST, drawn_state
from scheduling.tests.choices import best_price, price, random_lack
from scheduling.tests.eviction_loops import search
from scheduling.tests.literal_certificates import holds
from scheduling.tests.mutants import mutant
from scheduling.tests.proven_optimum import instants, loss_of, optimum

Chunk = tuple[int, int]
TOGETHER = 250
"""So many clusters are planned together."""
CLASSICS = {"oldest": TWO_PHASE, "youngest": YOUNGEST}


def prove_decisions(chunk: Chunk, mutants: int = 0) -> Counter[str]:
    """Decide the states of these seeds; accept each certificate, and refuse `mutants` of them in all."""
    found: Counter[str] = Counter()
    for start in range(*chunk, TOGETHER):
        for seed, state, plan in decided(range(start, min(start + TOGETHER, chunk[1]))):
            found["decisions"] += 1
            if plan.certificate is None:
                assert not plan.evictions, f"seed {seed}: evictions without a certificate"
                continue
            found["certificates"] += 1
            found[f"by {plan.certificate.victim_order}"] += 1
            accept(plan, state, seed)
            dice = Random(f"mutants {seed}")
            while found["mutants"] * (chunk[1] - chunk[0]) < mutants * found["decisions"]:
                found += refuse(plan, state, dice, seed)
    return found


def decided(seeds: Iterable[int]) -> Iterator[tuple[int, ClusterState, ClusterPlan]]:
    """Plan the states of these seeds, all that have the same resources together."""
    alike: dict[int, list[tuple[int, ClusterState]]] = defaultdict(list)
    for seed in seeds:
        state = drawn_state(Random(seed))
        alike[len(state.resources)].append((seed, state))
    for rows in alike.values():
        plans = decide(Snapshot.of(state for _, state in rows)).clusters
        for (seed, state), plan in zip(rows, plans, strict=True):
            yield seed, state, plan


def accept(plan: ClusterPlan, state: ClusterState, seed: int) -> None:
    """Hold a certificate against the check, and against the state and the plan that it is given for."""
    assert plan.certificate is not None
    refusal = refusal_of(plan.certificate)
    assert refusal is None, f"seed {seed}: {refusal}: {plan.certificate}"
    check_agreement(state, plan)


def refuse(plan: ClusterPlan, state: ClusterState, dice: Random, seed: int) -> Counter[str]:
    """Draw one mutant of a plan's certificate: the check refuses it, unless by brute force it is as good a certificate.

    Such a one is mostly another state's or plan's: then the comparison with those refuses it.
    """
    assert plan.certificate is not None
    drawn = mutant(plan.certificate, dice)
    if drawn is None:
        return Counter()
    kind, broken = drawn
    equal = holds(broken)
    refusal = refusal_of(broken)
    assert equal == (refusal is None), f"seed {seed}: {kind}: {refusal}, by brute force {equal}: {broken}"
    outcome = "refused"
    if equal:
        try:
            check_agreement(state, replace(plan, certificate=broken))
            outcome = "equally valid"
        except CertificateRefused:
            outcome = "of another state"
    return Counter({"mutants": 1, outcome: 1, f"{outcome}: {kind}": 1})


def refusal_of(certificate: Certificate) -> str | None:
    """Return why the check refuses it; None: it does not."""
    try:
        check_certificate(certificate)
    except CertificateRefused as refused:
        return str(refused)
    return None


def prove_choices(chunk: Chunk, most: int = 14) -> Counter[str]:
    """Compare the choice of these seeds with the best of all sets."""
    found: Counter[str] = Counter()
    for seed in range(*chunk):
        dice = Random(seed)
        lack, candidates = random_lack(dice, most=most)
        limit = dice.choice((None, None, dice.randint(0, 4)))
        chosen = choose(lack=lack, candidates=candidates, most=limit)
        best = best_price(lack, candidates, limit) if max(lack) > 0 else price(())
        assert (None if chosen is None else price(chosen)) == best, f"seed {seed}: {chosen}, best {best}"
        found["choices"] += 1
        found["impossible"] += chosen is None
    return found


def prove_optimum(chunk: Chunk) -> Counter[str]:
    """Compare with the proved optimum what least_waste decides, and as a fact the classic orders."""
    found: Counter[str] = Counter()
    for kind, state in instants(chunk[1] - chunk[0], chunk[0]):
        placed, best = optimum(state)
        plan = decide_cluster(replace(state, policy=LEAST_WASTE))
        loss = loss_of(state, plan)
        assert {*plan.starts, *plan.seats} == placed, (
            f"{chunk} {state.id}: HIGH {plan.seats}, should {placed}"
        )
        found["instants"] += 1
        found["optimal"] += loss == best
        if best.total:
            found[f"{kind} with losses"] += 1
            found[f"{kind} ratio, ppm"] += loss.total * 1_000_000 // best.total
            for name, policy in CLASSICS.items():
                classic = loss_of(state, decide_cluster(replace(state, policy=policy))).total
                found[f"{kind} {name}, ppm"] += classic * 1_000_000 // best.total
    return found


def prove_no_loops(chunk: Chunk) -> Counter[str]:
    """Let an adversary play these steps."""
    found = search(steps=chunk[1] - chunk[0], seed=chunk[0])
    return Counter({"cycles": found.cycles, "evictions": found.evictions})


def _chunks(first: int, count: int, size: int) -> Iterator[Chunk]:
    for start in range(first, first + count, size):
        yield start, min(start + size, first + count)


def _all(
    pool: ProcessPoolExecutor, prove: Callable[[Chunk], Counter[str]], first: int, count: int, size: int
) -> Counter[str]:
    found: Counter[str] = Counter()
    started = time.perf_counter()
    for one in pool.map(prove, _chunks(first, count, size)):
        found.update(one)
    found["seconds"] = round(time.perf_counter() - started)
    name = prove.func.__name__ if isinstance(prove, partial) else prove.__name__
    figures = ", ".join(f"{what}: {number:,}" for what, number in sorted(found.items()))
    sys.stdout.write(f"{name}: {figures}\n")
    sys.stdout.flush()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=20_000)
    parser.add_argument("--mutants", type=int, default=5_000)
    parser.add_argument("--choices", type=int, default=5_000)
    parser.add_argument("--instants", type=int, default=500)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--first", type=int, default=0, help="the first seed, to go on where another call ended"
    )
    asked = parser.parse_args()
    size = max(1, min(5_000, asked.decisions // asked.processes))
    share = -(-asked.mutants * size // max(1, asked.decisions))
    with ProcessPoolExecutor(asked.processes) as pool:
        accepted = _all(pool, partial(prove_decisions, mutants=share), asked.first, asked.decisions, size)
        choices = _all(pool, prove_choices, asked.first, asked.choices, 500)
        best = _all(pool, prove_optimum, asked.first, asked.instants, 100)
        loops = _all(pool, prove_no_loops, asked.first, asked.steps, max(1, asked.steps // 4))
    ratios = [
        f"{kind} {best[f'{kind} ratio, ppm'] / 1e6 / best[f'{kind} with losses']:.4f}"
        for kind in ("trace", "random")
        if best[f"{kind} with losses"]
    ]
    sys.stdout.write(
        f"proved: {accepted['decisions']:,} decisions with {accepted['certificates']:,} certificates accepted; of "
        f"{accepted['mutants']:,} mutants {accepted['refused']:,} refused from their numbers, "
        f"{accepted['of another state']:,} sound for another state or plan and refused beside their own, "
        f"{accepted['equally valid']:,} equally valid, 0 missed; {choices['choices']:,} choices as by brute force; "
        f"{best['optimal']:,} of {best['instants']:,} instants optimal, mean ratio {', '.join(ratios)}; "
        f"{loops['evictions']:,} evictions in {loops['cycles']:,} cycles, no loop\n"
    )


if __name__ == "__main__":
    main()
