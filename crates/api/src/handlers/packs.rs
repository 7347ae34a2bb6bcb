//! Packs and the directory, as the screens need them.

use std::collections::BTreeMap;

use shicha_domain::pack::{BasisOfItem, Checklist, Item, Pack, PackStanding, Penalty, Section};

use crate::{
    desk::Desk,
    error::{ApiError, ErrorCode},
    packs::Listed,
    schema::*,
};

pub(crate) fn packs_list(desk: &Desk, _: Empty) -> Result<PacksList, ApiError> {
    let rows = desk.packs()?.into_iter().map(
        |Listed {
             row,
             pack,
             standing,
         }| PackRow {
            phases: pack
                .iter()
                .flat_map(|pack| pack.phases.iter())
                .map(phase_view)
                .collect(),
            checklists: pack
                .iter()
                .flat_map(|pack| pack.checklists.iter())
                .map(checklist_row)
                .collect(),
            is_here: pack.is_some(),
            id: row.id,
            version: row.version,
            hash: row.blob,
            title: row.title,
            org_name: desk.names.org(&row.org),
            org: row.org,
            standing: standing.as_str().to_owned(),
            above: match &standing {
                PackStanding::Below { by } => Some(desk.names.org(by)),
                _ => None,
            },
            received_ms: row.received_ms,
        },
    );
    Ok(PacksList {
        packs: rows.collect(),
    })
}

pub(crate) fn checklist_get(desk: &Desk, request: ChecklistGet) -> Result<ChecklistView, ApiError> {
    let day = request.day.parse().map_err(ApiError::bad_request)?;
    let named = match request.hash {
        Some(hash) => {
            let packs = &desk.app.0.packs;
            packs.named(&desk.ledger, hash, &request.pack, &request.version)?
        }
        None => None,
    };
    let pack = named.ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "pack"))?;
    let checklist = pack
        .checklist(&request.checklist)
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "checklist"))?;
    let evidence_codes = pack
        .evidence_codes
        .iter()
        .map(|code| (code.id.as_str().to_owned(), code.title.zh.clone()))
        .collect::<BTreeMap<_, _>>();
    Ok(ChecklistView {
        pack: request.pack,
        version: request.version,
        pack_title: pack.title.zh.clone(),
        id: request.checklist,
        title: checklist.title.zh.clone(),
        sections: checklist
            .sections
            .iter()
            .map(|section| section_view(&pack, section, day))
            .collect(),
        evidence_codes,
    })
}

pub(crate) fn directory_get(desk: &Desk, _: Empty) -> Result<DirectoryView, ApiError> {
    let directory = desk.names.directory();
    let pack = desk.leading_pack()?;
    let regions = pack.iter().flat_map(|pack| pack.regions.iter());
    Ok(DirectoryView {
        orgs: directory
            .orgs
            .iter()
            .map(|org| OrgView {
                code: org.code.clone(),
                name: org.name.clone(),
                kind: org.kind,
                region: org.region.clone(),
            })
            .collect(),
        people: directory
            .people
            .iter()
            .filter(|person| person.is_active)
            .map(|person| PersonView {
                id: person.id,
                name: person.name.clone(),
                org: person.org.clone(),
                role: person.role,
                certificate: person.certificate.clone(),
            })
            .collect(),
        regions: regions
            .map(|region| RegionView {
                code: region.id.as_str().to_owned(),
                name: region.name.zh.clone(),
                certainty: region.certainty.as_str().to_owned(),
            })
            .collect(),
    })
}

fn phase_view(phase: &shicha_domain::pack::Phase) -> PhaseView {
    PhaseView {
        id: phase.id.as_str().to_owned(),
        title: phase.title.zh.clone(),
        from: phase.from.to_string(),
        to: phase.to.to_string(),
        certainty: phase.certainty.as_str().to_owned(),
        note: phase.note.clone().unwrap_or_default(),
    }
}

fn checklist_row(checklist: &Checklist) -> ChecklistRow {
    ChecklistRow {
        id: checklist.id.as_str().to_owned(),
        title: checklist.title.zh.clone(),
        subject_kind: checklist.subject_kind.as_str().to_owned(),
        items: items_of(checklist),
    }
}

/// How many items a checklist has.
pub(crate) fn items_of(checklist: &Checklist) -> u32 {
    checklist
        .sections
        .iter()
        .map(|section| section.items.len() as u32)
        .sum()
}

fn section_view(pack: &Pack, section: &Section, day: shicha_domain::pack::Date) -> SectionView {
    let trait_title = |id: &str| {
        let found = pack.traits.iter().find(|one| one.id.as_str() == id);
        found.map_or_else(|| id.to_owned(), |one| one.title.zh.clone())
    };
    SectionView {
        id: section.id.as_str().to_owned(),
        title: section.title.zh.clone(),
        applies_to: section
            .applies_to
            .iter()
            .map(|id| trait_title(id.as_str()))
            .collect(),
        note: section.note.clone().unwrap_or_default(),
        items: section
            .items
            .iter()
            .filter(|item| item.is_asked_on(day))
            .map(|item| item_view(pack, section, item, day))
            .collect(),
    }
}

fn item_view(
    pack: &Pack,
    section: &Section,
    item: &Item,
    day: shicha_domain::pack::Date,
) -> ItemView {
    let conditions = section.depends_on.iter().chain(&item.depends_on);
    let wanted = item.evidence.iter().map(|wanted| match &wanted.text {
        Some(text) => text.clone(),
        None => pack.evidence_code(wanted.code.as_str()).map_or_else(
            || wanted.code.as_str().to_owned(),
            |code| code.title.zh.clone(),
        ),
    });
    let mut evidence_codes: Vec<String> = Vec::new();
    for wanted in item.evidence.iter() {
        let code = wanted.code.as_str().to_owned();
        if !evidence_codes.contains(&code) {
            evidence_codes.push(code);
        }
    }
    ItemView {
        id: item.id.as_str().to_owned(),
        is_core: item.core,
        question: item.question.zh.clone(),
        evidence_codes,
        evidence: wanted.collect::<Vec<_>>().join("；"),
        bases: pack
            .bases_of(item)
            .map(|of_item| BasisView {
                citation: of_item.citation(),
                is_citable: of_item.law.is_citable(),
                certainty: of_item.certainty().as_str().to_owned(),
                valid_from: of_item.valid_from.map(|day| day.to_string()),
                valid_to: of_item.valid_to.map(|day| day.to_string()),
                is_in_force: of_item.is_in_force_on(day),
            })
            .collect(),
        penalties: pack
            .penalties_of(item)
            .map(|of_item| PenaltyView {
                code: of_item.penalty.id.as_str().to_owned(),
                text: of_item.penalty.text.clone(),
                part: part_of(
                    of_item.reference.part.as_deref(),
                    of_item.reference.note.as_deref(),
                ),
                certainty: certainty_words(of_item.penalty),
            })
            .collect(),
        basis: citable(pack, item, day)
            .map(|of_item| of_item.citation())
            .collect::<Vec<_>>()
            .join("；"),
        penalty: pack
            .penalties_of(item)
            .map(|of_item| match &of_item.reference.part {
                Some(part) => format!("{} {part}", of_item.penalty.id.as_str()),
                None => of_item.penalty.id.as_str().to_owned(),
            })
            .collect::<Vec<_>>()
            .join("；"),
        finding: item.finding.clone(),
        measure: item.rectification.clone(),
        days: pack.rectification_days(item),
        data_check: item
            .data_check
            .as_ref()
            .map(|check| check.text.clone())
            .unwrap_or_default(),
        depends_on: conditions
            .map(|condition| ConditionView {
                item: condition.item.as_str().to_owned(),
                results: condition
                    .results
                    .iter()
                    .map(|result| result.as_str().to_owned())
                    .collect(),
            })
            .collect(),
        note: item.note.clone().unwrap_or_default(),
        penalty_note: item.penalty_note.clone().unwrap_or_default(),
        certainty: item.certainty.as_str().to_owned(),
    }
}

/// The bases of an item that may stand in a document of a day.
pub(crate) fn citable<'p>(
    pack: &'p Pack,
    item: &'p Item,
    day: shicha_domain::pack::Date,
) -> impl Iterator<Item = BasisOfItem<'p>> {
    pack.bases_in_force(item, day)
        .into_iter()
        .filter(|of_item| of_item.law.is_citable())
}

fn part_of(part: Option<&str>, note: Option<&str>) -> String {
    match (part, note) {
        (Some(part), Some(note)) => format!("{part}（{note}）"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => String::new(),
    }
}

fn certainty_words(penalty: &Penalty) -> String {
    match &penalty.certainty_note {
        Some(note) => format!("{}：{note}", penalty.certainty.as_str()),
        None => penalty.certainty.as_str().to_owned(),
    }
}
