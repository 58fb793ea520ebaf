"""The built page: its files are read once into a table by address, so no address can lead anywhere else."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

BUILT = Path(__file__).parent / "page" / "dist"
FILE_MAX = 32 << 20
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html",
         ".json": "application/json", ".webmanifest": "application/manifest+json", ".woff2": "font/woff2"}  # fmt: skip
UNBUILT = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>crossbook</title></head>
<body><h1>The page is not built yet</h1>
<p>Build it with <code>./run page-build</code> (Node 20 or newer), then load this address again.
The API answers already: <a href="/api/openapi.json">/api/openapi.json</a>.</p></body></html>
"""


class BuiltPage:
    """Serves the build under `/`; reads it again once it was built anew."""

    def __init__(self, folder: Path = BUILT) -> None:
        self._folder = folder
        self._seen = -1
        self._files: dict[str, tuple[bytes, str]] = {}

    async def answer(self, request: Request) -> Response:
        """The file of an address, or the page itself where its name has no ending."""
        self._read()
        path = request.url.path
        found = self._files.get(path)
        if found is None and "." not in path.rpartition("/")[2] and not path.startswith("/api"):
            path = "/index.html"
            found = self._files.get(path, (UNBUILT, "text/html; charset=utf-8"))
        if found is None:
            return Response(b'{"error":"there is no such file"}', 404, media_type="application/json")
        lasting = path.startswith("/assets/")
        caching = "public, max-age=31536000, immutable" if lasting else "no-cache"
        return Response(found[0], media_type=found[1], headers={"Cache-Control": caching})

    def _read(self) -> None:
        index = self._folder / "index.html"
        seen = index.stat().st_mtime_ns if index.is_file() else 0
        if seen == self._seen:
            return
        self._seen = seen
        self._files = {}
        for file in sorted(self._folder.rglob("*")) if seen else ():
            if file.is_file() and not file.is_symlink() and file.stat().st_size <= FILE_MAX:
                kind = TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
                if kind.startswith("text/"):
                    kind += "; charset=utf-8"
                self._files["/" + file.relative_to(self._folder).as_posix()] = (file.read_bytes(), kind)
