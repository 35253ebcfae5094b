"""Serve the built book on this machine only: python book/_tools/serve.py [port]"""

import functools
import http.server
import sys
from pathlib import Path

SITE = Path(__file__).resolve().parents[2] / "_build" / "html"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Quiet, and never cached, so that a rebuilt page shows at once."""

    def log_message(self, *_):
        pass

    def end_headers(self):
        self.send_header("Cache-Control", "no-store")
        super().end_headers()


def server(site: Path = SITE, ports=(0,)) -> http.server.ThreadingHTTPServer:
    """A server on the first of these ports that is free; port 0 is any."""
    for port in ports:
        try:
            return http.server.ThreadingHTTPServer(
                ("127.0.0.1", port), functools.partial(Handler, directory=str(site))
            )
        except OSError:
            continue
    raise OSError(f"none of the ports {list(ports)} is free")


def main():
    if not (SITE / "index.html").is_file():
        sys.exit("There is no book yet. Build it: python book/_tools/build.py")
    ports = [int(sys.argv[1])] if len(sys.argv) > 1 else [*range(8000, 8020), 0]
    with server(ports=ports) as running:
        print(
            f"The book: http://127.0.0.1:{running.server_address[1]}/  (Ctrl-C stops)", flush=True
        )
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
