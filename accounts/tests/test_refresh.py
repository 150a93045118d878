"""POST /token with a refresh token: it rotates, and one that is used twice ends its family."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework_simplejwt.tokens import RefreshToken

from accounts.models import AuditEntry, RefreshFamily
from accounts.services import change_password
from accounts.tasks import delete_expired_refresh_families
from accounts.tests.factories import PASSWORD
from accounts.tests.races import at_once
from accounts.tokens import issue

pytestmark = pytest.mark.django_db


def renew(api, refresh_token):
    return api().post("/token", {"grant_type": "refresh_token", "refresh_token": refresh_token})


def good(answer):
    assert answer.status_code == 200, answer.content
    return answer.json()


def refused(answer):
    assert answer.status_code == 401, answer.content
    assert answer.json()["error"] == "invalid_grant"
    return True


def test_a_renewal_answers_a_new_pair_that_works(api, alice):
    first = issue(user=alice)
    second = good(renew(api, first["refresh_token"]))
    assert second["refresh_token"] != first["refresh_token"]
    assert api().get("/me", HTTP_AUTHORIZATION=f"Bearer {second['access_token']}").status_code == 200
    third = good(renew(api, second["refresh_token"]))
    assert third["refresh_token"] not in {first["refresh_token"], second["refresh_token"]}


def test_a_form_renews_too(api, alice):
    form = f"grant_type=refresh_token&refresh_token={issue(user=alice)['refresh_token']}"
    good(api().generic("POST", "/token", form, content_type="application/x-www-form-urlencoded"))


def test_a_reused_token_ends_its_family_and_no_other(api, alice):
    first, other = issue(user=alice), issue(user=alice)
    second = good(renew(api, first["refresh_token"]))
    assert refused(renew(api, first["refresh_token"]))
    assert refused(renew(api, second["refresh_token"]))
    good(renew(api, other["refresh_token"]))
    entry = AuditEntry.objects.get(action="session.refresh_token_reused")
    assert (entry.actor_id, entry.target) == (alice.pk, f"user:{alice.pk}")


@pytest.mark.django_db(transaction=True)
def test_of_many_who_use_one_token_at_once_one_gets_a_pair_that_is_dead_already(api, alice):
    token = issue(user=alice)["refresh_token"]
    answers = at_once(*[lambda: renew(api, token)] * 4)
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    (winner,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert refused(renew(api, winner["refresh_token"]))
    assert RefreshFamily.objects.get().revoked_at is not None


def test_a_token_of_somebody_elses_family_renews_nothing(api, alice, charlie):
    forged = RefreshToken(issue(user=alice)["refresh_token"])
    forged["sub"] = str(charlie.pk)
    assert refused(renew(api, str(forged)))


def test_a_renewal_asks_the_database_and_not_the_cache(api, alice):
    token = issue(user=alice)["refresh_token"]
    assert api(alice).get("/me").status_code == 200
    type(alice).objects.filter(pk=alice.pk).update(is_active=False)
    assert refused(renew(api, token))


def test_a_renewal_after_a_new_password_is_refused(api, alice):
    token = issue(user=alice)["refresh_token"]
    change_password(user=alice, current_password=PASSWORD, new_password="another battery staple")
    assert refused(renew(api, token))
    assert not RefreshFamily.objects.exists()


def test_the_cleanup_deletes_expired_families_and_leaves_the_rest(api, alice):
    good_one, expired = issue(user=alice), issue(user=alice)
    RefreshFamily.objects.filter(current_jti=RefreshToken(expired["refresh_token"])["jti"]).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert delete_expired_refresh_families() == 1
    good(renew(api, good_one["refresh_token"]))
    assert refused(renew(api, expired["refresh_token"]))
