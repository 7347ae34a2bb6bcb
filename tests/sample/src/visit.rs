//! One visit, from the opening to the signatures, as two inspectors would record it.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    city::Area,
    clock::on_the_wall,
    device::Device,
    dice::Dice,
    photo::{self, Scene, Taken},
};

const DAY_MS: u64 = 86_400_000;
const PACK: &str = "lyg-2021-training";

/// What a visit is about.
pub(crate) struct Visit<'a> {
    /// Record of the subject.
    pub(crate) subject: &'a Value,
    /// Its fields.
    pub(crate) fields: &'a std::collections::BTreeMap<String, String>,
    /// Where it is.
    pub(crate) area: &'a Area,
    /// The inspectors, as `inspection_open` takes them.
    pub(crate) inspectors: &'a Value,
    /// `enforcement` or `reinspection`.
    pub(crate) kind: &'a str,
    /// Begin, Unix ms.
    pub(crate) start_ms: u64,
    /// Chance for everything that is left to it.
    pub(crate) dice: Dice,
}

const REASONS: [&str; 4] = [
    "资料管理人员当日外出，资料未能调取",
    "该班次当日未开课",
    "设备停电检修，现场无法核验",
    "系统升级，数据当日无法导出",
];
const FACTS: [&str; 6] = [
    "现场查阅资料齐全，与系统记录一致",
    "抽查3份档案，内容完整",
    "现场询问2名学员，与记录相符",
    "查验原件，均在有效期内",
    "核对课程表与考勤数据，一致",
    "查看现场，符合要求",
];
const OPINIONS: [&str; 3] = [
    "情况属实，无异议。",
    "以上记录属实，我单位将按期整改。",
    "属实。",
];

impl Visit<'_> {
    /// Opens it: head, but no answers yet.
    pub(crate) async fn open(&mut self, device: &Device) -> Result<Value> {
        device.clock().set(self.start_ms);
        let checklist = match self.fields["subject_kind"].as_str() {
            "training_institution" => "TI",
            "exam_institution" => "EI",
            _ => "PE",
        };
        let packs = device.call("packs_list", json!({})).await?;
        let pack = packs["packs"]
            .as_array()
            .and_then(|packs| packs.iter().find(|pack| pack["id"] == PACK))
            .context("the pack has not arrived")?;
        let opened = device
            .call(
                "inspection_open",
                json!({
                    "subject": self.subject, "kind": self.kind, "pack": pack["hash"],
                    "checklist": checklist, "phase": "enforcement", "inspectors": self.inspectors, "started_ms": self.start_ms,
                }),
            )
            .await?;
        let record = opened["record"].clone();
        let place = match checklist {
            "TI" => "教学区、档案室、实操场地",
            "EI" => "考场、监控室、档案室",
            _ => "安全管理部、生产车间、档案室",
        };
        device.set(&record, "place", json!(place)).await?;
        device.set(&record, "identity_shown", json!(true)).await?;
        device
            .set(&record, "escort", json!(self.fields["contact"]))
            .await?;
        device
            .set(&record, "subject/position", json!("总经理"))
            .await?;
        device.clock().pass(90);
        Ok(record)
    }

    /// Answers what is asked, at most `most` items; what an answer leads to is asked for next.
    pub(crate) async fn answer(
        &mut self,
        device: &Device,
        record: &Value,
        most: usize,
    ) -> Result<()> {
        let mut answered = 0;
        loop {
            let view = device
                .call("inspection_get", json!({ "record": record }))
                .await?;
            let list = device
                .call(
                    "checklist_get",
                    json!({
                        "pack": view["pack"], "version": view["pack_version"], "hash": view["pack_hash"], "checklist": view["checklist"],
                        "day": on_the_wall(self.start_ms).format("%Y-%m-%d").to_string(),
                    }),
                )
                .await?;
            let before = answered;
            for item in view["asked"].as_array().context("nothing is asked")? {
                let id = item.as_str().context("an item without id")?;
                let field = format!("answers/{id}/result");
                if answered < most && view["fields"][&field]["value"].is_null() {
                    let item = item_of(&list, id).with_context(|| format!("no item {id}"))?;
                    self.one(device, record, id, item).await?;
                    answered += 1;
                }
            }
            if answered == before || answered >= most {
                return Ok(());
            }
        }
    }

    async fn one(&mut self, device: &Device, record: &Value, id: &str, item: &Value) -> Result<()> {
        let field = |rest: &str| format!("answers/{id}/{rest}");
        // Some things are wrong more often than others, everywhere.
        let weight = 0.02 + 0.22 * Dice::of(id).part().powi(2);
        let roll = self.dice.part();
        device
            .clock()
            .pass(self.dice.between(20, 150).unsigned_abs());
        if roll < weight {
            device
                .set(record, &field("result"), json!("nonconforming"))
                .await?;
            let days = self.dice.between(10, 30).unsigned_abs();
            let due = on_the_wall(self.start_ms + days * DAY_MS).format("%Y-%m-%d");
            for (rest, value) in [
                ("finding/description", item["finding"].clone()),
                ("finding/measure", item["measure"].clone()),
                (
                    "finding/responsible",
                    json!(self.fields["legal_representative"]),
                ),
                ("finding/due", json!(due.to_string())),
            ] {
                device.set(record, &field(rest), value).await?;
            }
            let count = if self.dice.chance(0.3) { 2 } else { 1 };
            self.photos(device, record, &format!("answers/{id}"), count)
                .await?;
        } else if roll < weight + 0.03 {
            device
                .set(record, &field("result"), json!("not_checked"))
                .await?;
            let reason = *self.dice.pick(&REASONS);
            device.set(record, &field("reason"), json!(reason)).await?;
        } else if roll < weight + 0.05 {
            device
                .set(record, &field("result"), json!("to_verify"))
                .await?;
        } else if roll < weight + 0.09 && id.starts_with("PE") {
            device
                .set(record, &field("result"), json!("not_applicable"))
                .await?;
        } else {
            device
                .set(record, &field("result"), json!("conforms"))
                .await?;
            if self.dice.chance(0.25) {
                let facts = *self.dice.pick(&FACTS);
                device.set(record, &field("facts"), json!(facts)).await?;
            }
        }
        Ok(())
    }

    /// Takes photos at a place of the record.
    pub(crate) async fn photos(
        &mut self,
        device: &Device,
        record: &Value,
        place: &str,
        count: usize,
    ) -> Result<()> {
        let mut files = Vec::new();
        for _ in 0..count {
            let scene = *self.dice.pick(scenes(&self.fields["subject_kind"]));
            device.clock().pass(self.dice.between(5, 25).unsigned_abs());
            let at_ms = device.clock().now() / 1000 * 1000;
            let (latitude, longitude) = self.area.middle;
            // The same subject is always at the same place, a few hundred metres around the middle of its area.
            let mut spot = Dice::of(&self.fields["name"]);
            let position = (
                latitude + (spot.part() - 0.5) * 0.02,
                longitude + (spot.part() - 0.5) * 0.02,
            );
            let name = format!("IMG_{}.jpg", on_the_wall(at_ms).format("%Y%m%d_%H%M%S"));
            files.push((
                name,
                photo::take(scene, &self.fields["name"], Taken { at_ms, position })?,
            ));
        }
        device.attach(record, place, &files).await
    }

    /// Ends the visit: number, end, signatures.
    pub(crate) async fn finish(&mut self, device: &Device, record: &Value) -> Result<()> {
        let counts = device
            .call("inspection_get", json!({ "record": record }))
            .await?["counts"]
            .clone();
        let wrong = counts["nonconforming"].as_u64().unwrap_or(0);
        let summary = match wrong {
            0 => "本次检查未发现问题。".to_owned(),
            n => format!("本次检查发现问题{n}项，已责令限期整改。"),
        };
        device.set(record, "summary", json!(summary)).await?;
        let opinion = *self.dice.pick(&OPINIONS);
        device.set(record, "opinion", json!(opinion)).await?;
        device.clock().pass(240);
        device
            .set(record, "ended_at", json!(device.clock().now()))
            .await?;
        device
            .call("number_take", json!({ "record": record }))
            .await?;
        let missing = device
            .call("inspection_missing", json!({ "record": record }))
            .await?;
        ensure!(missing["missing"] == json!([]), "still missing: {missing}");

        let view = device
            .call("inspection_get", json!({ "record": record }))
            .await?;
        for inspector in self.inspectors.as_array().context("no inspectors")? {
            let name = inspector["name"].as_str().unwrap_or_default();
            self.sign(
                device,
                record,
                &view["digest"],
                "inspector",
                name,
                &inspector["person"],
            )
            .await?;
        }
        if self.dice.chance(0.06) {
            let (note, witness) = ("现场负责人看过记录后拒绝签字，未说明理由", "样本园区安全员");
            device
                .call(
                    "signature_add",
                    json!({
                        "record": record, "digest": view["digest"], "role": "subject", "person": null,
                        "name": self.fields["legal_representative"], "method": "refused", "mark": null, "note": note,
                        "witness": witness,
                    }),
                )
                .await?;
        } else {
            let name = &self.fields["legal_representative"];
            self.sign(
                device,
                record,
                &view["digest"],
                "subject",
                name,
                &Value::Null,
            )
            .await?;
        }
        Ok(())
    }

    async fn sign(
        &self,
        device: &Device,
        record: &Value,
        digest: &Value,
        role: &str,
        name: &str,
        person: &Value,
    ) -> Result<()> {
        device.clock().pass(30);
        let mark = device
            .upload("signature.png", &photo::signature(name)?)
            .await?;
        device
            .call(
                "signature_add",
                json!({
                    "record": record, "digest": digest, "role": role, "person": person,
                    "name": name, "method": "screen", "mark": mark, "note": "", "witness": "",
                }),
            )
            .await?;
        Ok(())
    }
}

/// What there is to take pictures of at a kind of subject.
fn scenes(subject_kind: &str) -> &'static [Scene] {
    match subject_kind {
        "training_institution" => &[
            Scene::AttendanceSheet,
            Scene::Classroom,
            Scene::NoticeBoard,
            Scene::Equipment,
        ],
        "exam_institution" => &[Scene::ExamRoom, Scene::Equipment, Scene::NoticeBoard],
        _ => &[
            Scene::Certificate,
            Scene::AttendanceSheet,
            Scene::NoticeBoard,
        ],
    }
}

fn item_of<'a>(list: &'a Value, id: &str) -> Option<&'a Value> {
    let sections = list["sections"].as_array()?.iter();
    sections
        .filter_map(|section| section["items"].as_array())
        .flatten()
        .find(|item| item["id"] == id)
}
