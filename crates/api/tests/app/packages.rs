//! Packages as the screens make, look at, and take them; and somebody else's, handed in over the network.

use std::{fs, path::Path};

use serde_json::{Value, json};
use shicha_api::error::ErrorCode;
use shicha_domain::directory::Role;

use crate::{kit::*, together::list};

const COUNTY: &str = "320703";

/// Two colleagues of one bureau that know of each other's computers.
async fn colleagues(central: &Central) -> (Desk, Desk) {
    let one = Desk::of(central, "丁思源", COUNTY, Role::Inspector).await;
    let other = Desk::of(central, "范雨晴", COUNTY, Role::Inspector).await;
    one.call("sync_now", json!({})).await;
    one.until("package_recipients", json!({}), |known| {
        !known["devices"].as_array().unwrap().is_empty()
    })
    .await;
    (one, other)
}

/// The device that a colleague works on, as it stands in the list of recipients.
async fn device_of(desk: &Desk, person: &str) -> Value {
    let known = desk.call("package_recipients", json!({})).await;
    let devices = known["devices"].as_array().unwrap();
    let found = devices.iter().find(|device| device["person"] == person);
    found.unwrap()["device"].clone()
}

fn made(to: &Value, records: &Value, path: &Path) -> Value {
    json!({ "to": to, "records": records, "path": path })
}

async fn look(desk: &Desk, path: &Path) -> Value {
    let source = json!({ "from": "path", "path": path });
    desk.call("package_look", json!({ "source": source })).await
}

async fn take(desk: &Desk, path: &Path) -> Value {
    let token = look(desk, path).await["token"].clone();
    desk.call("package_take", json!({ "token": token })).await
}

async fn refused(desk: &Desk, call: &str, path: &Path, code: ErrorCode) -> Value {
    let source = json!({ "from": "path", "path": path });
    let error = desk.refused(call, json!({ "source": source })).await;
    is(&error, code);
    error.params
}

async fn inspections(desk: &Desk) -> Value {
    desk.call("inspections_list", list()).await["total"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_puts_into_a_package_the_other_sees_before_taking_and_has_after() {
    let mut central = Central::start().await;
    let (one, other) = colleagues(&central).await;
    central.stop().await;
    let record = one.inspection("市考试中心").await;
    one.complete(&record).await;
    let to = device_of(&one, "范雨晴").await;
    let stick = tempfile::tempdir().unwrap();
    let path = stick.path().join("给范雨晴.shicha");
    let plan = one
        .call("package_plan", made(&to, &Value::Null, &path))
        .await;
    assert_eq!(plan["evidence"], 1);
    let package = one
        .call("package_make", made(&to, &Value::Null, &path))
        .await;
    assert_eq!(package["package"]["entries"], plan["entries"]);
    assert_eq!(package["package"]["is_answered"], Value::Null);

    let looked = look(&other, &path).await;
    assert_eq!(looked["package"]["from"]["name"], "丁思源");
    assert_eq!(
        (
            &looked["package"]["entries"],
            &looked["package"]["evidence"]
        ),
        (&plan["entries"], &json!(1))
    );
    assert_eq!(looked["taken_at_ms"], Value::Null);
    assert_eq!(inspections(&other).await, 0, "looking takes nothing");
    let taken = take(&other, &path).await;
    assert_eq!(
        (&taken["entries"], &taken["evidence"]),
        (&plan["entries"], &json!(1))
    );
    let theirs = other.view(&record).await;
    assert_eq!(theirs["digest"], one.view(&record).await["digest"]);
    assert_eq!(theirs["evidence"][0]["is_here"], true);

    assert_ne!(look(&other, &path).await["taken_at_ms"], Value::Null);
    let again = take(&other, &path).await;
    assert_eq!(
        (&again["entries"], &again["evidence"]),
        (&json!(0), &json!(0)),
        "twice changes nothing"
    );
    assert_eq!(other.view(&record).await, theirs);
    let rows = other.call("packages_list", json!({})).await["rows"].clone();
    assert_eq!(rows.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_is_cut_off_altered_or_not_meant_for_this_computer_is_refused_with_the_reason()
 {
    let mut central = Central::start().await;
    let (one, other) = colleagues(&central).await;
    central.stop().await;
    one.inspection("市考试中心").await;
    let to = device_of(&one, "范雨晴").await;
    let stick = tempfile::tempdir().unwrap();
    let path = stick.path().join("a.shicha");
    one.call("package_make", made(&to, &Value::Null, &path))
        .await;
    let whole = fs::read(&path).unwrap();
    let bad = stick.path().join("bad.shicha");
    for cut in [10, 40, 300, whole.len() / 2, whole.len() - 1] {
        fs::write(&bad, &whole[..cut]).unwrap();
        refused(&other, "package_look", &bad, ErrorCode::DamagedPackage).await;
    }
    let mut altered = whole.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    fs::write(&bad, altered).unwrap();
    refused(&other, "package_look", &bad, ErrorCode::DamagedPackage).await;
    fs::write(&bad, "a list of groceries").unwrap();
    let said = refused(&other, "package_look", &bad, ErrorCode::NotAPackage).await;
    assert_eq!(said["name"], "bad.shicha");
    let said = refused(&one, "package_look", &path, ErrorCode::PackageForAnother).await;
    assert_eq!(said["who"], "范雨晴");
    let said = refused(&one, "package_outside", &path, ErrorCode::PackageForAnother).await;
    assert_eq!(said["is_endpoint"], false);
    assert_eq!(inspections(&other).await, 0);
    assert_eq!(
        other.call("packages_list", json!({})).await["rows"],
        json!([])
    );
    // What cannot be written leaves nothing behind that looks like a package.
    let nowhere = stick.path().join("no such folder").join("a.shicha");
    let error = one
        .refused("package_make", made(&to, &Value::Null, &nowhere))
        .await;
    is(&error, ErrorCode::BadFile);
}

#[tokio::test(flavor = "multi_thread")]
async fn chosen_inspections_bring_their_subject_and_findings_and_nothing_else() {
    let mut central = Central::start().await;
    let (one, other) = colleagues(&central).await;
    central.stop().await;
    let chosen = one.inspection("市考试中心").await;
    one.complete(&chosen).await;
    one.sign_all(&chosen).await;
    one.inspection("另一家").await;
    let to = device_of(&one, "范雨晴").await;
    let stick = tempfile::tempdir().unwrap();
    let path = stick.path().join("one.shicha");
    let package = one
        .call("package_make", made(&to, &json!([chosen]), &path))
        .await;
    assert_eq!(
        package["package"]["records"], 3,
        "the inspection, its subject, its finding"
    );
    take(&other, &path).await;
    assert_eq!(inspections(&other).await, 1);
    let theirs = other.view(&chosen).await;
    assert_eq!(theirs["stage"], "signed");
    let subject = json!({ "record": theirs["fields"]["subject"]["value"] });
    let subject = other.call("subject_get", subject).await;
    assert_eq!(subject["fields"]["name"]["value"], "市考试中心");
    assert_eq!(subject["findings"].as_array().unwrap().len(), 1);
    // The finding alone brings the inspection that it is about.
    let finding = subject["findings"][0]["record"].clone();
    let plan = one
        .call("package_plan", made(&to, &json!([finding]), &path))
        .await;
    assert_eq!(plan["entries"], package["package"]["entries"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_to_the_endpoint_awaits_receipts_until_the_answer_is_taken() {
    let mut central = Central::start().await;
    let one = Desk::of(&central, "丁思源", COUNTY, Role::Inspector).await;
    central.stop().await;
    let record = one.inspection("市考试中心").await;
    one.complete(&record).await;
    let stick = tempfile::tempdir().unwrap();
    let (there, back) = (
        stick.path().join("there.shicha"),
        stick.path().join("back.shicha"),
    );
    let package = one
        .call("package_make", made(&Value::Null, &Value::Null, &there))
        .await;
    assert_eq!(package["package"]["is_answered"], false);
    central.take_package(&there, &back);
    let looked = look(&one, &back).await;
    assert_eq!(looked["package"]["from"]["is_endpoint"], true);
    assert_ne!(looked["package"]["receipts"], 0);
    let taken = take(&one, &back).await;
    assert_eq!(
        (&taken["delivered"], &taken["sent"], &taken["refused"]),
        (&package["package"]["entries"], &json!(1), &json!(0))
    );
    assert_eq!(one.view(&record).await["delivery"]["place"], "delivered");
    let rows = one.call("packages_list", json!({})).await["rows"].clone();
    let answered: Vec<&Value> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["is_answered"])
        .collect();
    assert_eq!(answered, [&Value::Null, &json!(true)]);
    assert_eq!(take(&one, &back).await["delivered"], 0);
    let status = one.call("sync_status", json!({})).await;
    assert_eq!(
        (&status["waiting_entries"], &status["waiting_blobs"]),
        (&json!(0), &json!(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_with_a_network_hands_a_package_in_and_brings_the_answer_back() {
    let mut central = Central::start().await;
    let (one, carrier) = colleagues(&central).await;
    central.stop().await;
    let record = one.inspection("市考试中心").await;
    one.complete(&record).await;
    let stick = tempfile::tempdir().unwrap();
    let (there, back) = (
        stick.path().join("there.shicha"),
        stick.path().join("back.shicha"),
    );
    one.call("package_make", made(&Value::Null, &Value::Null, &there))
        .await;
    one.app.shutdown().await;

    let source = json!({ "source": { "from": "path", "path": there } });
    let outside = carrier.call("package_outside", source.clone()).await;
    assert_eq!(outside["from"]["name"], "丁思源");
    assert_eq!(outside["is_newcomer"], false);
    let token = json!({ "token": outside["token"] });
    is(
        &carrier.refused("package_hand_in", token.clone()).await,
        ErrorCode::Unreachable,
    );
    central.run().await;
    let mut events = carrier.app.events();
    let answer = carrier.call("package_hand_in", token.clone()).await;
    assert_eq!(answer["to"]["name"], "丁思源");
    let told = std::iter::from_fn(|| events.try_recv().ok());
    assert!(
        told.map(|event| serde_json::to_value(event).unwrap())
            .any(|event| event["task"] == "package_hand_in" && event["done"] != 0)
    );
    let save = json!({ "token": answer["token"], "path": back });
    carrier.call("package_answer_save", save).await;
    assert_eq!(fs::metadata(&back).unwrap().len(), answer["bytes"]);
    for sealed in [&there, &back] {
        let code = ErrorCode::PackageForAnother;
        refused(&carrier, "package_look", sealed, code).await;
    }
    // Again, for whoever has lost the stick; this time into a browser.
    let answer = carrier.call("package_hand_in", token).await;
    let save = json!({ "token": answer["token"], "path": null });
    let file = carrier.call("package_answer_save", save).await["file"].clone();
    let bytes = carrier.app.file(file["token"].as_str().unwrap()).unwrap();
    assert_eq!(bytes.total, answer["bytes"]);

    let home = start(one.dir.path(), &one.clock).unwrap();
    let one = Desk { app: home, ..one };
    central.stop().await;
    one.call("key_unlock", json!({ "passphrase": PASSPHRASE }))
        .await;
    let taken = take(&one, &back).await;
    assert_ne!(taken["delivered"], 0);
    assert_eq!(one.view(&record).await["delivery"]["place"], "delivered");

    // What the endpoint does not take, it says why.
    central.run().await;
    let mut altered = fs::read(&there).unwrap();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    fs::write(&there, altered).unwrap();
    let outside = carrier.call("package_outside", source).await;
    let error = carrier
        .refused("package_hand_in", json!({ "token": outside["token"] }))
        .await;
    is(&error, ErrorCode::PackageRefused);
    assert_eq!(error.params["reason"], "damaged");
    // Nothing stays of answers when the application closes.
    carrier.app.shutdown().await;
    assert!(!carrier.dir.path().join("answers").exists());
}
