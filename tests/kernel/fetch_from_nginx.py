# SPDX-License-Identifier: MIT
"""strata's fetch is the client, nginx on the kernel's stack the server: one connection and eight, chunks, a missing file, and an upload."""
import re
import subprocess
import time

import _net


def test(folder):
    digest = _net.random_file(folder / "www" / "large", _net.less(32 << 20))
    (folder / "www").chmod(0o755)
    (folder / "www" / "large").chmod(0o644)
    (folder / "conf").write_text(f"""
daemon off; pid {folder}/pid; error_log {folder}/error; worker_processes 1;
events {{ worker_connections 256; }}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen {_net.KERNEL}:8081; root {folder}/www; sendfile on; client_max_body_size 64m;
    location /up/ {{ dav_methods PUT; create_full_put_path on; }}
    location /moved {{ return 301 /large; }}
    location /chunks/ {{ alias {folder}/www/; ssi on; ssi_types *; }} }} }}
""")
    nginx = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(folder / "conf"), "-g", "user root;"], stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(200):
            if nginx.poll() is not None or (folder / "pid").exists():
                break
            time.sleep(0.05)
        _net.expect(nginx.poll() is None, f"nginx does not start: {nginx.stderr.read() if nginx.poll() is not None else ''}")
        url = f"http://{_net.KERNEL}:8081/large"
        done = _net.fetch("--output", folder / "got", url)
        _net.expect(done.returncode == 0, f"fetch: {done.stdout}{done.stderr}")
        line = dict(re.findall(r"(\w+)=(\S+)", next(l for l in done.stdout.splitlines() if l.startswith("fetched "))))
        _net.expect(line["status"] == "200" and line["sha256"] == digest and _net.sha256(folder / "got") == digest, f"fetched {line}")
        many = _net.fetch("--connections", 8, url)
        _net.expect(many.returncode == 0 and many.stdout.count(f"sha256={digest}") == 8, f"eight connections: {many.stdout}{many.stderr}")
        (folder / "www" / "page").write_text("a page in chunks\n" * 3000)
        chunks = _net.fetch("--output", folder / "page", f"http://{_net.KERNEL}:8081/chunks/page")
        _net.expect(chunks.returncode == 0 and _net.sha256(folder / "page") == _net.sha256(folder / "www" / "page"), f"chunks: {chunks.stdout}{chunks.stderr}")
        for path, status in (("/none", "404"), ("/moved", "301")):
            refused = _net.fetch(f"http://{_net.KERNEL}:8081{path}")
            _net.expect(refused.returncode == 1 and status in refused.stderr, f"{path}: {refused.stdout}{refused.stderr}")
        up = _net.random_file(folder / "up", 8 << 20)
        put = _net.fetch("--upload", folder / "up", f"http://{_net.KERNEL}:8081/up/file")
        _net.expect(put.returncode == 0 and f"sha256={up}" in put.stdout and _net.sha256(folder / "www" / "up" / "file") == up, f"upload: {put.stdout}{put.stderr}")
    finally:
        nginx.terminate()
        nginx.wait(10)


_net.run(test, "nginx")
