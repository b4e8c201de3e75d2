"""All settings, top to bottom. Machines differ by environment variables only (see .env.example)."""

import secrets
from datetime import timedelta
from pathlib import Path

import django_stubs_ext

from marketplace import embedded, environment, signing
from marketplace.credentials import *  # noqa: F403  (settings too)
from marketplace.interface import *  # noqa: F403  (settings too)
from marketplace.pictures import *  # noqa: F403  (settings too)
from marketplace.presentation import *  # noqa: F403  (settings too)
from marketplace.transport import *  # noqa: F403  (settings too)

django_stubs_ext.monkeypatch()  # makes generic Django classes subscriptable at run time

BASE_DIR = Path(__file__).resolve().parent.parent

# Identity
DEBUG = environment.flag("DEBUG", default=False)
LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = environment.hosts("ALLOWED_HOSTS", LOOPBACK_HOSTS)
CSRF_TRUSTED_ORIGINS = environment.origins("CSRF_TRUSTED_ORIGINS")
CORS_ALLOWED_ORIGINS = environment.origins("CORS_ALLOWED_ORIGINS")  # whose pages may read /v1/
TRUSTED_PROXIES = environment.networks("TRUSTED_PROXIES")  # whose X-Forwarded-For is believed
ROOT_URLCONF = "marketplace.urls"

# Database. Not Django's pool: it was measured to stall 14-30 s after a database restart.
DATABASES = {
    "default": environment.database("DATABASE_URL", embedded.database_url())
    | {"CONN_MAX_AGE": 300, "CONN_HEALTH_CHECKS": True}
}
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 3,
    "keepalives_idle": 30,
    "tcp_user_timeout": 10_000,
    "application_name": "catalogue",
    # For requests; commands and the worker lift them (marketplace.commands). The last ends what a killed one ran.
    "options": "-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=30000"
    " -c client_connection_check_interval=2000",
} | DATABASES["default"]["OPTIONS"]
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# After the database, so that a wrong DATABASE_URL is what its user hears of first.
SECRET_KEY = environment.text("SECRET_KEY") or embedded.secret("secret_key")
# Tokens have a key of their own, so that neither change undoes the other; machines that share SECRET_KEY
# and set no other derive the same one from it.
TOKEN_KEYS = signing.keys(
    "TOKEN_SIGNING_KEY",
    default=signing.derived(SECRET_KEY) if environment.is_set("SECRET_KEY") else embedded.secret("token_key"),
)

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # the site is marketplace.admin.Site
    "unfold.contrib.filters",
    "unfold.contrib.import_export",
    "marketplace.pages.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp_webauthn",
    "import_export",
    "pgtrigger",
    "pghistory",
    "procrastinate.contrib.django",
    "marketplace",
    "accounts",
    "catalog",
    "media_sync",
]

MIDDLEWARE = [
    "marketplace.headers.guard",
    "marketplace.requests.keep_facts",
    "marketplace.health.probes_first",
    "accounts.throttling.tell_rates",
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "marketplace.middleware.SessionMiddleware",
    "marketplace.middleware.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "marketplace.middleware.AuthenticationMiddleware",
    "marketplace.middleware.MessageMiddleware",
    "accounts.refusals.Refusals",
    "accounts.middleware.BrowserSessions",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "marketplace.history.HistoryMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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

# Reads change nothing, so they need not know their user: no session is looked up for them.
PGHISTORY_MIDDLEWARE_METHODS = ("POST", "PUT", "PATCH", "DELETE")

# Cache: in this process, or Redis where several processes must agree.
CACHES = {"default": environment.cache("CACHE_URL")}

# People
AUTH_USER_MODEL = "accounts.User"
LOGIN_REDIRECT_URL = "admin:index"
OTP_WEBAUTHN_RP_ID = next(
    (name.lstrip(".") for name in ALLOWED_HOSTS if name not in {*LOOPBACK_HOSTS, "*"}), "localhost"
)
# Beside the address that the request came to (accounts.passkeys).
OTP_WEBAUTHN_ALLOWED_ORIGINS = [f"https://{OTP_WEBAUTHN_RP_ID}"] + [
    origin for origin in CSRF_TRUSTED_ORIGINS if origin.startswith("https://")
]
REQUIRE_SECOND_FACTOR = environment.flag("REQUIRE_SECOND_FACTOR", default=False)  # of staff, at every door

# Files: the bucket is the one place; media_sync.storage knows how to speak to it.
S3_ENDPOINT_URL = environment.http_url("S3_ENDPOINT_URL", embedded.s3_endpoint_url())
S3_PUBLIC_ENDPOINT_URL = environment.http_url("S3_PUBLIC_ENDPOINT_URL", S3_ENDPOINT_URL)
S3_BUCKET = environment.text("S3_BUCKET", embedded.BUCKET)
S3_REGION = environment.text("S3_REGION", "us-east-1")
# Keys belong to an address: those in a developer's shell are not for the embedded server.
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY = (
    (environment.text("AWS_ACCESS_KEY_ID"), environment.text("AWS_SECRET_ACCESS_KEY"))
    if environment.is_set("S3_ENDPOINT_URL")
    else (embedded.S3_ACCESS_KEY_ID, embedded.secret("s3_secret_key"))
)
STORAGES = {
    "default": {"BACKEND": "media_sync.storage.BucketStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # no collectstatic step: the admin's files are served from their packages

# API (beside marketplace.interface)
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=5),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "USER_ID_CLAIM": "sub",
    "TOKEN_TYPE_CLAIM": "typ",
    "ISSUER": environment.text("TOKEN_ISSUER", "catalogue"),
    "AUDIENCE": environment.text("TOKEN_AUDIENCE", "catalogue"),
    # For simplejwt's own classes, which nobody uses; ours take TOKEN_KEYS.
    "SIGNING_KEY": secrets.token_hex(32),
}
TOKEN_FAMILY_LIFETIME = timedelta(days=30)  # however often its refresh tokens are used
# So long a client whose answer was lost may repeat a refresh; never for staff.
TOKEN_GRACE = timedelta(seconds=environment.integer("TOKEN_GRACE_SECONDS", 10, low=0, high=60))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "marketplace.requests.LogFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    # At INFO they tell before every command which tasks there are, and of each job that is enqueued.
    "loggers": {f"procrastinate.{name}": {"level": "WARNING"} for name in ("blueprints", "jobs", "periodic")},
    "root": {"handlers": ["stderr"], "level": environment.log_level("LOG_LEVEL")},
}

# Transport. Served to loopback only, the service speaks plain HTTP; under a name it is behind TLS.
BEHIND_TLS = not set(ALLOWED_HOSTS) <= set(LOOPBACK_HOSTS)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = BEHIND_TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = BEHIND_TLS
if BEHIND_TLS:  # a browser takes cookies of such names from this host alone, and over TLS
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
