"""The user that a request gets without a query is the right one in every field."""

import pytest

from accounts import sessions
from accounts.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("staff", "super_"), [(False, False), (True, False), (True, True)])
def test_the_cached_session_makes_the_same_user_as_the_database(staff, super_, django_assert_num_queries):
    user = UserFactory(username="alice", is_staff=staff, is_superuser=super_)
    sessions.current(user.pk)
    with django_assert_num_queries(0):
        known = sessions.current(user.pk).user(user.pk)
        assert (known.pk, known.username) == (user.pk, "alice")
        assert (known.is_staff, known.is_superuser, known.is_active) == (staff, super_, True)
        assert known.session_version == user.session_version
    assert known.email == user.email
