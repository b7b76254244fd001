//! A Chromium without a window, over the pipe of its DevTools protocol: messages of JSON that end
//! with a zero byte, to its descriptor 3 and from its descriptor 4.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, from_slice, json};
use tempfile::TempDir;

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    session: Value,
    last: u64,
    _folder: TempDir,
}

impl Browser {
    /// Starts it; None, with a message, where there is none.
    pub(crate) fn start() -> Option<Browser> {
        let name = NAMES
            .into_iter()
            .find(|name| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success()));
        let Some(name) = name else {
            eprintln!("SKIPPED: there is no Chromium (the Debian package chromium)");
            return None;
        };
        let folder = TempDir::new().unwrap();
        // The shell renames the descriptors: there is no other way without unsafe code.
        let script = "exec \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null";
        let mut child = Command::new("sh")
            .args(["-c", script, "sh", name, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", folder.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut browser = Browser { child, input, output, session: Value::Null, last: 0, _folder: folder };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}))["targetId"].clone();
        browser.session =
            browser.call("Target.attachToTarget", &json!({"targetId": target, "flatten": true}))["sessionId"].clone();
        browser.call("Page.enable", &json!({}));
        browser.call("Runtime.enable", &json!({}));
        Some(browser)
    }

    /// Calls a method of the protocol.
    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": parameters});
        if !self.session.is_null() {
            message["sessionId"] = self.session.clone();
        }
        self.input.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let message = self.next();
            if message["id"] == self.last {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            // What a test must not overlook.
            assert_ne!(message["method"], "Runtime.exceptionThrown", "{message}");
        }
    }

    fn next(&mut self) -> Value {
        let mut message = Vec::new();
        self.output.read_until(0, &mut message).unwrap();
        message.pop();
        assert!(!message.is_empty(), "the browser ended");
        from_slice(&message).unwrap()
    }

    /// Opens a file, and waits until all of it has run.
    pub(crate) fn open(&mut self, file: &Path, width: u32) {
        self.open_url(&format!("file://{}", file.display()), width);
    }

    /// Opens what is at an address, in the same way.
    pub(crate) fn open_url(&mut self, url: &str, width: u32) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false}),
        );
        self.call("Page.navigate", &json!({"url": url}));
        self.value("new Promise((done) => document.readyState === 'complete' ? done() : addEventListener('load', done))");
        // Sizes are observed before the frame after the next one.
        self.frame();
    }

    /// Waits until what was changed is painted.
    pub(crate) fn frame(&mut self) {
        self.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))");
    }

    /// The value of an expression of JavaScript.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let result =
            self.call("Runtime.evaluate", &json!({"expression": expression, "returnByValue": true, "awaitPromise": true}));
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// The text of the first element that a selector finds.
    pub(crate) fn text(&mut self, selector: &str) -> String {
        let value = self.value(&format!("document.querySelector({}).textContent", json!(selector)));
        value.as_str().unwrap().replace('\u{a0}', " ")
    }

    /// An attribute of it, or nothing.
    pub(crate) fn attribute(&mut self, selector: &str, name: &str) -> String {
        let value = self.value(&format!("document.querySelector({}).getAttribute({})", json!(selector), json!(name)));
        String::from(value.as_str().unwrap_or_default())
    }

    /// Clicks at a point of an element, from its corner at the top left; in its middle for none.
    pub(crate) fn click(&mut self, selector: &str, point: Option<(f64, f64)>) {
        let place = format!(
            "(() => {{ const node = document.querySelector({}); node.scrollIntoView({{block: 'start'}}); \
             const box = node.getBoundingClientRect(); return [box.left, box.top, box.width, box.height]; }})()",
            json!(selector)
        );
        let place: Vec<f64> = self.value(&place).as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect();
        let (x, y) = point.unwrap_or((place[2] / 2.0, place[3] / 2.0));
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            self.call(
                "Input.dispatchMouseEvent",
                &json!({"type": kind, "x": place[0] + x, "y": place[1] + y, "button": if kind == "mouseMoved" { "none" } else { "left" }, "clickCount": u8::from(kind != "mouseMoved")}),
            );
        }
        self.frame();
    }

    /// Types text into an element.
    pub(crate) fn write(&mut self, selector: &str, text: &str) {
        self.value(&format!("document.querySelector({}).select()", json!(selector)));
        self.call("Input.insertText", &json!({"text": text}));
        self.frame();
    }

    /// Presses a key.
    pub(crate) fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            self.call("Input.dispatchKeyEvent", &json!({"type": kind, "key": key, "code": key}));
        }
        self.frame();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The pipe ends with the last of the browser's processes, which use the folder until then.
        let is_closing = self.input.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0").is_ok();
        if !is_closing {
            self.child.kill().ok();
        }
        self.output.read_to_end(&mut Vec::new()).ok();
        self.child.wait().ok();
    }
}
