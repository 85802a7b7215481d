# SPDX-License-Identifier: MIT
"""curl uploads by PUT and POST, with a length and in chunks, with and without asking first; the server hashes what it stores."""
import _net


def test(folder):
    digest = _net.random_file(folder / "up", _net.less(12 << 20))
    (folder / "root").mkdir()
    (folder / "stored").mkdir()
    with _net.Program("http_server", "--root", folder / "root", "--upload", folder / "stored") as server:
        url = f"http://{_net.STRATA}:8080"
        ways = {"put": ["-T", folder / "up"],
                "waits": ["-H", "Expect: 100-continue", "-T", folder / "up"],
                "chunks": ["-H", "Transfer-Encoding: chunked", "-T", folder / "up"],
                "post": ["-H", "Content-Type: application/octet-stream", "--data-binary", f"@{folder / 'up'}"],
                "post_chunks": ["-H", "Transfer-Encoding: chunked", "--data-binary", f"@{folder / 'up'}"]}
        for name, options in ways.items():
            said = _net.curl(*options, f"{url}/{name}")
            _net.expect(said == digest + "\n" and _net.sha256(folder / "stored" / name) == digest, f"{name}: what was stored differs: {said}")
        hashes = [r.get("sha256") for r in server.records("request") if r.get("method") in ("PUT", "POST")]
        _net.expect(hashes == [digest] * len(ways), f"the log says {hashes}")
    with _net.Program("http_server", "--root", folder / "root") as server:  # nowhere to store: hashed all the same
        _net.expect(_net.curl("-T", folder / "up", f"{url}/put") == digest + "\n", "what was hashed differs")


_net.run(test, "curl")
