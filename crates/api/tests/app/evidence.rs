//! Evidence: what is taken, what is refused, and that one bad file does not keep the others out.

use serde_json::{Value, json};
use shicha_api::error::ErrorCode;
use shicha_domain::directory::Role;

use crate::kit::*;

#[tokio::test(flavor = "multi_thread")]
async fn originals_come_back_byte_for_byte_and_small_pictures_are_made() {
    let central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let record = desk.inspection("市考试中心").await;
    let bytes = photo(9);
    let added = desk
        .attach(&record, "record", "现场 全景.jpg", &bytes)
        .await["evidence"]
        .clone();
    let hash = added["blob"].as_str().unwrap();
    assert_eq!(
        (added["mime"].as_str(), added["is_here"].as_bool()),
        (Some("image/jpeg"), Some(true))
    );
    let whole = desk.app.evidence(hash, "original", None).unwrap();
    assert!(whole.bytes == bytes && whole.total == bytes.len() as u64);
    let part = desk.app.evidence(hash, "original", Some((10, 20))).unwrap();
    assert_eq!(part.bytes, bytes[10..20]);
    let thumb = desk.app.evidence(hash, "thumb", None).unwrap();
    assert_eq!(
        (thumb.mime.as_str(), &thumb.bytes[..2]),
        ("image/jpeg", &[0xff, 0xd8][..])
    );
    is(
        &desk
            .app
            .evidence(&"00".repeat(32), "original", None)
            .unwrap_err(),
        ErrorCode::NotFound,
    );
    is(
        &desk
            .app
            .evidence("../../key.json", "original", None)
            .unwrap_err(),
        ErrorCode::BadRequest,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_missing_and_falsely_named_files_are_told_and_the_good_one_is_taken() {
    let central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let record = desk.inspection("市考试中心").await;
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    };
    let paths = [
        write("空.jpg", b""),
        dir.path()
            .join("拔掉的U盘.jpg")
            .to_string_lossy()
            .into_owned(),
        write("其实是文字.jpg", "这不是照片".as_bytes()),
        write("好.jpg", &photo(5)),
    ];
    let files: Vec<Value> = paths
        .iter()
        .map(|path| json!({ "source": { "from": "path", "path": path }, "origin": "drop", "derived_from": null }))
        .collect();
    let added = desk
        .call(
            "evidence_add",
            json!({ "record": record, "place": "record", "files": files }),
        )
        .await;
    let results = added["results"].as_array().unwrap();
    assert_eq!(results[0]["error"]["code"], "empty_file");
    assert_eq!(results[1]["error"]["code"], "not_found");
    assert_eq!(
        results[2]["evidence"]["mime"], "text/plain",
        "kept as what it is, not as what it is called"
    );
    assert_eq!(results[3]["evidence"]["mime"], "image/jpeg");
    assert_eq!(
        desk.view(&record).await["evidence"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_that_was_taken_out_can_be_put_back() {
    let central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let record = desk.inspection("市考试中心").await;
    let attachment =
        desk.attach(&record, "record", "a.jpg", &photo(1)).await["evidence"]["attachment"].clone();
    let request = json!({ "record": record, "attachment": attachment, "reason": "拍错了" });
    desk.call("evidence_remove", request.clone()).await;
    assert_eq!(desk.view(&record).await["evidence"][0]["removed"], "拍错了");
    desk.call("evidence_restore", request).await;
    let evidence = desk.view(&record).await["evidence"].clone();
    let standing = evidence
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["removed"].is_null())
        .count();
    assert_eq!(standing, 1);
}
