"""Locks of a session: nobody else has them meanwhile, and nothing that goes wrong leaves one behind."""

import pytest
from django.db import DatabaseError, connection

from accounts.tests.races import at_once
from clusters.locks import session_lock, sole_reconcilers

pytestmark = pytest.mark.django_db(transaction=True)


def pull():
    return session_lock("pull an image")


def reconcile():
    return sole_reconcilers([7])


@pytest.fixture(params=[(pull, True, False), (reconcile, {7}, set())], ids=["one key", "clusters"])
def lock(request):
    return request.param


def seen_by_another(take):
    def look():
        with take() as mine:
            return mine

    return at_once(look)[0]


def test_a_lock_is_one_sessions_alone_until_its_block_ends(lock):
    take, mine, nobodys = lock
    with take() as got:
        assert got == mine
        assert seen_by_another(take) == nobodys
    assert seen_by_another(take) == mine


def test_a_lock_is_let_go_where_its_session_cannot_say_so(lock):
    take, mine, _ = lock
    with pytest.raises(DatabaseError), take(), connection.cursor() as cursor:
        # This leaves a transaction behind that refuses every statement, also the one that lets go.
        cursor.execute("BEGIN; SELECT 1 / 0")
    assert seen_by_another(take) == mine
