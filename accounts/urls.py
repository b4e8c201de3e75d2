"""Routes under /v1/auth/. Each credential route has two addresses: docs/decisions/0002-auth-routes.md says why."""

from django.urls import URLPattern, path

from accounts.api import keys, sessions, views

urlpatterns: list[URLPattern] = [
    path("token/", views.SignInView.as_view(), name="auth-token"),
    path("token/refresh/", views.RefreshView.as_view(), name="auth-refresh"),
    path("token/verify/", views.VerifyView.as_view(), name="auth-verify"),
    path("token/logout/", views.LogoutView.as_view(), name="auth-logout"),
    path("logout-all/", views.LogoutAllView.as_view(), name="auth-logout-all"),
    path("password/", views.PasswordView.as_view(), name="auth-password"),
    path("me/", views.MeView.as_view(), name="auth-me"),
    path("keys/", keys.KeysView.as_view(), name="auth-keys"),
    path("keys/<slug:prefix>/", keys.KeyView.as_view(), name="auth-key"),
    path("sessions/", sessions.SessionsView.as_view(), name="auth-sessions"),
    path("sessions/<uuid:session>/", sessions.SessionView.as_view(), name="auth-session"),
    # The same views once more; `schema=None` keeps them out of the OpenAPI document.
    path("refresh/", views.RefreshView.as_view(schema=None)),
    path("verify/", views.VerifyView.as_view(schema=None)),
    path("logout/", views.LogoutView.as_view(schema=None)),
    path("token/logout-all/", views.LogoutAllView.as_view(schema=None)),
    path("token/password/", views.PasswordView.as_view(schema=None)),
]
