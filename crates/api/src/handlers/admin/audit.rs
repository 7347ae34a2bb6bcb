//! The audit log, and files of it.

use serde_json::{Map, Value as Json};
use shicha_papers::tables::Value;
use shicha_sync::protocol::admin::{AuditQuery, AuditRow, MAX_AUDIT_ROWS};

use super::{Office, admin_error};
use crate::{
    app::{App, blocking},
    error::{ApiError, ErrorCode},
    handlers::tables::{Table, moment, table_file},
    names::{Names, tail},
    schema::*,
};

/// Rows on the screen at a time.
const SHOWN: u32 = 200;
/// The most rows of a file.
const MOST_EXPORTED: usize = 50_000;

pub(crate) async fn admin_audit(
    app: &App,
    request: AdminAuditList,
) -> Result<AdminAudit, ApiError> {
    let office = Office::of(app)?;
    let is_plain = request.filter == AdminAuditFilter::default() && request.before.is_none();
    let query = query(&request.filter, request.before, SHOWN);
    let asked = office.engine.admin_audit(&office.desk.ledger, &query).await;
    let names = &office.desk.names;
    // Only the newest rows are kept; what was looked for needs the server.
    let (list, known) = if is_plain {
        office.known("audit", asked).await?
    } else {
        let list = asked.map_err(admin_error)?;
        let at_ms = Some(office.desk.now_ms());
        let known = Known {
            at_ms,
            is_live: true,
            fault: None,
        };
        (list, known)
    };
    Ok(AdminAudit {
        known,
        rows: list.rows.iter().map(|row| view(names, row)).collect(),
        more: list.more,
    })
}

fn query(filter: &AdminAuditFilter, before: Option<u64>, limit: u32) -> AuditQuery {
    AuditQuery {
        before,
        since_ms: filter.since_ms,
        until_ms: filter.until_ms,
        act: filter.act.clone(),
        text: super::typed(filter.text.clone()),
        limit: Some(limit),
    }
}

fn view(names: &Names, row: &AuditRow) -> AdminAuditRow {
    AdminAuditRow {
        n: row.n,
        at_ms: row.at_ms,
        person_name: row.person.map(|_| row.person_name.clone()),
        device: row.device.map(|device| match names.device(device) {
            name if name == tail(device.0) => name,
            name => format!("{name}（{}）", tail(device.0)),
        }),
        act: row.act.clone(),
        org_name: row.org.as_ref().map(|org| names.org(org)),
        target: row.target.clone(),
        changes: changes(&row.details()),
        hash: hex::encode(row.hash),
    }
}

/// What a row says beside who and whom: fields that differ, or whatever stands there.
fn changes(detail: &Json) -> Vec<AdminAuditChange> {
    let empty = Map::new();
    let Some(detail) = detail.as_object() else {
        return Vec::new();
    };
    let Some(after) = detail.get("after").and_then(Json::as_object) else {
        let rest = detail.iter().filter(|(_, value)| !value.is_null());
        return rest
            .map(|(field, value)| AdminAuditChange {
                field: field.clone(),
                from: None,
                to: text(value),
            })
            .collect();
    };
    let before = detail.get("before").and_then(Json::as_object);
    let old = before.unwrap_or(&empty);
    after
        .iter()
        .filter(|(field, value)| *field != "id" && old.get(*field).unwrap_or(&Json::Null) != *value)
        .map(|(field, value)| AdminAuditChange {
            field: field.clone(),
            from: old.get(field).and_then(text),
            to: text(value),
        })
        .collect()
}

fn text(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::String(text) if text.is_empty() => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

pub(crate) async fn admin_audit_export(
    app: &App,
    request: AdminAuditExport,
) -> Result<FileOut, ApiError> {
    let office = Office::of(app)?;
    let mut rows: Vec<AuditRow> = Vec::new();
    loop {
        let before = rows.last().map(|row| row.n);
        let query = query(&request.filter, before, MAX_AUDIT_ROWS);
        let page = office.engine.admin_audit(&office.desk.ledger, &query).await;
        let page = page.map_err(admin_error)?;
        rows.extend(page.rows);
        if !page.more {
            break;
        }
        if rows.len() >= MOST_EXPORTED {
            return Err(ApiError::new(ErrorCode::FileTooLarge)
                .with("name", "审计记录")
                .with("most", MOST_EXPORTED as u64));
        }
    }
    let desk = office.desk;
    blocking(move || {
        let columns = [
            ("行号", 8.0),
            ("操作时间", 18.0),
            ("操作人", 12.0),
            ("设备", 22.0),
            ("操作", 18.0),
            ("组织", 24.0),
            ("对象", 28.0),
            ("内容", 60.0),
            ("哈希", 66.0),
        ];
        let mut table = Table::new("审计记录", &columns, &desk);
        for row in &rows {
            let shown = view(&desk.names, row);
            table.row(vec![
                Value::Number(row.n as f64),
                moment(Some(row.at_ms)),
                Value::Text(shown.person_name.unwrap_or_else(|| "命令行".to_owned())),
                Value::Text(shown.device.unwrap_or_default()),
                Value::Text(act_zh(&row.act).to_owned()),
                Value::Text(shown.org_name.unwrap_or_default()),
                Value::Text(shown.target),
                Value::Text(row.detail.clone()),
                Value::Text(shown.hash),
            ]);
        }
        table_file(&desk, "审计记录", vec![table], &request.format)
    })
    .await
}

/// What was done, in the words of the screens.
fn act_zh(act: &str) -> &str {
    use shicha_sync::protocol::admin::act::*;
    match act {
        ORG_ADDED => "增加组织",
        ORG_CHANGED => "修改组织",
        PERSON_ADDED => "增加人员",
        PERSON_CHANGED => "修改人员",
        PERSON_RETIRED => "停用人员",
        PERSON_RETURNED => "恢复人员",
        CODE_MADE => "生成登记码",
        CODE_WITHDRAWN => "撤回登记码",
        DEVICE_REVOKED => "停用设备",
        DEVICE_LOCK => "停用并锁定设备",
        DEVICE_WIPE => "停用并清除设备",
        DEVICE_OBEYED => "设备已照办",
        UNLOCK_SHOWN => "查看解锁码",
        PACK_PUBLISHED => "发布模板包",
        ENTRY_RELEASED => "放行被拒绝的条目",
        SERVER_NAMED => "命名中心端",
        RESTORED => "从备份恢复",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let detail = json!({
            "before": { "id": "1", "name": "张三", "role": "inspector", "certificate": null },
            "after": { "id": "1", "name": "张三", "role": "supervisor", "certificate": "苏001" },
        });
        let told: Vec<_> = changes(&detail)
            .into_iter()
            .map(|change| (change.field, change.from, change.to))
            .collect();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            told,
            [
                ("certificate".to_owned(), None, some("苏001")),
                ("role".to_owned(), some("inspector"), some("supervisor")),
            ]
        );
        assert_eq!(changes(&json!({ "entries": 5, "last": null })).len(), 1);
        assert_eq!(changes(&Json::Null), []);
    }
}
