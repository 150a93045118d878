"""Which seats of earlier cycles end, worked out for `invariants` without the planner."""

import numpy as np

from scheduling.core.checked_rows import added_up
from scheduling.core.columns import Codes, Flags, Ints, Rows
from scheduling.core.reasons import CODES, Reason
from scheduling.core.state import Snapshot

OVERCOMMITTED = CODES[Reason.CLUSTER_OVERCOMMITTED]


def loses_seat(snapshot: Snapshot, blocked: Codes, exceeds: Flags) -> Flags:
    """Say of each who waits that a seat would end: held, in a blocked cluster, or larger than the cluster.

    `blocked`, `exceeds`: of every row. In an overcommitted cluster the promised room may return.
    """
    ends: Flags = np.where(blocked != 0, blocked != OVERCOMMITTED, exceeds)
    ends |= snapshot.pending.hold != 0
    return ends


def seats_without_room(snapshot: Snapshot, rooms: Ints, owner: Rows, lost: Flags) -> Flags:
    """Say of each who waits that it has a seat which nothing that stops can satisfy, from the end of the queue.

    `rooms`: of each cluster, what is left when all that is stopping has gone. `lost`: whose seats end anyway.
    """
    pending = snapshot.pending
    found = np.zeros(len(pending.id), dtype=np.bool_)
    seated = pending.seated & ~lost & (snapshot.heads.blocked[owner] == 0)
    if not seated.any():
        return found
    rooms = rooms - added_up(pending.need, seated, owner, len(snapshot))
    short: Flags = np.asarray((rooms < 0).any(axis=1))
    seats = np.flatnonzero(seated & short[owner])
    keys = (pending.id[seats], pending.queued_at[seats], -pending.priority[seats])
    for row in seats[np.lexsort(keys)][::-1]:
        need, room = pending.need[row], rooms[owner[row]]
        if ((need > 0) & (room < 0)).any():
            room += need
            found[row] = True
    return found
