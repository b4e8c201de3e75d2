"""Settings of passwords, second factors and browsers' sessions that are the same on every machine."""

AUTHENTICATION_BACKENDS = ["accounts.backends.AccountBackend"]
SESSION_ENGINE = "accounts.browser_sessions"  # keeps no key that could be used
PASSWORD_HASHERS = [
    "accounts.hashers.BoundedArgon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.validators.StorablePasswordValidator"},
    {"NAME": "accounts.validators.KnownPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

OTP_WEBAUTHN_RP_NAME = OTP_TOTP_ISSUER = "Catalogue"
OTP_TOTP_SYNC = False  # a phone's clock may differ by a step; the difference does not add up
OTP_WEBAUTHN_ALLOW_PASSWORDLESS_LOGIN = False
