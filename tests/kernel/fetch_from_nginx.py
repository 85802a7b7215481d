# SPDX-License-Identifier: MIT
"""strata's fetch is the client, nginx on the kernel's stack the server: one connection and eight, and an upload."""
import re
import subprocess
import time

import _net


def fetch(*words):
    return subprocess.run([str(_net.EXAMPLES / "fetch"), "--nic", "tap", "--interface", "tap0", "--address", f"{_net.STRATA}/24", *map(str, words)],
                          capture_output=True, text=True, timeout=120)


def test(folder):
    digest = _net.random_file(folder / "www" / "large", 32 << 20)
    (folder / "www").chmod(0o755)
    (folder / "www" / "large").chmod(0o644)
    (folder / "conf").write_text(f"""
daemon off; pid {folder}/pid; error_log {folder}/error; worker_processes 1;
events {{ worker_connections 256; }}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen {_net.KERNEL}:8081; root {folder}/www; sendfile on; }} }}
""")
    nginx = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(folder / "conf"), "-g", "user root;"], stderr=subprocess.PIPE, text=True)
    try:
        time.sleep(0.5)
        _net.expect(nginx.poll() is None, f"nginx does not start: {nginx.stderr.read() if nginx.poll() is not None else ''}")
        url = f"http://{_net.KERNEL}:8081/large"
        done = fetch("--output", folder / "got", url)
        _net.expect(done.returncode == 0, f"fetch: {done.stdout}{done.stderr}")
        line = dict(re.findall(r"(\w+)=(\S+)", next(l for l in done.stdout.splitlines() if l.startswith("fetched "))))
        _net.expect(line["status"] == "200" and line["sha256"] == digest and _net.sha256(folder / "got") == digest, f"fetched {line}")
        many = fetch("--connections", 8, url)
        _net.expect(many.returncode == 0 and digest in many.stdout, f"eight connections: {many.stdout}{many.stderr}")
    finally:
        nginx.terminate()
        nginx.wait(10)


_net.run(test, "nginx")
