//! A WebDriver session with the real window (W3C WebDriver, WebKit's own driver).

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::{
    clock::Clock,
    display::Display,
    process::{Group, Stranger, process_with_argument},
    programs::free_port,
    wait::{bounded, until},
};

/// The name by which WebDriver refers to an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Faults that pass by themselves while a page builds up or moves.
const PASSING: &[&str] = &[
    "no such element",
    "element not interactable",
    "element click intercepted",
    "stale element reference",
];

/// Keys that are no characters.
#[derive(Debug, Clone, Copy)]
pub struct Keys;

impl Keys {
    /// Enter.
    pub const ENTER: &str = "\u{e007}";
    /// Tab.
    pub const TAB: &str = "\u{e004}";
    /// Escape.
    pub const ESCAPE: &str = "\u{e00c}";
}

/// How the application is to be started.
#[derive(Debug)]
pub struct Driver<'a> {
    /// The application.
    pub app: &'a Path,
    /// Its data folder.
    pub data: &'a Path,
    /// On which display.
    pub display: &'a Display,
    /// What its clock shows.
    pub clock: &'a Clock,
    /// Where logs go.
    pub logs: &'a Path,
}

/// A window that is being driven.
pub struct Session {
    client: Client,
    base: String,
    data: PathBuf,
    app: OsString,
    driver: Group,
}

enum Fault {
    /// May pass by itself.
    Passing(String),
    /// Will not.
    Final(anyhow::Error),
}

impl Driver<'_> {
    /// Starts the application and waits until its first page is there.
    pub async fn start(&self) -> Result<Session> {
        let port = free_port()?;
        let mut command = Command::new("WebKitWebDriver");
        command
            .arg(format!("--port={port}"))
            .env("TAURI_AUTOMATION", "true")
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("TZ", "Asia/Shanghai")
            .env("RUST_BACKTRACE", "0");
        self.display.set(&mut command);
        self.clock.set(&mut command);
        let name = self.data.file_name().unwrap_or_default().to_string_lossy();
        let log = self.logs.join(format!("window-{name}.log"));
        let mut driver = Group::start(&mut command, &log)?;
        let client = Client::new();
        let root = format!("http://127.0.0.1:{port}");
        until("the window's driver", async || {
            if driver.has_ended()? {
                bail!("the driver ended: {}", fs::read_to_string(&log)?);
            }
            Ok(client
                .get(format!("{root}/status"))
                .send()
                .await
                .is_ok()
                .then_some(()))
        })
        .await?;
        let options = json!({ "binary": self.app, "args": ["--data-dir", self.data] });
        let wanted =
            json!({ "capabilities": { "alwaysMatch": { "webkitgtk:browserOptions": options } } });
        let answer: Value = bounded("the start of the window", async {
            let request = client.post(format!("{root}/session")).json(&wanted);
            Ok(request.send().await?.json().await?)
        })
        .await
        .with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
        let id = answer["value"]["sessionId"].as_str().with_context(|| {
            format!(
                "no session: {answer}; {}",
                fs::read_to_string(&log).unwrap_or_default()
            )
        })?;
        Ok(Session {
            client,
            base: format!("{root}/session/{id}"),
            data: self.data.to_path_buf(),
            app: self.app.file_name().unwrap_or_default().to_os_string(),
            driver,
        })
    }
}

impl Session {
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Fault> {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = async { Ok(request.send().await?.json::<Value>().await?) };
        let mut answer = bounded(path, answer).await.map_err(Fault::Final)?;
        let value = answer["value"].take();
        match value["error"].as_str() {
            Some(error) if PASSING.contains(&error) => {
                Err(Fault::Passing(format!("{path}: {value}")))
            }
            Some(_) => Err(Fault::Final(anyhow::anyhow!("{path}: {value}"))),
            None => Ok(value),
        }
    }

    /// Asks again while the fault may pass.
    async fn persist<T>(&self, what: &str, ask: impl AsyncFn() -> Result<T, Fault>) -> Result<T> {
        let mut last = String::new();
        let done = until(what, async || match ask().await {
            Ok(done) => Ok(Some(done)),
            Err(Fault::Passing(fault)) => {
                last = fault;
                Ok(None)
            }
            Err(Fault::Final(error)) => Err(error),
        })
        .await;
        match done {
            Err(error) if !last.is_empty() => {
                let page = self
                    .script("return document.body.innerText.slice(0, 1500)", &[])
                    .await?;
                Err(error
                    .context(last)
                    .context(format!("the page says: {page}")))
            }
            done => done,
        }
    }

    async fn element(&self, css: &str) -> Result<String, Fault> {
        let found = self
            .ask(
                Method::POST,
                "/element",
                Some(json!({ "using": "css selector", "value": css })),
            )
            .await?;
        found[ELEMENT]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| Fault::Final(anyhow::anyhow!("{css}: {found}")))
    }

    /// Waits until an element is there.
    pub async fn wait_for(&self, css: &str) -> Result<()> {
        self.persist(css, async || self.element(css).await).await?;
        Ok(())
    }

    /// Waits until no such element can be seen.
    pub async fn wait_gone(&self, css: &str) -> Result<()> {
        let script = "return [...document.querySelectorAll(arguments[0])].every((part) => part.getClientRects().length === 0)";
        until(&format!("{css} to go"), async || {
            let is_gone = self.script(script, &[json!(css)]).await? == json!(true);
            Ok(is_gone.then_some(()))
        })
        .await
    }

    /// Clicks an element as soon as it can be clicked.
    pub async fn click(&self, css: &str) -> Result<()> {
        self.persist(css, async || {
            let element = self.element(css).await?;
            self.ask(
                Method::POST,
                &format!("/element/{element}/click"),
                Some(json!({})),
            )
            .await
        })
        .await?;
        Ok(())
    }

    /// Types into an element, key by key.
    pub async fn type_into(&self, css: &str, text: &str) -> Result<()> {
        self.persist(css, async || {
            let element = self.element(css).await?;
            let body = json!({ "text": text });
            self.ask(
                Method::POST,
                &format!("/element/{element}/value"),
                Some(body),
            )
            .await
        })
        .await?;
        Ok(())
    }

    /// The text of an element as it is shown.
    pub async fn text(&self, css: &str) -> Result<String> {
        let text = self
            .persist(css, async || {
                let element = self.element(css).await?;
                // *Get Element Text* is empty for cells of some tables.
                self.ask(
                    Method::GET,
                    &format!("/element/{element}/property/innerText"),
                    None,
                )
                .await
            })
            .await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// What an input holds.
    pub async fn value(&self, css: &str) -> Result<String> {
        let value = self
            .persist(css, async || {
                let element = self.element(css).await?;
                self.ask(
                    Method::GET,
                    &format!("/element/{element}/property/value"),
                    None,
                )
                .await
            })
            .await?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the text of an element satisfies.
    pub async fn wait_for_text(
        &self,
        css: &str,
        what: &str,
        is_it: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let mut last = String::new();
        let found = until(&format!("{css}: {what}"), async || {
            last = self.text(css).await?;
            Ok(is_it(&last).then(|| last.clone()))
        })
        .await;
        found.with_context(|| format!("it said {last:?} last"))
    }

    /// How many elements there are.
    pub async fn count(&self, css: &str) -> Result<u64> {
        let count = self
            .script(
                "return document.querySelectorAll(arguments[0]).length",
                &[json!(css)],
            )
            .await?;
        count
            .as_u64()
            .with_context(|| format!("{count} is no count"))
    }

    /// Runs a script in the page and returns what it returns.
    pub async fn script(&self, script: &str, arguments: &[Value]) -> Result<Value> {
        self.settled(
            Method::POST,
            "/execute/sync",
            Some(json!({ "script": script, "args": arguments })),
        )
        .await
    }

    /// Runs a script that calls its last argument with its result.
    pub async fn script_async(&self, script: &str, arguments: &[Value]) -> Result<Value> {
        let body = json!({ "script": script, "args": arguments });
        self.settled(Method::POST, "/execute/async", Some(body))
            .await
    }

    /// Calls the core as the page does, and waits for the answer.
    pub async fn rpc(&self, name: &str, request: Value) -> Result<Value> {
        let script = "const [name, request, done] = arguments;
            window.__TAURI_INTERNALS__.invoke('rpc', { name, request })
                .then((value) => done({ value }), (error) => done({ error }));";
        let body = json!({ "script": script, "args": [name, request] });
        let mut answer = self
            .settled(Method::POST, "/execute/async", Some(body))
            .await?;
        if answer["error"].is_null() {
            Ok(answer["value"].take())
        } else {
            bail!("{name}: {}", answer["error"]);
        }
    }

    /// The bytes at an address that the page may fetch, and their media type.
    pub async fn fetch(&self, url: &str) -> Result<(Vec<u8>, String)> {
        let script = "const [url, done] = arguments;
            fetch(url).then(async (answer) => {
                const reader = new FileReader();
                reader.onload = () => done({ ok: answer.ok, status: answer.status, url: reader.result });
                reader.readAsDataURL(await answer.blob());
            }).catch((error) => done({ error: String(error) }));";
        let body = json!({ "script": script, "args": [url] });
        let answer = self
            .settled(Method::POST, "/execute/async", Some(body))
            .await?;
        let data = answer["url"]
            .as_str()
            .filter(|_| answer["ok"] == true)
            .and_then(|url| url.strip_prefix("data:")?.split_once(";base64,"))
            .with_context(|| format!("{url}: {answer}"))?;
        Ok((BASE64_STANDARD.decode(data.1)?, data.0.to_owned()))
    }

    /// Leaves a picture of the window.
    pub async fn picture(&self, path: &Path) -> Result<()> {
        let picture = self.settled(Method::GET, "/screenshot", None).await?;
        let bytes = BASE64_STANDARD.decode(picture.as_str().context("no picture")?)?;
        fs::write(path, bytes).with_context(|| format!("write {}", path.display()))
    }

    /// Leaves a picture of the window as soon as nothing in it moves any more.
    pub async fn still_picture(&self, path: &Path) -> Result<()> {
        // A passing message is no part of the page.
        let script =
            "return document.fonts.status === 'loaded' && !document.querySelector('.el-message')
            && [...document.images].every((image) => image.complete)";
        let mut last = Value::Null;
        let picture = until("a picture in which nothing moves", async || {
            if self.script(script, &[]).await? != json!(true) {
                return Ok(None);
            }
            let now = self.settled(Method::GET, "/screenshot", None).await?;
            let is_still = now == last;
            last = now;
            Ok(is_still.then(|| last.clone()))
        })
        .await?;
        let bytes = BASE64_STANDARD.decode(picture.as_str().context("no picture")?)?;
        fs::write(path, bytes).with_context(|| format!("write {}", path.display()))
    }

    pub(crate) async fn settled(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value> {
        self.ask(method, path, body)
            .await
            .map_err(|fault| match fault {
                Fault::Passing(fault) => anyhow::anyhow!(fault),
                Fault::Final(error) => error,
            })
    }

    fn process(&self) -> Result<Stranger> {
        process_with_argument(&self.app.to_string_lossy(), self.data.as_os_str())?
            .context("the application is not running")
    }

    /// What the processes of the window hold in memory, in bytes; what several hold together counts in equal parts.
    ///
    /// # Errors
    /// When a process does not tell.
    pub fn memory(&self) -> Result<u64> {
        self.driver.memory()
    }

    /// Kills the application in the midst of whatever it does, as a power cut would.
    pub async fn kill(self) -> Result<()> {
        self.process()?.kill().await
    }

    /// Where the window is and how large, in pixels: `x`, `y`, `width`, `height` (W3C WebDriver, "Get Window Rect").
    pub async fn place(&self) -> Result<Value> {
        self.persist("the window's place", async || {
            self.ask(Method::GET, "/window/rect", None).await
        })
        .await
    }

    /// Moves the window and gives it a size, in the same words.
    pub async fn put(&self, place: &Value) -> Result<()> {
        self.persist("the window's place", async || {
            self.ask(Method::POST, "/window/rect", Some(place.clone()))
                .await
        })
        .await?;
        Ok(())
    }

    /// Closes the window as a person does, and waits until the application has ended.
    pub async fn close(self) -> Result<()> {
        let process = self.process()?;
        process.ask_to_end()?;
        until("the application's end", async || {
            Ok((!process.is_there()).then_some(()))
        })
        .await
    }
}

/// The selector of a part of the screen by its name for tests.
pub fn part(name: &str) -> String {
    format!("[data-test=\"{name}\"]")
}

/// The selector of the input in a part of the screen, or of the part when it is the input.
pub fn input(name: &str) -> String {
    format!("[data-test=\"{name}\"] :is(input,textarea), :is(input,textarea)[data-test=\"{name}\"]")
}
