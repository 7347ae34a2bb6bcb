//! Filling an inspection in, as two inspectors do on site.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{
    session::{Keys, Session, input, part},
    wait::until,
};

/// A signature: strokes whose points are shares of the pad.
const STROKES: &[&[(f64, f64)]] = &[
    &[(0.25, 0.35), (0.45, 0.3), (0.62, 0.34)],
    &[(0.42, 0.2), (0.4, 0.5), (0.3, 0.75)],
    &[(0.45, 0.45), (0.55, 0.6), (0.7, 0.72), (0.78, 0.6)],
];

/// A file to paste: name, media type, bytes.
pub type Pasted<'a> = (&'a str, &'a str, &'a [u8]);

fn item_part(item: &str) -> String {
    format!("[data-test=\"inspection-item\"][data-item=\"{item}\"]")
}

fn card(item: &str) -> String {
    format!("[data-test=\"inspection-card\"][data-item=\"{item}\"]")
}

/// The selector of a field of the inspection page, by its path.
pub fn field(path: &str) -> String {
    format!("[data-test=\"inspection-field\"][data-field=\"{path}\"] :is(input,textarea)")
}

impl Session {
    /// Begins an inspection of a subject, found by its name; checklist, phase and inspectors as the screen suggests them.
    pub async fn begin_inspection(&self, subject: &str) -> Result<()> {
        self.go("inspections").await?;
        self.click(&part("inspections-new")).await?;
        self.type_into(&input("new-inspection-subject"), subject)
            .await?;
        let first = part("new-inspection-subject-row");
        self.wait_for_text(&first, subject, |row| row.contains(subject))
            .await?;
        self.click(&first).await?;
        self.click(&part("new-inspection-start")).await?;
        self.wait_for(&part("inspection-page")).await
    }

    /// Opens an inspection from the workbench.
    pub async fn open_inspection(&self, record: &Value) -> Result<()> {
        self.go("workbench").await?;
        let record = record.as_str().context("a record is a text")?;
        self.click(&format!(
            "[data-test=\"wb-open-row\"][data-record=\"{record}\"]"
        ))
        .await?;
        self.wait_for(&part("inspection-page")).await
    }

    /// Goes to an item of the inspection that is open (`head`: what stands above the items).
    pub async fn turn_to(&self, item: &str) -> Result<()> {
        self.click(&item_part(item)).await?;
        self.wait_for(&card(item)).await
    }

    /// Gives an item a result, and waits until the screen shows it.
    pub async fn answer(&self, item: &str, result: &str) -> Result<()> {
        self.turn_to(item).await?;
        let button = format!(
            "{} {}",
            card(item),
            part(&format!("inspection-result-{result}"))
        );
        self.click(&button).await?;
        self.wait_for(&format!("{button}[aria-pressed=\"true\"]"))
            .await
    }

    /// Writes a field of the item that is open, leaves it, and waits until it stands in the record.
    pub async fn write(&self, record: &Value, path: &str, text: &str) -> Result<()> {
        self.type_into(&field(path), text).await?;
        self.press(&[], Keys::TAB).await?;
        let is_there = |view: &Value| view["fields"][path]["value"] == text;
        self.wait_for_answer(
            "inspection_get",
            json!({ "record": record }),
            path,
            is_there,
        )
        .await?;
        Ok(())
    }

    /// Accepts what the screen suggests for a field of the item that is open.
    pub async fn accept(&self, path: &str) -> Result<()> {
        self.click(&format!(
            "[data-test=\"inspection-accept\"][data-field=\"{path}\"]"
        ))
        .await
    }

    /// Adds photos to an item.
    pub async fn add_photos(&self, item: &str, files: &[Pasted<'_>]) -> Result<()> {
        self.turn_to(item).await?;
        let place = format!("[data-test=\"inspection-evidence\"][data-place=\"answers/{item}\"]");
        self.paste(&place, files).await
    }

    /// Fills in whatever is still missing, as the screens would call it; the visit ends now.
    pub async fn complete(&self, record: &Value, responsible: &str) -> Result<()> {
        for _ in 0..200 {
            let request = json!({ "record": record });
            let missing = self.rpc("inspection_missing", request.clone()).await?;
            let missing = missing["missing"].as_array().context("no list")?.clone();
            if missing.is_empty() {
                return Ok(());
            }
            let now = self.script("return Date.now()", &[]).await?;
            for lack in missing {
                let value = match lack["lack"].as_str().unwrap_or_default() {
                    "identity_shown" => json!(true),
                    "end" => now.clone(),
                    "place" => json!("教学区、档案室、实操场地"),
                    "result" => json!("conforms"),
                    "measure" => json!("立即停止代签，按实际考勤重新核定学时。"),
                    "responsible" => json!(responsible),
                    "due" => json!("2022-07-29"),
                    "number" => {
                        self.rpc("number_take", request.clone()).await?;
                        continue;
                    }
                    other => bail!("{other} is missing, and nothing here fills it in: {lack}"),
                };
                let set = json!({ "record": record, "field": lack["field"], "value": value, "over": null });
                self.rpc("field_set", set).await?;
            }
        }
        bail!("there is no end to what is missing")
    }

    /// Goes from the inspection that is open to the page where it is finished.
    pub async fn finish(&self) -> Result<()> {
        self.click(&part("inspection-finish")).await?;
        self.wait_for(&part("finish-page")).await
    }

    /// Signs on the screen, on the page where the inspection is finished: `0`, `1` … for an inspector, `subject` for the subject.
    pub async fn sign(&self, who: &str) -> Result<()> {
        let given = part("finish-signature");
        let before = self.count(&given).await?;
        self.click(&part(&format!("finish-sign-{who}"))).await?;
        self.draw(&format!("{} canvas", part("finish-pad")), STROKES)
            .await?;
        self.click(&part("finish-sign-confirm")).await?;
        until(&format!("the signature of {who}"), async || {
            Ok((self.count(&given).await? > before).then_some(()))
        })
        .await?;
        self.wait_gone(&part("finish-sign-confirm")).await
    }

    /// Opens the page of a subject.
    pub async fn open_subject(&self, record: &Value) -> Result<()> {
        self.go("subjects").await?;
        self.open_row(record).await?;
        self.wait_for(&part("subject-page")).await
    }

    /// Opens a record from the list of inspections.
    pub async fn open_record(&self, record: &Value) -> Result<()> {
        self.go("inspections").await?;
        self.open_row(record).await
    }

    async fn open_row(&self, record: &Value) -> Result<()> {
        let record = record.as_str().context("a record is a text")?;
        let row = format!("[role=\"row\"][data-key=\"{record}\"]");
        let at = self.script("return location.hash", &[]).await?;
        self.click(&row).await?;
        until("the record's page", async || {
            let now = self.script("return location.hash", &[]).await?;
            if now == at {
                // Some lists open a row by the keyboard or a second click only.
                self.press(&[], Keys::ENTER).await?;
            }
            Ok((now != at).then_some(()))
        })
        .await
    }
}
