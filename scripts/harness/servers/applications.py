"""Servers that applications are written as: node, Python, Ruby, Java."""

from contextlib import contextmanager

from harness.servers.load import wrk
from harness.servers.service import service
from harness.servers.web import Web
from harness.servers.steady import requests
from harness.session import free_port


def load(session, web, seconds):
    return wrk(session, web.address, seconds)


@contextmanager
def listening(session, *command, env=None, preload=True):
    """A program whose port a variable says."""
    port = free_port()
    with session.server(*command, port=port, env={"PORT": str(port), **(env or {})}, preload=preload) as server:
        yield Web(f"http://127.0.0.1:{port}/", [server.program_pid()])


NODE = """
const { createServer } = require('http'); const zlib = require('zlib');
const kept = new Map();
let count = 0;
createServer((request, response) => {
  const rows = Array.from({ length: 200 }, (_, i) => ({ id: i, name: 'n'.repeat(i % 40), tags: [i, i + 1, 'x' + count] }));
  const text = JSON.stringify(rows); const back = JSON.parse(text);
  kept.set(count++ % 500, Buffer.from(text));
  response.setHeader('Content-Type', 'application/json');
  response.end(count % 4 ? JSON.stringify(back.slice(0, 20)) : zlib.deflateSync(text));
}).listen(process.env.PORT, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
"""


@service("node", load, requests, needs=("node", "wrk"))
@contextmanager
def node(session):
    """JSON made and parsed, buffers kept, some answers compressed"""
    with listening(session, "node", session.write("server.js", NODE)) as web:
        yield web


PYTHON = """
import json, os, random, signal, socketserver, sys, zlib
from http.server import BaseHTTPRequestHandler, HTTPServer

class Threading(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads, request_queue_size = True, 64

class Forking(socketserver.ForkingMixIn, HTTPServer):
    max_children, request_queue_size = 20, 64

KEPT = {}

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1" if sys.argv[1] == "threads" else "HTTP/1.0"

    def do_GET(self):
        rows = [{"id": i, "name": "n" * (i % 40), "tags": list(range(i % 5))} for i in range(100)]
        text = json.dumps(rows).encode()
        KEPT[random.randrange(500)] = zlib.compress(text, 1) + bytes(random.randrange(20000))
        body = json.dumps(json.loads(text)[:10]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
kind = Threading if sys.argv[1] == "threads" else Forking
kind(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever(0.05)
"""


@service("python-threads", load, requests, needs=("/usr/bin/python3", "wrk"))
@contextmanager
def python_threads(session):
    """JSON, a thread for each connection"""
    with listening(session, "/usr/bin/python3", session.write("server.py", PYTHON), "threads") as web:
        yield web


@service("python-forks", load, requests, needs=("/usr/bin/python3", "wrk"))
@contextmanager
def python_forks(session):
    """JSON, a process for each request"""
    with listening(session, "/usr/bin/python3", session.write("server.py", PYTHON), "forks") as web:
        yield web


RACK = """
require 'json'
require 'zlib'
KEPT = {}
run(lambda do |env|
  rows = Array.new(150) { |i| { id: i, name: 'n' * (i % 40), tags: (0..i % 5).to_a } }
  text = JSON.generate(rows)
  KEPT[rand(500)] = Zlib::Deflate.deflate(text) * rand(1..20)
  [200, { 'content-type' => 'application/json' }, [JSON.generate(JSON.parse(text).first(10))]]
end)
"""


@service("puma", load, requests, needs=("ruby", "puma", "wrk"))
@contextmanager
def puma(session):
    """Ruby on threads, JSON and compressed strings"""
    port = free_port()
    rack = session.write("config.ru", RACK)
    command = ("ruby", "/usr/bin/puma", "-q", "-t", "5:5", "-b", f"tcp://127.0.0.1:{port}", "--no-config", rack)
    with session.server(*command, port=port) as server:
        yield Web(f"http://127.0.0.1:{port}/", [server.program_pid()])


JAVA = """
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.concurrent.*;
import java.util.zip.Deflater;

public class Server {
    static final ConcurrentHashMap<Integer, ByteBuffer> kept = new ConcurrentHashMap<>();
    public static void main(String[] words) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(System.getenv("PORT"))), 64);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.createContext("/", exchange -> {
            byte[] text = "a line of text, another one ".repeat(300).getBytes(), packed = new byte[20000];
            Deflater deflater = new Deflater();
            deflater.setInput(text);
            deflater.finish();
            int bytes = deflater.deflate(packed);
            deflater.end();
            ThreadLocalRandom random = ThreadLocalRandom.current();
            ByteBuffer buffer = ByteBuffer.allocateDirect(1000 + random.nextInt(60000));
            buffer.put(packed, 0, Math.min(bytes, 1000));
            kept.put(random.nextInt(300), buffer);
            exchange.sendResponseHeaders(200, bytes);
            exchange.getResponseBody().write(packed, 0, bytes);
            exchange.close();
        });
        server.start();
    }
}
"""


@service("java", load, requests, needs=("java", "javac", "wrk"))
@contextmanager
def java(session):
    """the JVM's native memory: compression and direct buffers, eight threads"""
    session.helper("javac", "-d", session.folder, session.write("Server.java", JAVA))
    port = free_port()
    command = ("java", "-Dsun.net.httpserver.nodelay=true", "-Xmx256m", "-XX:MaxDirectMemorySize=256m", "-cp", session.folder, "Server")
    # The JVM says that a signal ended it.
    with session.server(*command, port=port, env={"PORT": str(port)}, end_codes=(143,)) as server:
        yield Web(f"http://127.0.0.1:{port}/", [server.program_pid()])
