"""What each address of the API answers, to everybody and to those who hold a right: the table of roles."""

from catalog.models import Kind

READ = {"get": 200}  # by everybody
CREDENTIAL = {"post": 400}  # the body is the credential, and an empty one is none
LISTS = {"vehicles": "vehicle", "memorabilia": "memorabilia", "tools": "tool", "items": "item"}
# The lists that staff write, by the right to what; of all kinds one kind's right is enough to begin with.
WRITTEN = {**LISTS, "items": "tool", "productions": "production", "terms": "term"}
# What an address answers to those who are signed in; nobody else gets beyond a 401.
OWN = {
    "v1/auth/me/": {"get": 200},
    "v1/auth/password/": {"post": 400},
    "v1/auth/token/password/": {"post": 400},
    "v1/auth/logout-all/": {"post": 200},
    "v1/auth/token/logout-all/": {"post": 200},
    "v1/auth/keys/": {"get": 200, "post": 400},
    "v1/auth/keys/<slug:prefix>/": {"get": 404, "delete": 404},
    "v1/auth/sessions/": {"get": 200},
    "v1/auth/sessions/<uuid:session>/": {"delete": 404},
}
# What an address answers to everybody.
ROUTES = {
    "v1/": READ,
    "v1/schema/": READ,
    ".well-known/jwks.json": READ,
    **{f"v1/auth/{name}/": CREDENTIAL for name in ("token", "refresh", "verify", "logout")},
    **{f"v1/auth/token/{name}/": CREDENTIAL for name in ("refresh", "verify", "logout")},
    **{f"v1/{name}/{key}": READ for name in (*LISTS, "productions") for key in ("", "<slug:slug>/")},
    "v1/terms/": READ,
    "v1/terms/<slug:vocabulary>/<slug:slug>/": READ,
    "v1/suggest/": {"get": 400},  # without words
    "v1/media/": READ,
    "v1/media/<int:pk>/": READ,
    "v1/media/<int:pk>/file/": {"get": 302},
    "v1/media/<int:pk>/renditions/<str:name>/": {"get": 302},
}
# What an address for staff answers to those with the right: an empty body is not always enough. Others get a 403.
RUN, LAYOUT = "v1/imports/<int:pk>/", "v1/imports/layouts/"
FOR_STAFF = {
    "v1/imports/": {"get": ("catalog.view_importrun", 200), "post": ("catalog.add_importrun", 415)},
    "v1/imports/template/": {"get": ("catalog.add_importrun", 200)},
    RUN: {"get": ("catalog.view_importrun", 200)},
    f"{RUN}mapping/": {"put": ("catalog.preview_importrun", 400)},
    f"{RUN}rows/": {"get": ("catalog.view_importrun", 400)},  # it has no sheet
    f"{RUN}rejected/": {"get": ("catalog.view_importrun", 409)},  # nothing was rejected
    f"{RUN}file/": {"get": ("catalog.view_importrun", 409)},  # it is not kept any more
    f"{RUN}leave-out/": {"post": ("catalog.preview_importrun", 400)},
    f"{RUN}confirm/": {"post": ("catalog.confirm_importrun", 404)},
    f"{RUN}cancel/": {"post": ("catalog.add_importrun", 404)},
    f"{RUN}undo/": {"post": ("catalog.undo_importrun", 409)},  # it changed nothing
    LAYOUT: {"get": ("catalog.view_importlayout", 200)},
    f"{LAYOUT}<int:pk>/": {
        "get": ("catalog.view_importlayout", 404),
        "patch": ("catalog.change_importlayout", 404),
        "delete": ("catalog.delete_importlayout", 404),
    },
    "v1/media/<int:pk>/original/": {"get": ("catalog.view_mediaasset", 302)},
    "v1/media/uploads/": {"post": ("catalog.add_mediaasset", 400)},
    "v1/media/uploads/<uuid:pk>/": {"get": ("catalog.add_mediaasset", 404)},
    "v1/media/uploads/<uuid:pk>/complete/": {"post": ("catalog.add_mediaasset", 404)},
    "v1/media/uploads/<uuid:pk>/content/": {"put": ("catalog.add_mediaasset", 404)},
    "v1/media/<int:pk>/restore/": {"post": ("catalog.add_mediaasset", 200)},
    # Many rows are a list, which an empty object is none.
    **{
        f"v1/{name}/bulk/": {
            "post": (f"catalog.add_{kind}", 400),
            "patch": (f"catalog.change_{kind}", 400),
            "delete": (f"catalog.delete_{kind}", 400),
        }
        for name, kind in WRITTEN.items()
    },
    # An export does not begin without `as`.
    **{
        f"v1/exports/{kind}/": {"get": (f"catalog.export_{kind}", 400)}
        for kind in (*Kind.values, "production", "term")
    },
    "v1/exports/item/": {"get": ("catalog.export_vehicle", 400)},
}
# What staff change at an address that everybody reads, by their rights; an empty body lacks what a new row needs.
WRITES = {
    **{f"v1/{name}/": {"post": (f"catalog.add_{kind}", 400)} for name, kind in WRITTEN.items()},
    **{
        f"v1/{name}/{'<slug:vocabulary>/' if name == 'terms' else ''}<slug:slug>/": {
            "put": (f"catalog.change_{kind}", 400),
            "patch": (f"catalog.change_{kind}", 200),
            "delete": (
                f"catalog.delete_{kind}",
                409 if name == "productions" else 204,
            ),  # an item appears in it
        }
        for name, kind in WRITTEN.items()
    },
    "v1/media/<int:pk>/": {
        "patch": ("catalog.change_mediaasset", 200),
        "delete": ("catalog.delete_mediaasset", 204),
    },
}
