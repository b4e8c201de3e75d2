"""Settings of the API: what its views have in common, what it asks of those who write, and how much it bears."""

from marketplace import environment
from marketplace.rates import rates

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",  # the first one's challenge goes with every 401
        "accounts.authentication_keys.ApiKeyAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["marketplace.rest.ReadOnlyOrModelPermissions"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.throttling.RateThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["marketplace.rest.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["marketplace.rest.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "marketplace.rest.PageNumberPagination",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "marketplace.rest.Negotiation",
    "DEFAULT_METADATA_CLASS": "marketplace.rest.Methods",
    "DEFAULT_SCHEMA_CLASS": "marketplace.openapi.Schema",
    "EXCEPTION_HANDLER": "accounts.throttling.problem_response",
    "URL_FORMAT_OVERRIDE": None,  # the Accept header decides; `format` is a parameter of the schema only
}

REQUIRE_IF_MATCH = environment.flag("REQUIRE_IF_MATCH", default=False)  # of writes to one row, at /v1/

# How many requests one client may make: an address that is not signed in, or an account from wherever it comes.
RATE_LIMITS = rates(
    "RATE_LIMITS",
    {
        "anonymous": "600/minute",  # reads by an address
        "client": "3000/minute",  # reads by an account
        "write": "600/minute",  # by an account or an address; sign-ins have limits of their own besides
        "export": "60/minute",  # files of the catalogue
    },
)
