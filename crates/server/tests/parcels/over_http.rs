//! Somebody who has a network hands a package in for somebody who has none.

use std::fs;

use reqwest::{Method, StatusCode};
use shicha_domain::directory::Role;
use shicha_sync::package::PACKAGE_TYPE;

use crate::{
    common::{Server, problem},
    kit::{COUNTY, Laptop, noise},
    stick::*,
};

#[tokio::test(flavor = "multi_thread")]
async fn any_device_hands_a_package_in_and_gets_the_answer_that_it_cannot_read() {
    let server = Server::start().await;
    let carrier = server.device("送件人", COUNTY, Role::Inspector).await;
    let one = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let subject = one.subject("某机构");
    one.attach(subject, &noise(300_000));
    let stick = Stick::new();
    let (there, back) = (stick.path("there.shicha"), stick.path("back.shicha"));
    give(&one, endpoint(&server), &there);
    let hand_in = async |bytes: Vec<u8>| {
        carrier
            .request(Method::POST, "/v1/packages")
            .header("content-type", PACKAGE_TYPE)
            .body(bytes)
            .send()
            .await
            .unwrap()
    };
    for delivered in [2, 0] {
        let response = hand_in(fs::read(&there).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], PACKAGE_TYPE);
        fs::write(&back, response.bytes().await.unwrap()).unwrap();
        assert_eq!(take(&one, &back).delivered, delivered);
    }
    assert_eq!(one.waiting(), 0);
    let left: Vec<_> = fs::read_dir(server.data())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| name.starts_with("package-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let mut altered = fs::read(&there).unwrap();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    let (status, problem) = problem(hand_in(altered).await).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(problem.extra["package"], "damaged");
}
