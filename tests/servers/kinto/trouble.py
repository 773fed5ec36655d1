"""The trouble that a test may ask for by the name of a record that it inserts. See README.md."""

import time

from kinto.core.errors import http_error
from pyramid.httpexceptions import HTTPInternalServerError, HTTPServiceUnavailable
from pyramid.response import Response


def name_of(request):
    """The name of the record in a request that may insert one."""
    if request.method not in ("POST", "PUT") or "/records" not in request.path:
        return None
    try:
        return request.json_body["data"]["name"]
    except (KeyError, TypeError, ValueError):
        return None


def tween_factory(handler, _registry):
    def tween(request):
        name = name_of(request)
        if name == "busy":
            busy = http_error(HTTPServiceUnavailable(), errno=201, message="busy")
            busy.headers["Retry-After"] = "1"
            return busy
        answer = handler(request)
        # Only the answer to what was written goes wrong.
        if answer.status_code != 201:
            return answer
        if name == "boom":
            return http_error(HTTPInternalServerError(), errno=999, message="boom")
        if name == "lost":
            # More is announced than comes.
            lost = Response(app_iter=[answer.body[:1]], status=201, content_type="application/json")
            lost.content_length = len(answer.body)
            return lost
        if name == "slow":
            time.sleep(5)
        return answer

    return tween


def includeme(config):
    config.add_tween("trouble.tween_factory")
