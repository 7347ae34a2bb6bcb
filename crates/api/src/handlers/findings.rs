//! Findings 问题: the list.

use shicha_ledger::{self as ledger, FindingSort};

use crate::{
    desk::Desk,
    error::ApiError,
    handlers::rows::{MOST_ROWS, finding_row, small, today},
    schema::*,
};

/// Not a state but all of them that still ask for something.
const NOT_VERIFIED: &str = "not_verified";

pub(crate) fn findings_list(desk: &Desk, request: FindingsList) -> Result<FindingsPage, ApiError> {
    let sort = match request.sort.as_str() {
        "due" => FindingSort::Due,
        "subject" => FindingSort::Subject,
        "item" => FindingSort::Item,
        "state" => FindingSort::State,
        "org" => FindingSort::Org,
        other => return Err(ApiError::bad_request(format!("no such order: {other}"))),
    };
    let is_open = request.filter.state.as_deref() == Some(NOT_VERIFIED);
    let filter = ledger::FindingFilter {
        query: request
            .filter
            .query
            .filter(|query| !query.trim().is_empty()),
        org: request.filter.org,
        region: request.filter.region,
        item: request.filter.item,
        state: request.filter.state.filter(|_| !is_open),
        is_open,
        due_before_day: request.filter.due_before,
        subject: request.filter.subject,
        ..Default::default()
    };
    let page = desk.ledger.findings(
        &filter,
        sort,
        request.descending,
        u64::from(request.window.offset),
        u64::from(request.window.limit.min(MOST_ROWS)),
    )?;
    let day = today(&desk.app);
    Ok(FindingsPage {
        total: small(page.total),
        rows: page
            .rows
            .into_iter()
            .map(|row| finding_row(row, day))
            .collect(),
    })
}
