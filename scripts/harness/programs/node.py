"""Node: scripts, worker threads, the REPL, npm and pnpm on a local package."""

import json
import shutil

from harness.catalogue import program
from harness.failure import Skip
from harness.launcher import TOOLS_FOLDER

SCRIPT = """
const crypto = require('crypto'), zlib = require('zlib'), fs = require('fs'), { execFileSync } = require('child_process');
const rounds = Number(process.argv[2]);
const words = new Map();
for (let i = 0; i < rounds * 1000; i++) {
  const key = 'k' + (i * 7919) % 5003;
  words.set(key, (words.get(key) || '') .slice(-50) + i);
}
const json = JSON.stringify([...words]);
const packed = zlib.gzipSync(json), back = zlib.gunzipSync(packed).toString();
const buffers = [];
for (let i = 0; i < rounds * 40; i++) { buffers.push(Buffer.alloc(1 + (i * 131) % 90000, i)); if (i % 3) buffers.shift(); }
const hash = crypto.createHash('sha256');
for (const buffer of buffers) hash.update(buffer);
fs.writeFileSync('out.json', json);
console.log(back === json, JSON.parse(back).length, hash.digest('hex'), fs.statSync('out.json').size);
console.log(execFileSync(process.execPath, ['-p', '[1,2,3].map(n => n ** 20)']).toString());
Promise.all([...Array(8).keys()].map(i => new Promise(done => crypto.pbkdf2('a', 'b' + i, 2000, 64, 'sha512', (_, key) =>
  done(key.toString('hex')))))).then(keys => console.log(keys.join('\\n')));
"""

WORKERS = """
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
if (isMainThread) {
  const [count, generations] = process.argv.slice(2).map(Number);
  const generation = number => Promise.all([...Array(count).keys()].map(id => new Promise((done, fail) => {
    const worker = new Worker(__filename, { workerData: { id: id + number * count } });
    let sum = 0;
    worker.on('message', ({ part, buffer }) => { sum += part + new Uint8Array(buffer).reduce((a, b) => a + b, 0); });
    worker.on('error', fail);
    worker.on('exit', () => done(sum));
  })));
  (async () => { for (let i = 0; i < generations; i++) console.log((await generation(i)).join(' ')); })();
} else {
  for (let i = 0; i < 200; i++) {
    const buffer = new Uint8Array(2000 + i * 17).fill(workerData.id + i).buffer;
    const text = JSON.stringify([...Array(300).keys()].map(n => ({ n, id: workerData.id, s: 'x'.repeat(n % 50) })));
    parentPort.postMessage({ part: text.length, buffer }, [buffer]);
  }
}
"""


@program("node")
def node(session):
    """strings, JSON, gzip, buffers, hashes, files, a child process, the thread pool"""
    session.write("script.js", SCRIPT)
    session.run("node", "script.js", session.size(100, 1500))


@program("node-workers", needs=("node",))
def node_workers(session):
    """worker threads that come and go and pass buffers"""
    session.write("workers.js", WORKERS)
    session.run("node", "workers.js", session.size(4, 8), session.size(3, 12))


@program("node-repl", needs=("node",))
def node_repl(session):
    """an interactive session: expressions, multi-line, completion, await, an exception"""
    with session.terminal("node", env={"NODE_NO_READLINE": "0", "NODE_REPL_HISTORY": ""}) as repl:
        repl.expect(r"^> ")
        for line, answer in REPL_DIALOGUE:
            session.keep(line, repl.ask(line, answer).group(1))
        repl.type("process.versi\t")
        repl.expect(r"process\.version")
        repl.type("\x03")
        repl.expect(r"> ")
        session.keep("await", repl.ask("await new Promise(f => setTimeout(() => f('wai' + 'ted'), 50))", r"('waited')").group(1))
        repl.expect(r"> ")
        repl.type("[".ljust(200, "1").replace("11", "1,") + "].length")
        session.keep("long line", repl.ask("", r"^(\d+)\s*$").group(1))
        repl.expect(r"> ")
        repl.send(".exit")


REPL_DIALOGUE = (
    ("6 * 7 + 0.5", r"^(42\.5)\s*$"),
    ("var m = new Map(Array.from({ length: 50000 }, (_, i) => ['k' + i, { i }])); m.size", r"^(50000)\s*$"),
    ("require('crypto').createHash('md5').update('tiny').digest('hex')", r"^('[0-9a-f]{32}')\s*$"),
    ("function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) }", r"^(undefined)\s*$"),
    ("fib(22)", r"^(17711)\s*$"),
    ("missing.thing", r"(ReferenceError: missing is not defined)"),
    ("Buffer.alloc(3000000, 'ab').toString('base64').length", r"^(4000000)\s*$"),
    ("require('zlib').gunzipSync(require('zlib').gzipSync('z'.repeat(100000))).length", r"^(100000)\s*$"),
)


def write_packages(session):
    """A library and an application that depends on it; nothing comes from a network."""
    library = {"name": "tiny-library", "version": "1.0.0", "main": "index.js", "license": "MIT"}
    application = {"name": "tiny-application", "version": "1.0.0", "license": "MIT", "main": "main.js",
                   "scripts": {"start": "node main.js", "prestart": "node -e \"console.log('before')\""}}
    session.write("library/package.json", json.dumps(library))
    session.write("library/index.js", "exports.twice = n => 2 * n;")
    session.write("application/package.json", json.dumps(application))
    session.write("application/main.js", "console.log(require('tiny-library').twice(21));")


@program("npm", needs=("npm", "node"))
def npm(session):
    """pack, install offline, ls, run, and an interactive npm init"""
    write_packages(session)
    quiet = {"npm_config_offline": "true", "npm_config_audit": "false", "npm_config_fund": "false",
             "npm_config_update_notifier": "false"}

    def run(folder, *words, keep=True):
        return session.run("npm", *words, cwd=session.folder / folder, env=quiet, keep=keep)

    run("library", "pack", "--silent")
    run("application", "install", "../library/tiny-library-1.0.0.tgz", keep=False)
    run("application", "ls", "--all")
    run("application", "run", "start")
    (session.folder / "fresh").mkdir()
    with session.terminal("npm", "init", env=quiet, cwd=session.folder / "fresh") as dialogue:
        dialogue.expect(r"package name:.*?\) ")
        for answer, prompt in (("made-here", "version:.*?\\) "), ("2.3.4", "description: "), ("by hand", "entry point:.*?\\) "),
                               ("a.js", "test command: "), ("true", "git repository: "), ("", "keywords: "), ("x y", "author: "),
                               ("me", "license:.*?\\) "), ("MIT", "(type:|Is this OK)")):
            last = dialogue.ask(answer, prompt)
        if last.group(1) == "type:":
            dialogue.ask("", "Is this OK")
        dialogue.send("yes")
    session.keep("npm init", (session.folder / "fresh" / "package.json").read_text())


@program("pnpm", needs=("node",), version=("node", str(TOOLS_FOLDER / "node_modules/pnpm/bin/pnpm.cjs"), "--version"))
def pnpm(session):
    """install offline on a pseudo-terminal, list, run"""
    script = TOOLS_FOLDER / "node_modules/pnpm/bin/pnpm.cjs"
    command = ("node", script) if script.exists() else ("pnpm",)
    if command == ("pnpm",) and shutil.which("pnpm") is None:
        raise Skip("pnpm is not installed (scripts/install-test-tools gets it from the npm registry)")
    write_packages(session)
    application = session.folder / "application"
    manifest = json.loads((application / "package.json").read_text()) | {"dependencies": {"tiny-library": "file:../library"}}
    (application / "package.json").write_text(json.dumps(manifest))
    env = {"PNPM_HOME": str(session.folder / "home"), "npm_config_update_notifier": "false"}
    with session.terminal(*command, "install", "--offline", "--store-dir", session.folder / "store", cwd=application,
                          env=env) as dialogue:
        session.keep("install", dialogue.expect(r"\+ (tiny-library).*?Done", 60).group(1))
    session.run(*command, "list", "--depth", "0", cwd=application, env=env)
    session.run(*command, "run", "start", cwd=application, env=env)
    session.run(*command, "exec", "node", "-p", "require('tiny-library').twice(4)", cwd=application, env=env)
