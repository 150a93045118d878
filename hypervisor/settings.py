"""Django's settings. Everything that differs between installations comes from the environment."""

import base64
import hashlib
import os
import sys
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from kombu import Queue
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from hypervisor import environment as env
from hypervisor.api_description import SPECTACULAR_SETTINGS, VERSION  # noqa: F401 — settings
from hypervisor.console.configuration import UNFOLD  # noqa: F401 — a setting
from hypervisor.embedded.urls import celery_broker_url
from hypervisor.front import MOST_BODY_BYTES
from hypervisor.front import STILL_MARK as STILL_MARK  # a setting
from scheduling.core.policy import PRESETS, TWO_PHASE

env.load_dotenv()

BASE_DIR = Path(__file__).resolve().parent.parent
DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.secret_key(debug=DEBUG)
ALLOWED_HOSTS = env.allowed_hosts()
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")
METRICS_TOKEN = env.token("METRICS_TOKEN")
# Where the web processes keep their counters, so that any of them can answer for all.
METRICS_FOLDER = env.text("PROMETHEUS_MULTIPROC_DIR")
if not METRICS_FOLDER:
    # prometheus_client asks only whether the variable is there: an empty one would put files where we stand.
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
# Without keys of its own an installation encrypts with one derived from SECRET_KEY.
ENCRYPTION_KEYS = env.words("ENCRYPTION_KEYS") or [
    base64.urlsafe_b64encode(hashlib.sha256(b"encryption" + SECRET_KEY.encode()).digest()).decode()
]
SCHEDULER_INTERVAL_SECONDS = env.whole_number("SCHEDULER_INTERVAL_SECONDS", 5, minimum=1, maximum=86_400)
SCHEDULER_INTERVAL = env.whole_number("SCHEDULER_INTERVAL", 2, minimum=1, maximum=86_400)
SCHEDULER_HINTS = env.flag("SCHEDULER_HINTS", default=True)
SCHEDULER_POLICY = env.choice("SCHEDULER_POLICY", TWO_PHASE.name, tuple(PRESETS))
ACCESS_TOKEN_EXPIRE_MINUTES = env.whole_number("ACCESS_TOKEN_EXPIRE_MINUTES", 30, minimum=1, maximum=1440)
PORT = env.whole_number("PORT", 8000, minimum=1, maximum=65535)
LIVENESS_FILE = env.text("LIVENESS_FILE")
CLUSTER_ENDPOINTS = env.endpoints("CLUSTER_ENDPOINTS")
WEBHOOK_ALLOWED_NETWORKS = env.networks("WEBHOOK_ALLOWED_NETWORKS")
ALLOWED_REGISTRIES = env.registries("ALLOWED_REGISTRIES")
ENGINE_RESERVE_PERCENT = env.whole_number("ENGINE_RESERVE_PERCENT", 10, minimum=0, maximum=90)
START_TIMEOUT_SECONDS = env.whole_number("START_TIMEOUT_SECONDS", 1800, minimum=10, maximum=86_400)
KEEP_ENDED_SECONDS = env.whole_number("KEEP_ENDED_SECONDS", 600, minimum=0, maximum=30 * 86_400)

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "hypervisor.console.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "axes",
    "accounts",
    "organizations",
    "clusters",
    "deployments",
    "scheduling",
    "hypervisor",
]
MIDDLEWARE = [
    "hypervisor.middleware.RequestContext",
    "hypervisor.metrics.CountRequests",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "hypervisor.middleware.OptionalTrailingSlash",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "hypervisor.urls"
WSGI_APPLICATION = "hypervisor.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "hypervisor" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASE_URL = env.database_url()
_database = environ.Env.db_url_config(DATABASE_URL)
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **_database,
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
        # A host that drops packets would hang every web thread: a 503 after five seconds is an answer.
        # Only the scheduler's own reads are prepared: the ORM's never are.
        "OPTIONS": {"connect_timeout": 5, "prepare_threshold": 5} | _database.get("OPTIONS", {}),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.redis_url()
CACHES = {
    "default": {
        "BACKEND": "hypervisor.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "hypervisor",
        # redis-py would try ten times: during an outage every request would wait for seconds.
        "OPTIONS": {
            "socket_timeout": 2,
            "socket_connect_timeout": 2,
            "retry": Retry(ConstantBackoff(0.05), 1),
        },
    }
}

CELERY_BROKER_URL = celery_broker_url(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "hypervisor"
# What waits for engines has a queue of its own: threads that wait there must not hold up a cycle.
# Webhooks, too: the workers that wait for engines take them, or one of their own.
# A worker that is told no queue takes all.
CELERY_TASK_QUEUES = [Queue("hypervisor"), Queue("engines"), Queue("webhooks")]
CELERY_TASK_ROUTES = {
    "clusters.*": {"queue": "engines"},
    "deployments.reconcile": {"queue": "engines"},
    "deployments.pull_image": {"queue": "engines"},
    "organizations.*": {"queue": "webhooks"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
CELERY_TASK_TIME_LIMIT = 300
# Celery would close each connection before and after every task; `hypervisor.celery` closes what Django would.
CELERY_DB_REUSE_MAX = sys.maxsize
CELERY_BEAT_SCHEDULER = "hypervisor.beat:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
DJANGO_CELERY_BEAT_TZ_AWARE = True

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# Locking the pair, never the user alone: otherwise anybody could lock anybody else out.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_CLIENT_IP_CALLABLE = "hypervisor.middleware.lockout_address"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

TOKEN_ISSUER = "mlops-hypervisor"  # noqa: S105 — a name, not a secret
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": SECRET_KEY,
    "ISSUER": TOKEN_ISSUER,
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=ACCESS_TOKEN_EXPIRE_MINUTES),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "USER_ID_CLAIM": "sub",
}

# Proxies in front that append to X-Forwarded-For; with 0 the header is not believed.
NUM_PROXIES: int = env.whole_number("NUM_PROXIES", 0, minimum=0, maximum=10)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["hypervisor.json.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["hypervisor.json.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "hypervisor.pagination.KeysetPagination",
    "DEFAULT_SCHEMA_CLASS": "hypervisor.openapi.Schema",
    "EXCEPTION_HANDLER": "hypervisor.problems.exception_handler",
    "DEFAULT_THROTTLE_RATES": {
        "register": env.rate("THROTTLE_REGISTER", "120/hour"),
        "token": env.rate("THROTTLE_TOKEN", "30/minute"),
        "join": env.rate("THROTTLE_JOIN", "30/minute"),
        "check": env.rate("THROTTLE_CHECK", "30/minute"),
        "plan": env.rate("THROTTLE_PLAN", "60/minute"),
    },
    "NUM_PROXIES": NUM_PROXIES,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
DATETIME_FORMAT = "Y-m-d H:i:s"
LOGIN_REDIRECT_URL = "/admin/"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = not STATIC_ROOT.is_dir()
if WHITENOISE_USE_FINDERS:
    warnings.filterwarnings("ignore", message="No directory at")
# Of forms; JSON bodies are held to the same by our parser.
DATA_UPLOAD_MAX_MEMORY_SIZE = MOST_BODY_BYTES

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
BEHIND_TLS = env.flag("BEHIND_TLS", default=False)
if BEHIND_TLS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 31_536_000

from hypervisor.logs import LOGGING, LOGGING_CONFIG  # noqa: E402, F401 — configured last, once DEBUG is known
