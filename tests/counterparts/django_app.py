"""django-oauth-toolkit, unmodified, with two clients and one person.

Run as `python django_app.py PORT`; settings come as JSON in the environment variable COUNTERPART.
"""

from __future__ import annotations

import json
import os
import sys
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.conf import settings

ASKED = json.loads(os.environ["COUNTERPART"])
settings.configure(
    DEBUG=False,
    SECRET_KEY="only-for-tests",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "oauth2_provider",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
        }
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ASKED["database"]}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    LOGIN_URL="/login",
    USE_TZ=True,
    PASSWORD_HASHERS=["django.contrib.auth.hashers.PBKDF2PasswordHasher"],
    OAUTH2_PROVIDER={
        "ACCESS_TOKEN_EXPIRE_SECONDS": ASKED["lifetime"],
        "PKCE_REQUIRED": True,
        "SCOPES": {"read": "Read", "write": "Write"},
        "ALLOWED_REDIRECT_URI_SCHEMES": ["http", "https"],
    },
)
django.setup()

from django.contrib.auth import get_user_model, login  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse, JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from oauth2_provider.models import get_application_model  # noqa: E402
from oauth2_provider.views.generic import ProtectedResourceView  # noqa: E402


class Me(ProtectedResourceView):
    def get(self, request: Any) -> JsonResponse:
        owner = request.resource_owner
        return JsonResponse({"name": owner.username if owner else "machine"})


def sign_in(request: Any) -> HttpResponse:
    login(request, get_user_model().objects.get(username="ada"))
    return HttpResponse("signed in")


urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("api/me", Me.as_view()),
    path("login", sign_in),
]


def prepare() -> None:
    call_command("migrate", verbosity=0)
    person = get_user_model().objects.create_user("ada", password="x")
    application = get_application_model()
    common = {"client_type": "confidential", "client_secret": ASKED["client_secret"], "user": person}
    application.objects.create(
        name="code",
        client_id="code",
        authorization_grant_type="authorization-code",
        redirect_uris=" ".join(ASKED["redirect_uris"]),
        **common,
    )
    application.objects.create(
        name="machine", client_id="machine", authorization_grant_type="client-credentials", **common
    )


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


if __name__ == "__main__":
    prepare()
    make_server("127.0.0.1", int(sys.argv[1]), get_wsgi_application(), Server, Quiet).serve_forever()
