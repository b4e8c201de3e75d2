"""Settings of transport that are the same on every machine: other people's browsers, cookies, sizes."""

# Browsers of the origins in CORS_ALLOWED_ORIGINS read the API and nothing else. No cookies go along: tokens
# travel in a header.
CORS_URLS_REGEX = r"^/v1/"
CORS_ALLOW_HEADERS = [
    "accept", "authorization", "content-type", "idempotency-key", "if-match", "if-none-match",
]  # fmt: skip
CORS_EXPOSE_HEADERS = [
    "ETag", "Idempotency-Replayed", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate", "X-Request-ID",
]  # fmt: skip

# The admin's cookies: no script reads them. Lax, not Strict, so that a link in a mail opens the admin; what
# changes anything is a POST with a token of the form besides. A sign-in ends with the browser or with the day's work.
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 60 * 60  # seconds
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

# A body without its files, in bytes. Files go to disk; how large they may be is for those who read them.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000  # forms of the admin carry many
DATA_UPLOAD_MAX_NUMBER_FILES = 20
