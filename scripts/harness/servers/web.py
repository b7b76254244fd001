"""nginx with TLS, haproxy before it, and PHP behind it."""

import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass, field

from harness.programs.web import make_certificate, make_site
from harness.servers.load import wrk
from harness.servers.service import newest, service
from harness.servers.steady import requests
from harness.session import free_port


@dataclass
class Web:
    """Where the load goes, and the processes whose memory counts."""

    address: str
    pids: list = field(default_factory=list)


def load(session, web, seconds):
    return wrk(session, web.address, seconds)


NGINX = """
{user}
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 256; }}
http {{
    access_log off;
    keepalive_requests 1000;
    gzip on; gzip_types text/plain; gzip_min_length 100;
    types {{ text/plain txt; text/html html; }}
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port}{tls};
        ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/certificate.pem;
        root {folder}/site;
        {more}
    }}
}}
"""


def nginx(session, port, tls=False, more=""):
    user = "user root;" if os.geteuid() == 0 else ""
    text = NGINX.format(folder=session.folder, port=port, user=user, tls=" ssl" if tls else "", more=more)
    configuration = session.write("nginx.conf", text)
    make_certificate(session)
    return session.server("nginx", "-e", "stderr", "-p", session.folder, "-c", configuration, port=port, end_signal=signal.SIGTERM)


@service("nginx", load, requests, needs=("nginx", "openssl", "wrk"))
@contextmanager
def nginx_with_tls(session):
    """files over TLS, two workers"""
    make_site(session)
    port = free_port()
    with nginx(session, port, tls=True) as server:
        yield Web(f"https://127.0.0.1:{port}/3.txt", [server.program_pid()])


HAPROXY = """
global
    maxconn 500
    nbthread 2
    stats socket {folder}/admin
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
frontend entry
    bind 127.0.0.1:{port} ssl crt {folder}/certificate.pem
    http-request set-header X-Seen %[src]
    default_backend files
backend files
    server files 127.0.0.1:{behind}
"""


@service("haproxy", load, requests, needs=("haproxy", "nginx", "openssl", "wrk"))
@contextmanager
def haproxy(session):
    """TLS before nginx"""
    make_site(session)
    port, behind = free_port(), free_port()
    with nginx(session, behind):
        configuration = session.write("haproxy.cfg", HAPROXY.format(folder=session.folder, port=port, behind=behind))
        with session.server("haproxy", "-db", "-f", configuration, port=port, end_signal=signal.SIGTERM) as server:
            yield Web(f"https://127.0.0.1:{port}/5.txt", [server.program_pid()])


FPM = """
[global]
daemonize = no
error_log = {folder}/logs/fpm
[www]
{user}
listen = 127.0.0.1:{port}
pm = static
pm.max_children = 4
pm.max_requests = 2000
"""
PAGE = """<?php
$rows = [];
for ($i = 0; $i < 400; $i++) $rows[] = ['id' => $i, 'name' => str_repeat(chr(97 + $i % 26), $i % 50), 'tags' => range(0, $i % 7)];
usort($rows, fn($a, $b) => strcmp($a['name'], $b['name']));
echo strlen(gzcompress(json_encode($rows)));
"""
TO_PHP = "location / {{ include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME {folder}/site/page.php; fastcgi_pass 127.0.0.1:{port}; }}"


@service("php-fpm", load, requests, needs=("/usr/sbin/php-fpm*", "nginx", "openssl", "wrk"))
@contextmanager
def php_fpm(session):
    """four processes that sort, encode and compress, behind nginx"""
    port, before = free_port(), free_port()
    session.write("site/page.php", PAGE)
    user = "user = root\ngroup = root" if os.geteuid() == 0 else ""
    configuration = session.write("fpm.conf", FPM.format(folder=session.folder, port=port, user=user))
    command = (newest("/usr/sbin/php-fpm*"), "-R", "-F", "-y", configuration)
    with (session.server(*command, port=port, env={"USE_ZEND_ALLOC": "1"}) as server,
          nginx(session, before, more=TO_PHP.format(folder=session.folder, port=port))):
        yield Web(f"http://127.0.0.1:{before}/", [server.program_pid()])

