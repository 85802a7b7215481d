# SPDX-License-Identifier: MIT
"""curl uploads by PUT; the server hashes what it stores."""
import _net


def test(folder):
    digest = _net.random_file(folder / "up", 32 << 20)
    (folder / "root").mkdir()
    (folder / "stored").mkdir()
    with _net.Program("http_server", "--root", folder / "root", "--upload", folder / "stored") as server:
        _net.curl("-T", folder / "up", f"http://{_net.STRATA}:8080/up")
        _net.expect(_net.sha256(folder / "stored" / "up") == digest, "what was stored differs")
        hashes = [r.get("sha256") for r in server.records("request") if r.get("method") == "PUT"]
        _net.expect(hashes == [digest], f"the log says {hashes}")


_net.run(test, "curl")
