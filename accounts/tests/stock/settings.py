"""Settings of a service with simplejwt's own views, on the database that DATABASE_URL names."""

from marketplace import environment

SECRET_KEY = environment.text("SECRET_KEY")
DATABASES = {"default": environment.database("DATABASE_URL", "") | {"CONN_MAX_AGE": 300}}
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "accounts.tests.stock.urls"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.postgres",
    "rest_framework",
    "rest_framework_simplejwt",
    "rest_framework_simplejwt.token_blacklist",
    "accounts",
]
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SIMPLE_JWT = {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}
