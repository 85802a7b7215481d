# SPDX-License-Identifier: MIT
"""curl downloads from strata's HTTP server: a large file and many small ones over kept connections, HEAD, 404, and nothing outside the root."""
import _net

URL = f"http://{_net.STRATA}:8080"


def test(folder):
    root = folder / "root"
    size = _net.less(48 << 20)
    large = _net.random_file(root / "large", size)
    small = {str(i): _net.random_file(root / "small" / str(i), 1 + i * 977) for i in range(60)}
    (root / "empty").write_bytes(b"")
    (folder / "secret").write_text("secret")
    with _net.Program("http_server", "--root", root) as server:
        _net.curl("-o", folder / "large", f"{URL}/large")
        _net.expect(_net.sha256(folder / "large") == large, "the large file differs")
        (folder / "got").mkdir()
        _net.curl("-o", folder / "got" / "#1", f"{URL}/small/[0-59]")
        for name, digest in small.items():
            _net.expect(_net.sha256(folder / "got" / name) == digest, f"small/{name} differs")
        head = _net.curl("-I", f"{URL}/large")
        _net.expect("200" in head.splitlines()[0] and f"content-length: {size}" in head.lower(), f"HEAD: {head}")
        status = lambda *words: _net.sh("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", *words)
        _net.expect(status(f"{URL}/nothing") == "404", "a missing file is no 404")
        _net.expect(status(f"{URL}/empty") == "200", "an empty file is no 200")
        for path in ("/../secret", "/%2e%2e/secret", "/small/../../secret"):
            _net.expect(status("--path-as-is", f"{URL}{path}") in ("400", "403", "404"), f"{path} was served")
        _net.expect(status("-X", "DELETE", f"{URL}/large") == "405", "DELETE is no 405")
        _net.expect(len(server.records("request")) >= 60, "requests are missing in the log")


_net.run(test, "curl")
