"""curl against a server in this process, and nginx serving a client in this process."""

import gzip
import hashlib
import http.client
import os
import random
import signal
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from harness.catalogue import program
from harness.failure import Failure
from harness.session import free_port, read_or_empty


class QuietHandler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = hashlib.sha256(body).hexdigest().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


@contextmanager
def file_server(folder, certificate=None):
    """Serves the folder on loopback while the body runs; gives the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder))
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def make_site(session):
    """Some small files and a large one, the same in every run."""
    site = session.folder / "site"
    site.mkdir()
    numbers = random.Random(1)
    for number in range(30):
        (site / f"{number}.txt").write_bytes(f"file {number}\n".encode() * numbers.randint(1, 9000))
    (site / "large.bin").write_bytes(numbers.randbytes(session.size(2, 8) << 20))
    return site


def make_certificate(session):
    certificate = session.folder / "certificate.pem"
    session.helper("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                   "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem", "-out", "only.pem")
    certificate.write_text((session.folder / "key.pem").read_text() + (session.folder / "only.pem").read_text())
    return certificate


def fetch_with_curl(session, address, *options):
    def curl(*words, **more):
        return session.run("curl", "-sS", "--max-time", "60", *options, *words, keep=False, **more)

    session.keep("one file", curl(f"{address}/7.txt").output)
    session.keep("status", curl("-o", "/dev/null", "-w", "%{http_code} %{size_download}", f"{address}/none").output)
    session.keep("headers", curl("-I", f"{address}/3.txt").output.splitlines()[0])
    curl("-o", "large", f"{address}/large.bin")
    session.keep("posted", curl("--data-binary", "@large", f"{address}/post").output)
    curl("-Z", "--parallel-max", "8", "-o", "got-#1", f"{address}/[0-29].txt")
    session.keep("parallel", "\n".join(digest(session.folder / f"got-{number}") for number in range(30)))
    curl("-f", f"{address}/none", expect=22)


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


@program("curl-http", needs=("curl",))
def curl_http(session):
    """files, parallel downloads, a post, errors over HTTP"""
    with file_server(make_site(session)) as port:
        fetch_with_curl(session, f"http://127.0.0.1:{port}")


@program("curl-https", needs=("curl", "openssl"))
def curl_https(session):
    """the same over HTTPS with a checked certificate"""
    certificate = make_certificate(session)
    with file_server(make_site(session), certificate) as port:
        fetch_with_curl(session, f"https://127.0.0.1:{port}", "--cacert", session.folder / "only.pem")
        session.run("curl", "-sS", f"https://127.0.0.1:{port}/1.txt", expect=60, keep=False)


NGINX_CONFIGURATION = """
{user}
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    gzip on; gzip_types text/plain; gzip_min_length 100;
    types {{ text/plain txt; }}
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/site;
        location /again/ {{ proxy_pass http://127.0.0.1:{port}/; }}
    }}
}}
"""


@program("nginx", version=("nginx", "-v"))
def nginx(session):
    """two workers serve plain, gzipped and proxied files to parallel clients, and reload"""
    make_site(session)
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = session.write("nginx.conf", NGINX_CONFIGURATION.format(folder=session.folder, port=port, user=user))
    command = ("nginx", "-e", "stderr", "-p", session.folder, "-c", configuration)
    with session.server(*command, port=port, end_signal=signal.SIGQUIT) as server:
        for pid in children(server.program_pid()):
            session.require_mapped(pid)
        session.keep("files", fetch_all(port, session.size(6, 20)))
        server.signal_program(signal.SIGHUP)
        session.keep("after reload", fetch_all(port, session.size(6, 20)))


def children(pid):
    return [int(word) for word in read_or_empty(f"/proc/{pid}/task/{pid}/children").split()]


def fetch_all(port, rounds):
    paths = [f"{prefix}{number}.txt" for prefix in ("/", "/again/") for number in range(30)] + ["/large.bin", "/none"]
    with ThreadPoolExecutor(4) as clients:
        found = list(clients.map(partial(fetch, port), paths * rounds))
    if found != found[: len(paths)] * rounds:
        raise Failure("nginx gave different answers for the same file")
    return "\n".join(found[: len(paths)])


def fetch(port, path):
    # A worker that is being replaced may close the connection it has just accepted.
    for attempt in range(3):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
            response = connection.getresponse()
            body = response.read()
            packed = response.getheader("Content-Encoding") == "gzip"
            return f"{path} {response.status} {hashlib.sha256(gzip.decompress(body) if packed else body).hexdigest()}"
        except (ConnectionError, http.client.HTTPException):
            if attempt == 2:
                raise Failure(f"nginx closed the connection for {path}") from None
        finally:
            connection.close()
    return None
