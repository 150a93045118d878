"""What workers get of a registry credential."""

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from accounts import secrets
from clusters.registries import login_of
from clusters.runtimes.base import Cause, RuntimeFailure
from clusters.tests.factories import PULL_PASSWORD, CredentialFactory

pytestmark = pytest.mark.django_db


def test_where_no_credential_is_named_there_is_no_login():
    assert login_of(None) is None


def test_a_login_is_decrypted_and_does_not_show_its_password():
    credential = CredentialFactory(
        password=secrets.encrypt('{} "quoted" ü'), server="registry.example.com:5000"
    )
    login = login_of(credential.pk)
    assert (login.server, login.username, login.password) == (
        "registry.example.com:5000",
        "puller",
        '{} "quoted" ü',
    )
    assert "quoted" not in repr(login)


@pytest.mark.parametrize("gone", ["deleted", "absent"])
def test_one_that_is_gone_is_a_permanent_failure_that_says_so(gone):
    credential = CredentialFactory(deleted_at=timezone.now())
    with pytest.raises(RuntimeFailure, match="was deleted") as failed:
        login_of(credential.pk if gone == "deleted" else credential.pk + 1)
    assert failed.value.permanent
    assert failed.value.cause is Cause.IMAGE_PULL_DENIED


def test_one_that_no_key_reads_is_a_permanent_failure_that_says_what_to_do(settings):
    credential = CredentialFactory(name="team")
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(RuntimeFailure, match=r"'team' cannot be read\. Write it anew") as failed:
        login_of(credential.pk)
    assert failed.value.permanent
    assert PULL_PASSWORD not in str(failed.value)
