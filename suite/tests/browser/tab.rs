//! One tab: opens pages, asks them, uses mouse and keyboard, takes pictures, and keeps what went wrong.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};

use crate::driver::{Browser, PATIENCE};

/// A tab with a page.
pub(crate) struct Tab {
    browser: Browser,
    session: String,
}

impl Tab {
    /// A fresh tab of a fresh browser; `None` where there is no browser.
    pub(crate) fn open() -> Option<Self> {
        let mut browser = Browser::start()?;
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }), None);
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", attach, None)["sessionId"].as_str().map(String::from);
        let mut tab = Self { browser, session: session.expect("a session") };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            tab.call(&format!("{domain}.enable"), json!({}));
        }
        Some(tab)
    }

    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.browser.call(method, params, Some(&self.session))
    }

    /// Opens the file, with what stands behind `#`, and waits until it has loaded.
    pub(crate) fn load(&mut self, file: &Path, hash: &str) {
        // A page that differs in its hash only would not be loaded again.
        for url in ["about:blank".to_owned(), format!("file://{}#{hash}", file.display())] {
            self.browser.forget("Page.loadEventFired");
            self.call("Page.navigate", json!({ "url": url }));
            self.browser.wait_for_event("Page.loadEventFired");
        }
    }

    /// The size of the window in CSS pixels.
    pub(crate) fn resize(&mut self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// What the system prefers: `light` or `dark`, for a `screen` or for `print`.
    pub(crate) fn emulate(&mut self, scheme: &str, media: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "media": media, "features": features }));
    }

    /// The value of an expression; a mistake in it is the test's.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let outcome = self.call("Runtime.evaluate", params);
        assert!(outcome["exceptionDetails"].is_null(), "{expression}: {}", outcome["exceptionDetails"]);
        outcome["result"]["value"].clone()
    }

    pub(crate) fn text(&mut self, expression: &str) -> String {
        let value = self.evaluate(expression);
        value.as_str().unwrap_or_else(|| panic!("{expression} is {value}, not a text")).to_owned()
    }

    /// Waits until the expression is true.
    pub(crate) fn wait_until(&mut self, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.evaluate(&format!("Boolean({expression})")) != true {
            assert!(Instant::now() < deadline, "never true: {expression}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn press(&mut self, key: &str) {
        let text = if key == "Enter" { "\r" } else { "" };
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "Tab" => 9,
            "ArrowRight" => 39,
            _ => 0,
        };
        for kind in ["keyDown", "keyUp"] {
            let params = json!({ "type": kind, "key": key, "code": key, "text": if kind == "keyDown" { text } else { "" },
                                 "windowsVirtualKeyCode": code });
            self.call("Input.dispatchKeyEvent", params);
        }
    }

    /// Everything that the page complained about: exceptions, and the console's errors and warnings.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let bad = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => matches!(event["params"]["type"].as_str(), Some("error" | "warning")),
            Some("Log.entryAdded") => matches!(event["params"]["entry"]["level"].as_str(), Some("error" | "warning")),
            _ => false,
        };
        self.browser.events.iter().filter(bad).map(|event| event["params"].to_string()).collect()
    }

    /// Addresses that were asked for beside the files themselves.
    pub(crate) fn requests(&self) -> Vec<String> {
        let asked = self.browser.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        let urls = asked.filter_map(|event| event["params"]["request"]["url"].as_str());
        urls.filter(|url| !url.starts_with("file://") && *url != "about:blank").map(String::from).collect()
    }

    /// A picture of the window, in the target folder.
    pub(crate) fn screenshot(&mut self, name: &str) -> PathBuf {
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        let bytes = base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().expect("a picture"));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        std::fs::create_dir_all(&folder).expect("a folder for the pictures");
        let path = folder.join(name);
        std::fs::write(&path, bytes.expect("base64")).expect("the picture can be written");
        path
    }

    /// The page as it would be printed, in the target folder; the number of its bytes.
    pub(crate) fn print(&mut self, name: &str) -> usize {
        let printed = self.call("Page.printToPDF", json!({ "landscape": true, "printBackground": true }));
        let bytes = base64::engine::general_purpose::STANDARD.decode(printed["data"].as_str().expect("a document"));
        let bytes = bytes.expect("base64");
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots").join(name);
        std::fs::write(path, &bytes).expect("the document can be written");
        bytes.len()
    }
}
