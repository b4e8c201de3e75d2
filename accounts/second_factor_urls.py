"""Routes under /admin/second-factor/."""

from django.urls import URLPattern, path

from accounts.admin import second_factor as views

urlpatterns: list[URLPattern] = [
    path("", views.overview, name="second-factor"),
    path("verify/", views.verify, name="second-factor-verify"),
    path("confirm/", views.confirm, name="second-factor-confirm"),
    path("app/", views.add_app, name="second-factor-app"),
    path("codes/", views.new_codes, name="second-factor-codes"),
    path("remove/<str:kind>/<int:number>/", views.remove, name="second-factor-remove"),
    path("reset/<int:number>/", views.reset, name="second-factor-reset"),
    path("passkey/register/", views.begin_registration, name="passkey-registration-begin"),
    path("passkey/registered/", views.complete_registration, name="passkey-registration-complete"),
    path("passkey/show/", views.begin_authentication, name="passkey-authentication-begin"),
    path("passkey/shown/", views.complete_authentication, name="passkey-authentication-complete"),
]
