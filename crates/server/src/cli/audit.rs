//! The audit log on the command line.

use clap::Args;
use serde_json::json;
use shicha_sync::protocol::admin::AuditQuery;

use super::say::{Failure, Say, moment};
use crate::home::Home;

/// Which rows.
#[derive(Args)]
pub(super) struct Query {
    /// 只看这一种 (only this act)
    #[arg(long)]
    act: Option<String>,
    /// 含有这些文字 (with these words)
    #[arg(long)]
    text: Option<String>,
    /// 最多几行 (at most so many rows)
    #[arg(long, default_value_t = 100)]
    limit: usize,
}

pub(super) fn list(say: &Say, home: &Home, query: &Query) -> Result<(), Failure> {
    let asked = AuditQuery {
        act: query.act.clone(),
        text: query.text.clone(),
        ..AuditQuery::default()
    };
    let rows = home.store.audit(&asked, &|_| true, query.limit)?;
    say.result(&json!({ "rows": rows }), || {
        rows.iter()
            .map(|row| {
                let who = match row.person {
                    Some(_) => row.person_name.as_str(),
                    None => "命令行 (command line)",
                };
                format!(
                    "{}\t{}\t{who}\t{}\t{}",
                    row.n,
                    moment(row.at_ms),
                    row.act,
                    row.target
                )
            })
            .chain([format!("共 {} 行 (rows)", rows.len())])
            .collect()
    });
    Ok(())
}
