//! What hands do beyond clicking and typing into a field: pasting files, drawing, pressing keys wherever the focus is.

use anyhow::{Context, Result, bail};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::Method;
use serde_json::{Value, json};

use crate::session::Session;

impl Session {
    /// Pastes files (name, media type, bytes) into a part of the screen, as a person does who copied them in a file manager.
    pub async fn paste(&self, css: &str, files: &[(&str, &str, &[u8])]) -> Result<()> {
        let files: Vec<Value> = files
            .iter()
            .map(|(name, mime, bytes)| json!([name, mime, BASE64_STANDARD.encode(bytes)]))
            .collect();
        let script = "const [css, files] = arguments;
            const transfer = new DataTransfer();
            for (const [name, type, data] of files) {
                const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
                transfer.items.add(new File([bytes], name, { type }));
            }
            const part = document.querySelector(css);
            if (!part) return `no ${css}`;
            part.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true }));
            return `${transfer.files.length}`;";
        self.wait_for(css).await?;
        let said = self.script(script, &[json!(css), json!(files)]).await?;
        if said != json!(files.len().to_string()) {
            bail!("pasting into {css}: {said}");
        }
        Ok(())
    }

    /// Draws strokes on an element; points are shares of its width and height.
    pub async fn draw(&self, css: &str, strokes: &[&[(f64, f64)]]) -> Result<()> {
        self.wait_for(css).await?;
        let script = "const part = document.querySelector(arguments[0]);
            part.scrollIntoView({ block: 'center', behavior: 'instant' });
            const { left, top, width, height } = part.getBoundingClientRect();
            return [left, top, width, height];";
        let found = self.script(script, &[json!(css)]).await?;
        let side = |n: usize| found[n].as_f64().with_context(|| format!("{css}: {found}"));
        let (left, top, width, height) = (side(0)?, side(1)?, side(2)?, side(3)?);
        let at = |(x, y): (f64, f64)| {
            let (x, y) = (left + x * width, top + y * height);
            json!({ "type": "pointerMove", "duration": 4, "x": x.round() as i64, "y": y.round() as i64, "origin": "viewport" })
        };
        let mut actions = Vec::new();
        for stroke in strokes {
            for (n, point) in stroke.iter().enumerate() {
                actions.push(at(*point));
                if n == 0 {
                    actions.push(json!({ "type": "pointerDown", "button": 0 }));
                }
            }
            actions.push(json!({ "type": "pointerUp", "button": 0 }));
        }
        let mouse = json!({
            "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": actions,
        });
        self.perform(mouse).await
    }

    /// Presses keys one after the other, wherever the focus is; those in `held` are held down meanwhile.
    pub async fn press(&self, held: &[&str], keys: &str) -> Result<()> {
        let key = |kind: &str, value: &str| json!({ "type": kind, "value": value });
        let mut actions: Vec<Value> = held.iter().map(|value| key("keyDown", value)).collect();
        for c in keys.chars() {
            actions.push(key("keyDown", &c.to_string()));
            actions.push(key("keyUp", &c.to_string()));
        }
        actions.extend(held.iter().rev().map(|value| key("keyUp", value)));
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.perform(keyboard).await
    }

    async fn perform(&self, source: Value) -> Result<()> {
        let body = json!({ "actions": [source] });
        self.settled(Method::POST, "/actions", Some(body)).await?;
        self.settled(Method::DELETE, "/actions", None).await?;
        Ok(())
    }
}
