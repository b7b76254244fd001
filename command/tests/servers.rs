//! docs/PROFILING.md, "From my server grows to the line of code": its commands, on servers that
//! grow. TINYALLOC_LIB names the library.
#![allow(clippy::unwrap_used, reason = "tests may give up")]

mod common;

use std::env::{join_paths, split_paths, var_os};
use std::ffi::OsString;
use std::fs::{read_to_string, write};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use common::{has, library, run, text, tinyalloc};
use serde_json::{Value, from_str};
use tempfile::{TempDir, tempdir};
use tinyalloc_command::profile::Profile;

/// Not that of a version manager, which would be profiled first.
const PYTHON: &str = "/usr/bin/python3";
const REQUESTS: usize = 800;
const PATIENCE: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(20);
/// Lines of `tinyalloc diff` that are looked at: two files, headings, and the first call site.
const FIRST_LINES: usize = 5;

const PYTHON_SERVER: &str = r#"
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

cache = []

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        cache.append(os.urandom(50_000))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"#;

const RUST_SERVER: &str = r#"
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

struct Session {
    history: Vec<Vec<u8>>,
}

impl Session {
    #[inline(never)]
    fn remember(&mut self, request: &str) {
        self.history.push(vec![request.len() as u8; 50_000]);
    }
}

fn main() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let mut session = Session { history: Vec::new() };
    for client in listener.incoming() {
        let mut client = client.unwrap();
        let mut request = String::new();
        BufReader::new(&client).read_line(&mut request).unwrap();
        let scratch: Vec<String> = (0..100).map(|number| format!("{number} {request}")).collect();
        session.remember(&scratch[99]);
        client.write_all(b"HTTP/1.0 204 No Content\r\n\r\n").unwrap();
    }
}
"#;

/// What the document tells the reader to type.
struct Steps {
    options: String,
    signal: String,
    diff: String,
    report: String,
}

impl Steps {
    fn read() -> Steps {
        let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/PROFILING.md");
        let document = read_to_string(document).unwrap();
        let steps = document.split("## From \"my server grows\" to the line of code").nth(1).unwrap();
        let steps = steps.split("\n## ").next().unwrap();
        let code: Vec<&str> = steps.split('`').skip(1).step_by(2).collect();
        let find = |start: &str| {
            let found = code.iter().find(|code| code.starts_with(start));
            found.unwrap_or_else(|| panic!("the document has no {start}")).replace('\n', " ")
        };
        Steps {
            options: find("TINYALLOC_OPTIONS="),
            signal: find("kill "),
            diff: find("tinyalloc diff "),
            report: find("tinyalloc report "),
        }
    }

    /// The options, with profiles in a folder of the test's.
    fn options(&self, folder: &Path) -> String {
        let options = self.options.strip_prefix("TINYALLOC_OPTIONS=").unwrap();
        assert!(options.contains("/var/tmp/server."), "{options}");
        options.replace("/var/tmp", text(folder))
    }
}

/// A server that runs until the test ends, however it ends.
struct Server {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Server {
    /// The server says its port, if that is not known.
    fn start(command: &mut Command, library: &Path, steps: &Steps, port: Option<u16>) -> Server {
        let folder = tempdir().unwrap();
        let options = steps.options(folder.path());
        command.env("LD_PRELOAD", library).env("TINYALLOC_OPTIONS", options).current_dir(folder.path());
        command.stdout(if port.is_some() { Stdio::null() } else { Stdio::piped() });
        let mut server = Server { child: command.spawn().unwrap(), folder, port: port.unwrap_or_default() };
        if let Some(output) = server.child.stdout.take() {
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).unwrap();
            server.port = line.trim().parse().unwrap();
        }
        server
    }

    fn command(&self, line: &str) -> String {
        let line = line.replace("PID", &self.child.id().to_string());
        let here = PathBuf::from(env!("CARGO_BIN_EXE_tinyalloc"));
        let path = var_os("PATH").unwrap_or_default();
        let path = join_paths([here.parent().unwrap().to_owned()].into_iter().chain(split_paths(&path))).unwrap();
        run(Command::new("sh").args(["-c", &line]).current_dir(self.folder.path()).env("PATH", path))
    }

    /// Asks for the profile of that number, and waits until all of it is there.
    fn profile(&self, steps: &Steps, number: usize) -> PathBuf {
        let path = self.folder.path().join(format!("server.{}.{number}.heap", self.child.id()));
        self.command(&steps.signal);
        let end = Instant::now() + PATIENCE;
        while let Err(failure) = Profile::read(&path) {
            assert!(Instant::now() < end, "{failure}");
            sleep(STEP);
        }
        path
    }

    fn ask(&self) {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        connection.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("204"), "{answer}");
    }
}

/// The steps of the document: which function is first in what grew, what it grew by, and the
/// functions that called it.
fn grown(server: &Server, steps: &Steps, grow: impl FnOnce(&Server)) -> (String, f64, Vec<String>) {
    let old = server.profile(steps, 0);
    grow(server);
    let new = server.profile(steps, 1);
    let shown = server.command(&steps.diff);
    let first: Vec<&str> = shown.lines().take(FIRST_LINES).collect();
    let json = tinyalloc(&["diff", "--json", "--depth", "8", text(&old), text(&new)]).succeeded_with_notes().out;
    let json: Value = from_str(&json).unwrap();
    let site = &json["sites"][0];
    let function = String::from(site["function"].as_str().unwrap());
    assert!(first.last().unwrap().contains(&function), "{function}: {shown}");
    server.command(&steps.report);
    let report = read_to_string(server.folder.path().join("report.html")).unwrap();
    assert!(report.contains(&function), "{function}");
    assert!(report.matches(".heap\"").count() >= 2, "the report is of both profiles");
    let callers =
        site["stack"].as_array().unwrap().iter().map(|frame| String::from(frame["function"].as_str().unwrap())).collect();
    (function, site["growth"].as_f64().unwrap(), callers)
}

/// Within half of it: that is more than four standard errors of 80 samples.
fn is_near(growth: f64, bytes: usize) -> bool {
    (growth - bytes as f64).abs() < bytes as f64 / 2.0
}

#[test]
fn what_a_script_of_python_keeps_is_named() {
    let Some(library) = library() else { return };
    if !Path::new(PYTHON).exists() {
        eprintln!("skipped: there is no {PYTHON}");
        return;
    }
    let steps = Steps::read();
    let server = Server::start(Command::new(PYTHON).args(["-c", PYTHON_SERVER]), &library, &steps, None);
    let (function, growth, callers) = grown(&server, &steps, |server| (0..REQUESTS).for_each(|_| server.ask()));
    assert_eq!(function, "PyBytes_FromStringAndSize", "what os.urandom() calls");
    assert!(is_near(growth, REQUESTS * 50_000), "{growth}");
    assert!(callers.iter().any(|caller| caller == "_PyEval_EvalFrameDefault"), "{callers:?}");
}

#[test]
fn what_a_server_in_rust_keeps_is_named_by_its_line() {
    let Some(library) = library() else { return };
    let steps = Steps::read();
    let folder = tempdir().unwrap();
    let source = folder.path().join("server.rs");
    write(&source, RUST_SERVER).unwrap();
    let program = folder.path().join("server");
    run(Command::new("rustc").args(["--edition=2024", "-g", "-O", "-o"]).args([&program, &source]));
    let server = Server::start(&mut Command::new(program), &library, &steps, None);
    let (function, growth, callers) = grown(&server, &steps, |server| (0..REQUESTS).for_each(|_| server.ask()));
    assert_eq!((function.as_str(), callers[1].as_str()), ("server::Session::remember", "server::main"));
    assert!(is_near(growth, REQUESTS * 50_000), "{growth}");
    let line = 1 + RUST_SERVER.lines().position(|line| line.contains("vec![")).unwrap();
    let shown = server.command(&steps.diff);
    assert!(shown.contains(&format!("server::Session::remember {}/server.rs:{line}", short(folder.path()))), "{shown}");
}

/// How the command shows a folder elsewhere.
fn short(folder: &Path) -> String {
    let parts: Vec<&str> = folder.iter().rev().take(2).filter_map(|part| part.to_str()).collect();
    format!("{}/{}", parts[1], parts[0])
}

#[test]
fn what_redis_stores_is_named() {
    let Some(library) = library() else { return };
    if !has("redis-server") || !has("redis-cli") {
        eprintln!("skipped: redis-server or redis-cli is not installed");
        return;
    }
    let steps = Steps::read();
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let words = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()].map(OsString::from);
    let server = Server::start(Command::new("redis-server").args(words), &library, &steps, Some(port));
    let end = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "redis-server does not answer");
        sleep(STEP);
    }
    let (function, growth, callers) = grown(&server, &steps, fill);
    // Behind those that only allocate: zmalloc and its like, and sdsnewlen.
    assert_eq!(function, "createStringObject");
    assert!(is_near(growth, REQUESTS * 25 * 2000), "{growth}");
    assert!(callers.iter().any(|caller| caller == "processInputBuffer"), "{callers:?}");
}

/// Strings of 2,000 bytes, by redis-cli.
fn fill(server: &Server) {
    let mut client = Command::new("redis-cli");
    client.args(["-h", "127.0.0.1", "-p", &server.port.to_string()]);
    let mut client = client.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = client.stdin.take().unwrap();
    let value = "x".repeat(2000);
    let lines: String = (0..REQUESTS * 25).map(|key| format!("SET key:{key} {value}\n")).collect();
    let mut output = client.stdout.take().unwrap();
    scope(|scope| {
        scope.spawn(move || input.write_all(lines.as_bytes()).unwrap());
        let mut answers = String::new();
        output.read_to_string(&mut answers).unwrap();
        assert_eq!(answers.lines().filter(|line| *line == "OK").count(), REQUESTS * 25);
    });
    assert!(client.wait().unwrap().success());
}
