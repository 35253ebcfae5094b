"""Serve the built book on this machine only: python book/_tools/serve.py [port]"""

import functools
import gzip
import http.server
import io
import sys
from pathlib import Path

COMPRESSED = {".html", ".css", ".js", ".svg", ".json", ".txt"}
SITE = Path(__file__).resolve().parents[2] / "_build" / "html"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Quiet, never cached, so that a rebuilt page shows at once, and compressed, as any host of pages does it."""

    def send_head(self):
        path = Path(self.translate_path(self.path))
        if path.suffix not in COMPRESSED or "gzip" not in self.headers.get("Accept-Encoding", "") or not path.is_file():
            return super().send_head()
        body = gzip.compress(path.read_bytes(), compresslevel=6, mtime=0)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return io.BytesIO(body)

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
