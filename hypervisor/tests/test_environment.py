"""Each reader of the environment, as `manage.py check` sees it, in a process that has that environment."""

import functools
import json
import os
import subprocess
import sys

import environ
import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from accounts.secrets import UnreadableSecret, decrypt, encrypt
from hypervisor import environment as env

GOOD_SECRET = "a-secret-of-a-sufficient-length-for-tests"
GOOD_KEY = "A" * 43 + "="
SECRET = "tr0ub4dor"


def python(*arguments, **variables):
    """Runs with these variables and none of ours; an empty one counts as not given, even if `.env` has it."""
    unset = dict.fromkeys(
        ("DATABASE_URL", "REDIS_URL", "POSTGRES_HOST", "POSTGRES_PORT", "ENCRYPTION_KEYS", "DEBUG"), ""
    )
    environment = {"PATH": os.environ["PATH"], "SECRET_KEY": GOOD_SECRET, **unset, **variables}
    return subprocess.run(
        [sys.executable, *arguments], cwd=env.PROJECT, env=environment, capture_output=True, text=True
    )


def check(**variables):
    return python("manage.py", "check", **variables)


def setting(expression, **variables):
    """What `settings` says in such an environment."""
    code = f"import json; from django.conf import settings; print(json.dumps({expression}))"
    outcome = python("-c", code, DJANGO_SETTINGS_MODULE="hypervisor.settings", **variables)
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout)


WRONG = [
    ("SCHEDULER_INTERVAL_SECONDS", "0", "SCHEDULER_INTERVAL_SECONDS=5"),
    ("SCHEDULER_INTERVAL_SECONDS", "86401", "SCHEDULER_INTERVAL_SECONDS=5"),
    ("SCHEDULER_INTERVAL", "soon", "SCHEDULER_INTERVAL=2"),
    ("ACCESS_TOKEN_EXPIRE_MINUTES", "-1", "ACCESS_TOKEN_EXPIRE_MINUTES=30"),
    ("ACCESS_TOKEN_EXPIRE_MINUTES", "1.5", "ACCESS_TOKEN_EXPIRE_MINUTES=30"),
    ("PORT", "65536", "PORT=8000"),
    ("NUM_PROXIES", "11", "NUM_PROXIES=0"),
    ("DEBUG", "maybe", "DEBUG=true or DEBUG=false"),
    ("SCHEDULER_HINTS", "2", "SCHEDULER_HINTS=true"),
    ("SCHEDULER_POLICY", "fair", "SCHEDULER_POLICY=two_phase"),
    ("BEHIND_TLS", "tls", "BEHIND_TLS=true"),
    ("LOG_LEVEL", "loud", "LOG_LEVEL=INFO"),
    ("LOG_FORMAT", "xml", "LOG_FORMAT=json"),
    ("THROTTLE_REGISTER", "120", "THROTTLE_REGISTER=120/hour"),
    ("THROTTLE_TOKEN", "0/minute", "THROTTLE_TOKEN=30/minute"),
    ("THROTTLE_JOIN", "3/fortnight", "THROTTLE_JOIN=30/minute"),
    ("THROTTLE_CHECK", "often", "THROTTLE_CHECK=30/minute"),
    ("THROTTLE_PLAN", "60", "THROTTLE_PLAN=60/minute"),
    ("ALLOWED_HOSTS", "https://gpu.example.com", "ALLOWED_HOSTS=gpu.example.com"),
    ("ALLOWED_HOSTS", "gpu.example.com:8000", "ALLOWED_HOSTS=gpu.example.com"),
    ("CSRF_TRUSTED_ORIGINS", "gpu.example.com", "CSRF_TRUSTED_ORIGINS=https://"),
    ("CSRF_TRUSTED_ORIGINS", "https://gpu.example.com/admin/", "CSRF_TRUSTED_ORIGINS=https://"),
    ("WEBHOOK_ALLOWED_NETWORKS", "10.1.2.3/16", "WEBHOOK_ALLOWED_NETWORKS=10.1.0.0/16"),
    ("WEBHOOK_ALLOWED_NETWORKS", "hooks.lan", "WEBHOOK_ALLOWED_NETWORKS=10.1.0.0/16"),
    ("METRICS_TOKEN", "two words", "Make one for METRICS_TOKEN"),
    ("DATABASE_URL", "sqlite:///db.sqlite3", "DATABASE_URL=postgres://USER:PASSWORD@HOST:5432/DATABASE"),
    ("DATABASE_URL", "hypervisor", "DATABASE_URL=postgres://"),
    ("DATABASE_URL", f"postgres://u:{SECRET}@h:port/d", "special signs as %XX"),
    ("DATABASE_URL", f"postgres://u:{SECRET}@[h/d", "special signs as %XX"),
    ("DATABASE_URL", f"postgres://u:{SECRET}@h:5432", "DATABASE_URL=postgres://"),
    ("REDIS_URL", "localhost:6379", "REDIS_URL=redis://HOST:6379/0"),
    ("REDIS_URL", f"redis://:{SECRET}@h:port/0", "REDIS_URL=redis://HOST:6379/0"),
    ("REDIS_URL", "unix://", "unix:///path/to/socket"),
    ("ENCRYPTION_KEYS", f"{GOOD_KEY},{SECRET}", "Fernet.generate_key()"),
    ("SECRET_KEY", "", "secrets.token_urlsafe(48)"),
    ("SECRET_KEY", "s" * 31, "secrets.token_urlsafe(48)"),
]


ROUNDS: list[dict[str, str]] = [{} for _ in range(5)]
"""All wrong values in as few environments as may be: each start costs a second."""
for variable, value, _ in WRONG:
    next(one for one in ROUNDS if variable not in one)[variable] = value


@functools.cache
def outcome_of_round(number):
    return check(**ROUNDS[number])


@pytest.mark.parametrize(("variable", "value", "what_to_write"), WRONG)
def test_a_wrong_value_is_refused_with_what_to_write(variable, value, what_to_write):
    number = next(n for n, one in enumerate(ROUNDS) if one.get(variable) == value)
    outcome = outcome_of_round(number)
    assert outcome.returncode == 1
    about = [
        words for words in outcome.stderr.split("?: ") if words.startswith(f"(hypervisor.E001.{variable})")
    ]
    assert len(about) == 1, outcome.stderr
    assert what_to_write in about[0]


@pytest.mark.parametrize("number", range(len(ROUNDS)))
def test_all_that_is_wrong_is_said_at_once_and_nothing_else(number):
    outcome, wrong = outcome_of_round(number), len(ROUNDS[number])
    assert f"identified {wrong} issue" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert SECRET not in outcome.stderr, "a password must not reach the logs"


def test_the_example_of_a_secret_key_is_refused():
    outcome = check(SECRET_KEY=example()["SECRET_KEY"])
    assert "hypervisor.E001.SECRET_KEY" in outcome.stderr
    assert len(example()["SECRET_KEY"]) >= env.MINIMUM_SECRET_BYTES, (
        "refused for what it is, not for its length"
    )


def test_the_example_with_secrets_of_ones_own_is_accepted():
    outcome = check(**{**example(), "SECRET_KEY": GOOD_SECRET, "POSTGRES_PASSWORD": SECRET})
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize("key", ["", "short"])
def test_debug_takes_any_secret_key(key, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", key)
    monkeypatch.setattr(env, "problems", [])
    assert env.secret_key(debug=True)
    assert env.problems == []
    env.secret_key(debug=False)
    assert [problem.variable for problem in env.problems] == ["SECRET_KEY"]


def test_servers_start_no_sooner_than_the_checks_pass():
    outcome = python("-c", "import hypervisor.wsgi", PORT="x")
    assert ImproperlyConfigured.__name__ in outcome.stderr
    assert "Write for example PORT=8000." in outcome.stderr


def test_a_database_url_is_put_together_from_its_parts(monkeypatch):
    parts = {"USER": "u", "PASSWORD": "p@ss/w:rd%+#?&'!", "HOST": "h", "PORT": "5433", "DB": "d"}
    monkeypatch.setenv("DATABASE_URL", "")
    for name, value in parts.items():
        monkeypatch.setenv(f"POSTGRES_{name}", value)
    read = environ.Env.db_url_config(env.database_url())
    assert {"USER": read["USER"], "PASSWORD": read["PASSWORD"], "HOST": read["HOST"], "DB": read["NAME"]} == {
        name: value for name, value in parts.items() if name != "PORT"
    }
    assert read["PORT"] == 5433


def test_a_wrong_port_of_the_database_is_noted(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("POSTGRES_PORT", "five")
    monkeypatch.setattr(env, "problems", [])
    assert env.database_url().endswith(":5432/hypervisor")
    assert [problem.hint for problem in env.problems] == ["Write for example POSTGRES_PORT=5432."]


def test_a_database_url_wins_over_its_parts(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://h/whole")
    monkeypatch.setenv("POSTGRES_DB", "part")
    assert env.database_url() == "postgres://h/whole"


def test_this_machine_is_always_an_allowed_host(monkeypatch):
    monkeypatch.setenv("ALLOWED_HOSTS", "gpu.example.com, localhost")
    assert env.allowed_hosts() == ["gpu.example.com", "localhost", "127.0.0.1", "[::1]"]


@pytest.mark.parametrize(
    ("word", "meant"), [("TRUE", True), ("on", True), ("No", False), ("0", False), ("", True)]
)
def test_words_of_yes_and_no_are_understood(word, meant, monkeypatch):
    monkeypatch.setenv("BEHIND_TLS", word)
    assert env.flag("BEHIND_TLS", default=True) is meant


def test_without_encryption_keys_one_is_made_from_the_secret_key():
    first, again, other = (
        setting("settings.ENCRYPTION_KEYS", SECRET_KEY=key)
        for key in (GOOD_SECRET, GOOD_SECRET, GOOD_SECRET * 2)
    )
    assert first == again != other


def test_encryption_keys_rotate_the_first_encrypts_and_all_decrypt():
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    with override_settings(ENCRYPTION_KEYS=[old]):
        written_before = encrypt({"token": SECRET})
    with override_settings(ENCRYPTION_KEYS=[new, old]):
        assert decrypt(written_before) == {"token": SECRET}
        written_after = encrypt({"token": SECRET})
    with override_settings(ENCRYPTION_KEYS=[new]):
        assert decrypt(written_after) == {"token": SECRET}
        with pytest.raises(UnreadableSecret, match="ENCRYPTION_KEYS"):
            decrypt(written_before)


def example():
    """`.env.example` as a table."""
    lines = (env.PROJECT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
