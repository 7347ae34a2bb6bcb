//! What happens in the sample: who is enrolled when, who visits whom, where two people contradict each other.
//!
//! The visits go from April to the middle of July 2022, the campaign's weeks of enforcement. One device at a time is at work, so that
//! one clock serves all; each county comes round twice.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result};
use chrono::{Datelike as _, NaiveDate, Weekday};
use serde_json::{Value, json};

use crate::{
    central::Central,
    city::{AREAS, Area, CITY, Staff, staff},
    clock::{SetClock, shanghai},
    device::Device,
    dice::Dice,
    photo,
    subjects::{Subject, subjects},
    visit::Visit,
};

/// Passphrase of every device of the sample.
pub const PASSPHRASE: &str = "样本口令 sample 2022";
/// Place in [`AREAS`] of the county whose first inspector's device is kept: Donghai.
const HERO: usize = 3;
const CHECKLISTS: [&str; 3] = ["training_institution", "exam_institution", "enterprise"];

/// How the sample is to be made.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Folder to make it in; made when it is not there.
    pub out: PathBuf,
    /// Folders with fonts.
    pub fonts: Vec<PathBuf>,
    /// The pack to publish.
    pub pack: PathBuf,
    /// Where the central endpoint listens; port 0 takes any free one, for ever.
    pub listen: SocketAddr,
    /// Seed of everything that is left to chance.
    pub seed: u64,
    /// The most visits of each area; all of them when left out.
    pub visits_per_area: Option<usize>,
    /// The most subjects of each area; all of them when left out.
    pub subjects_per_area: Option<usize>,
}

/// The sample that was made. The central endpoint does not run.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Where the central endpoint listens when it runs on `central` in the folder.
    pub listen: SocketAddr,
    /// The moment at which the sample ends, Unix ms.
    pub now_ms: u64,
    /// Who works on the device in `inspector`.
    pub inspector: String,
    /// Who works on the device in `supervisor`.
    pub supervisor: String,
    /// Visits that were signed.
    pub signed: usize,
    /// Subjects.
    pub subjects: usize,
    /// The inspection that two people contradict each other in.
    pub contradicted: Value,
}

impl Sample {
    fn to_json(&self) -> Value {
        json!({
            "listen": self.listen.to_string(), "now_ms": self.now_ms, "passphrase": PASSPHRASE,
            "people": { "inspector": self.inspector, "supervisor": self.supervisor },
            "signed": self.signed, "subjects": self.subjects, "contradicted": self.contradicted,
        })
    }
}

struct County {
    area: &'static Area,
    dir: PathBuf,
    subjects: Vec<Subject>,
    /// Records of the subjects, once they are added.
    records: Vec<Value>,
    visits: usize,
    done: usize,
}

struct Story {
    plan: Plan,
    clock: SetClock,
    central: Central,
    counties: Vec<County>,
    staff: Vec<Staff>,
    slots: Vec<u64>,
    signed: usize,
    began: Instant,
}

/// Makes the sample.
///
/// # Errors
/// When the folder cannot be written, or a part refuses what the sample asks of it.
pub async fn make(plan: Plan) -> Result<Sample> {
    fs::create_dir_all(&plan.out)?;
    photo::use_fonts(&plan.fonts);
    let clock = SetClock::at(shanghai(2022, 3, 28, 9, 0));
    let mut central = Central::make(plan.out.join("central"), &plan.pack, plan.listen, &clock)?;
    central.start().await?;
    let mut story = Story {
        counties: counties(&plan),
        slots: Vec::new(),
        staff: staff(),
        clock,
        central,
        plan,
        signed: 0,
        began: Instant::now(),
    };
    let all = story.counties.iter().map(|county| county.visits).sum();
    story.slots = slots(all, &mut Dice::new(story.plan.seed));
    let sample = story.tell().await?;
    story.central.stop().await;
    fs::remove_dir_all(story.plan.out.join("others"))?;
    fs::write(
        story.plan.out.join("sample.json"),
        sample.to_json().to_string(),
    )?;
    Ok(sample)
}

fn counties(plan: &Plan) -> Vec<County> {
    let mut by_area: BTreeMap<usize, Vec<Subject>> = BTreeMap::new();
    for subject in subjects() {
        by_area.entry(subject.area).or_default().push(subject);
    }
    let limited =
        |count: usize, limit: Option<usize>| limit.map_or(count, |limit| count.min(limit));
    let county = |(at, mut subjects): (usize, Vec<Subject>)| {
        subjects.truncate(limited(subjects.len(), plan.subjects_per_area));
        County {
            area: &AREAS[at],
            dir: match at {
                HERO => plan.out.join("inspector"),
                _ => plan.out.join("others").join(AREAS[at].code),
            },
            subjects,
            records: Vec::new(),
            visits: limited(AREAS[at].visits, plan.visits_per_area),
            done: 0,
        }
    };
    by_area.into_iter().map(county).collect()
}

/// The beginnings of that many visits: on working days, spread unevenly over the weeks, never two at a time.
fn slots(count: usize, dice: &mut Dice) -> Vec<u64> {
    let first = NaiveDate::from_ymd_opt(2022, 4, 6).unwrap_or_default();
    let is_free = |day: &NaiveDate| {
        matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
            || (day.month(), day.day()) == (6, 3)
            || (day.month() == 5 && day.day() <= 4)
    };
    let mut days: Vec<NaiveDate> = first
        .iter_days()
        .take_while(|day| (day.month(), day.day()) <= (7, 13))
        .filter(|day| !is_free(day))
        .collect();
    // On some days nobody goes out.
    while days.len() > 45 {
        days.remove(dice.below(days.len()));
    }
    (0..count)
        .map(|n| {
            let day = days[n * days.len() / count.max(1)];
            let is_second =
                n > 0 && (n - 1) * days.len() / count.max(1) == n * days.len() / count.max(1);
            let hour = if is_second { 14 } else { 9 };
            let minute = u32::try_from(dice.between(0, 40)).unwrap_or(0);
            shanghai(day.year(), day.month(), day.day(), hour, minute)
        })
        .collect()
}

impl Story {
    async fn tell(&mut self) -> Result<Sample> {
        let mut slots = self.slots.clone().into_iter();
        let others: Vec<usize> = (0..self.counties.len()).filter(|at| *at != HERO).collect();
        for (at, is_last) in order(&others) {
            let county = &self.counties[at];
            let left = county.visits - county.done;
            let count = if is_last { left } else { left.div_ceil(2) };
            let slots: Vec<u64> = slots.by_ref().take(count).collect();
            let device = self.arrive(at, slots.first().copied(), is_last).await?;
            for slot in slots {
                self.visit(&device, at, slot).await?;
            }
            self.say(&format!(
                "{} visits, {}",
                self.signed, self.counties[at].area.name
            ));
            if at == HERO && is_last {
                return self.end(device).await;
            }
            self.clock.pass(600);
            device.sync().await?;
            device.close().await;
        }
        anyhow::bail!("the story has no end")
    }

    fn say(&self, what: &str) {
        println!("sample: {what} ({} s)", self.began.elapsed().as_secs());
    }

    fn people_of(&self, org: &str, role: &str) -> Vec<String> {
        let is_it = |one: &&Staff| one.org == org && one.role == role;
        self.staff
            .iter()
            .filter(is_it)
            .map(|one| one.name.clone())
            .collect()
    }

    /// The county's device comes to work: for the first time, or again.
    async fn arrive(&mut self, at: usize, slot: Option<u64>, is_again: bool) -> Result<Device> {
        let fonts = &self.plan.fonts;
        let county = &self.counties[at];
        // The day before at five.
        if let Some(slot) = slot {
            self.clock.set(slot.saturating_sub(16 * 3_600_000));
        }
        if is_again && county.dir.exists() {
            let device = Device::open(&county.dir, fonts, &self.clock).await?;
            device.sync().await?;
            self.look_after(&device).await?;
            return Ok(device);
        }
        let who = self.people_of(county.area.code, "inspector");
        let who = who.first().context("nobody works there")?;
        let device = Device::enrol(&county.dir, fonts, &self.clock, &self.central, who).await?;
        let mut records = Vec::new();
        for subject in &self.counties[at].subjects {
            let added = device
                .call("subject_add", json!({ "fields": subject.fields }))
                .await?;
            records.push(added["record"].clone());
        }
        self.counties[at].records = records;
        Ok(device)
    }

    /// Of the findings whose time is up, most are put right; some are not.
    async fn look_after(&self, device: &Device) -> Result<()> {
        let request = json!({ "filter": {}, "sort": "due", "descending": false, "window": { "offset": 0, "limit": 200 } });
        let findings = device.call("findings_list", request).await?;
        for row in findings["rows"].as_array().into_iter().flatten() {
            let mut dice = Dice::of(row["description"].as_str().unwrap_or_default());
            if row["state"] == "open" && dice.chance(0.8) {
                device
                    .set(&row["record"], "state", json!("verified"))
                    .await?;
            }
        }
        Ok(())
    }

    async fn inspectors(&self, device: &Device, area: &Area) -> Result<Value> {
        let directory = device.call("directory_get", json!({})).await?;
        let people = directory["people"].as_array().cloned().unwrap_or_default();
        let two: Vec<Value> = people
            .iter()
            .filter(|one| one["org"] == area.code && one["role"] == "inspector")
            .take(2)
            .map(|one| json!({ "person": one["id"], "name": one["name"], "certificate": one["certificate"] }))
            .collect();
        Ok(json!(two))
    }

    /// The subject of a county's next visit: institutions first, then enterprises, one after the other.
    fn next_subject(&self, at: usize) -> usize {
        let county = &self.counties[at];
        let mut places: Vec<usize> = (0..county.subjects.len()).collect();
        places.sort_by_key(|place| {
            CHECKLISTS
                .iter()
                .position(|kind| *kind == county.subjects[*place].kind)
        });
        places[county.done % places.len()]
    }

    async fn visit(&mut self, device: &Device, at: usize, slot: u64) -> Result<()> {
        let place = self.next_subject(at);
        let inspectors = self.inspectors(device, self.counties[at].area).await?;
        let county = &self.counties[at];
        let mut visit = Visit {
            subject: &county.records[place],
            fields: &county.subjects[place].fields,
            area: county.area,
            inspectors: &inspectors,
            kind: if county.done >= county.subjects.len() {
                "reinspection"
            } else {
                "enforcement"
            },
            start_ms: slot,
            dice: Dice::of(&format!(
                "{} {} {}",
                self.plan.seed, county.area.code, county.done
            )),
        };
        let record = visit.open(device).await?;
        visit.answer(device, &record, usize::MAX).await?;
        visit.finish(device, &record).await?;
        self.counties[at].done += 1;
        self.signed += 1;
        Ok(())
    }

    /// The last days: two visits that are not finished, one of them with two minds; the supervisor fetches everything.
    async fn end(&mut self, hero: Device) -> Result<Sample> {
        let area = &AREAS[HERO];
        self.clock.set(shanghai(2022, 7, 14, 9, 10));
        hero.sync().await?;
        let contradicted = self.begin_visit(&hero, 14, usize::MAX).await?;
        hero.sync().await?;

        let colleagues = self.people_of(area.code, "inspector");
        let colleague = colleagues.get(1).context("no colleague")?;
        let dir = self.plan.out.join("others").join("colleague");
        let second = Device::enrol(
            &dir,
            &self.plan.fonts,
            &self.clock,
            &self.central,
            colleague,
        )
        .await?;
        // From here on neither knows what the other does.
        self.central.stop().await;
        self.clock.set(shanghai(2022, 7, 14, 15, 0));
        let place = "教学区、档案室、实操场地（东校区）";
        second.set(&contradicted, "place", json!(place)).await?;
        self.clock.set(shanghai(2022, 7, 14, 15, 20));
        hero.set(
            &contradicted,
            "place",
            json!("教学区二楼、档案室、实操场地"),
        )
        .await?;
        self.clock.set(shanghai(2022, 7, 14, 17, 0));
        self.central.start().await?;
        second.sync().await?;
        second.close().await;
        hero.sync().await?;

        self.clock.set(shanghai(2022, 7, 14, 18, 0));
        let dir = self.plan.out.join("supervisor");
        let supervisors = self.people_of(CITY, "supervisor");
        let supervisor = supervisors.first().context("no supervisor")?.clone();
        let desk = Device::enrol(
            &dir,
            &self.plan.fonts,
            &self.clock,
            &self.central,
            &supervisor,
        )
        .await?;
        desk.close().await;

        // On Friday morning without a network: what is done now waits on the device.
        self.central.stop().await;
        self.clock.set(shanghai(2022, 7, 15, 8, 50));
        self.begin_visit(&hero, 15, 9).await?;
        self.clock.set(shanghai(2022, 7, 15, 10, 0));
        let now_ms = self.clock.now();
        hero.close().await;
        Ok(Sample {
            listen: self.central.listen(),
            now_ms,
            inspector: colleagues[0].clone(),
            supervisor,
            signed: self.signed,
            subjects: self
                .counties
                .iter()
                .map(|county| county.records.len())
                .sum(),
            contradicted,
        })
    }

    async fn begin_visit(&mut self, device: &Device, day: u32, most: usize) -> Result<Value> {
        let place = self.next_subject(HERO);
        self.counties[HERO].done += 1;
        let county = &self.counties[HERO];
        let inspectors = self.inspectors(device, county.area).await?;
        let mut visit = Visit {
            subject: &county.records[place],
            fields: &county.subjects[place].fields,
            area: county.area,
            inspectors: &inspectors,
            kind: "enforcement",
            start_ms: shanghai(2022, 7, day, 9, 0),
            dice: Dice::of(&format!("{} open {day}", self.plan.seed)),
        };
        if day == 15 {
            visit.start_ms = shanghai(2022, 7, 15, 8, 55);
        }
        let record = visit.open(device).await?;
        visit.answer(device, &record, most).await?;
        visit.photos(device, &record, "record", 1).await?;
        Ok(record)
    }
}

/// In which order the counties' devices are at work: the kept one first and last. `true`: for the last time.
fn order(others: &[usize]) -> impl Iterator<Item = (usize, bool)> {
    let first = std::iter::once((HERO, false)).chain(others.iter().map(|at| (*at, false)));
    let again = others.iter().map(|at| (*at, true)).chain([(HERO, true)]);
    first.chain(again)
}

/// Where the shipped pack lies in the source tree.
pub fn shipped_pack() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/lyg-2021-training/pack.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_begin_one_after_the_other_on_working_days() {
        let slots = slots(79, &mut Dice::new(1));
        assert_eq!(slots.len(), 79);
        assert!(slots.windows(2).all(|two| two[0] < two[1]), "{slots:?}");
        assert!(slots[78] < shanghai(2022, 7, 14, 0, 0));
        assert_eq!(slots, super::slots(79, &mut Dice::new(1)));
    }

    #[test]
    fn every_county_comes_round_twice_and_the_kept_one_begins_and_ends() {
        let order: Vec<_> = order(&[0, 1, 2, 4]).collect();
        assert_eq!(order.len(), 10);
        assert_eq!((order[0], order[9]), ((HERO, false), (HERO, true)));
    }
}
