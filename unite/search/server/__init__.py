"""A server of stored corpora, for people and programs: what the page stands on, and the API beside it.

    request -> guards (host, origin, token; size, time, number) -> route -> service -> one thread a searcher -> hits, vectors

    from unite.search.server import hosts_of, make_app, serve

    app = make_app({"mine": searcher}, token=None, hosts=hosts_of("127.0.0.1"), routes=page_routes)
    serve(app, "127.0.0.1", 7860)

A route asks `service_of(request)` and nothing else; what people hand over becomes an item in `uploads` alone, so that no text of theirs is
ever taken for the name of a file or an address.
"""

from unite.search.server.access import hosts_of, token_for
from unite.search.server.app import make_app
from unite.search.server.service import Service, service_of
from unite.search.server.serving import serve

__all__ = ["Service", "hosts_of", "make_app", "serve", "service_of", "token_for"]
