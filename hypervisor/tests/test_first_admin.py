import pytest
from django.core.management import CommandError, call_command

from accounts.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "tall-green-bicycle-9"


@pytest.fixture(autouse=True)
def asked_for(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "root")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", "root@example.com")


def test_the_first_admin_may_enter_the_console(client):
    call_command("first_admin")
    client.post("/admin/login/", {"username": "root", "password": PASSWORD})
    assert client.get("/admin/").status_code == 200


def test_a_second_start_leaves_the_admin_and_the_password_alone(monkeypatch):
    call_command("first_admin")
    before = User.objects.get(username="root").password
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "another-yellow-train-4")
    monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "second")
    call_command("first_admin")
    assert User.objects.get(is_superuser=True).password == before


def test_without_a_password_nobody_is_made_and_it_says_how(monkeypatch, capsys):
    monkeypatch.delenv("DJANGO_SUPERUSER_PASSWORD")
    call_command("first_admin")
    assert not User.objects.exists()
    assert "createsuperuser" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [("PASSWORD", "12345678", "numeric"), ("EMAIL", "nobody", "email"), ("USERNAME", "a b", "username")],
)
def test_what_cannot_be_an_admin_is_refused_with_the_reason(variable, value, why, monkeypatch):
    monkeypatch.setenv(f"DJANGO_SUPERUSER_{variable}", value)
    with pytest.raises(CommandError, match=f"(?i){why}"):
        call_command("first_admin")
    assert not User.objects.exists()


def test_a_name_that_is_taken_is_not_made_an_admin_behind_its_back(django_user_model):
    django_user_model.objects.create_user(username="Root", password=PASSWORD)
    with pytest.raises(CommandError, match="DJANGO_SUPERUSER_USERNAME"):
        call_command("first_admin")
    assert not User.objects.filter(is_superuser=True).exists()
