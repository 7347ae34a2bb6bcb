//! Evidence, by offset.

use reqwest::{Method, StatusCode};
use shicha_domain::directory::Role;
use shicha_sync::protocol::ProblemCode;

use crate::{
    OWN, attached,
    common::{Server, code_of, problem, record},
};

#[tokio::test]
async fn a_photo_goes_on_from_where_the_line_broke() {
    let server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let photo: Vec<u8> = (0..3_000_000_u32).map(|n| ((n * 31) >> 3) as u8).collect();
    let (hash, event) = attached(&photo);
    let length = photo.len() as u64;
    let early = device
        .send_blob(&hash, 0, length, photo[..1_000].to_vec())
        .await;
    assert_eq!(
        code_of(early).await,
        ProblemCode::NotFound,
        "entries go first"
    );
    let entries = [device.write(OWN, record(), &event)];
    device.push(&entries).await;

    // The body breaks off in the middle of a part.
    let half: Vec<Result<Vec<u8>, std::io::Error>> = vec![
        Ok(photo[..700_000].to_vec()),
        Err(std::io::Error::other("the line broke")),
    ];
    let broken = device
        .request(Method::PATCH, &format!("/v1/blobs/{hash}"))
        .header("upload-offset", 0)
        .header("upload-length", length)
        .body(reqwest::Body::wrap_stream(futures::stream::iter(half)))
        .send()
        .await;
    assert!(broken.is_err());
    let held = loop {
        // The server notices the broken line when it gets to it.
        let state = device
            .request(Method::HEAD, &format!("/v1/blobs/{hash}"))
            .send()
            .await
            .unwrap();
        assert_eq!(state.headers()["upload-complete"], "?0");
        match state.headers()["upload-offset"]
            .to_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
        {
            0 => tokio::task::yield_now().await,
            held => break held,
        }
    };
    assert!(held <= 700_000);
    let (status, wrong) = problem(
        device
            .send_blob(&hash, 1, length, photo[1..9].to_vec())
            .await,
    )
    .await;
    assert_eq!(
        (status, wrong.code),
        (StatusCode::CONFLICT, ProblemCode::Offset)
    );
    // What came before the break may still be on its way to the disk: a sender goes on from wherever it is told to.
    let mut from = wrong.extra["offset"].as_u64().unwrap();
    let rest = loop {
        let rest = device
            .send_blob(&hash, from, length, photo[from as usize..].to_vec())
            .await;
        if rest.status() != StatusCode::CONFLICT {
            break rest;
        }
        let (_, moved) = problem(rest).await;
        assert_eq!(moved.code, ProblemCode::Offset);
        let next = moved.extra["offset"].as_u64().unwrap();
        assert!(next > from && next <= 700_000, "it only grows");
        from = next;
    };
    assert_eq!(rest.headers()["upload-complete"], "?1");

    let city = server.device("乙", "320700", Role::Supervisor).await;
    let part = city
        .request(Method::GET, &format!("/v1/blobs/{hash}"))
        .header("range", "bytes=1000-1999")
        .send()
        .await
        .unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(
        part.headers()["content-range"],
        format!("bytes 1000-1999/{length}")
    );
    assert_eq!(part.bytes().await.unwrap(), photo[1_000..2_000]);
    let whole = city
        .request(Method::GET, &format!("/v1/blobs/{hash}"))
        .send()
        .await
        .unwrap();
    assert_eq!(whole.bytes().await.unwrap(), photo);
    let neighbour = server.device("丙", "320706", Role::Supervisor).await;
    let unseen = neighbour
        .request(Method::GET, &format!("/v1/blobs/{hash}"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        code_of(unseen).await,
        ProblemCode::NotFound,
        "to others it does not exist"
    );
    let after = city
        .request(Method::GET, &format!("/v1/blobs/{hash}"))
        .header("range", format!("bytes={length}-"));
    assert_eq!(
        after.send().await.unwrap().status(),
        StatusCode::RANGE_NOT_SATISFIABLE
    );
}

#[tokio::test]
async fn evidence_that_is_not_what_its_entry_names_is_thrown_away() {
    let server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let (hash, event) = attached(b"the photo");
    let entries = [device.write(OWN, record(), &event)];
    device.push(&entries).await;
    let wrong = device.send_blob(&hash, 0, 9, b"not photo".to_vec()).await;
    assert_eq!(code_of(wrong).await, ProblemCode::HashMismatch);
    let longer = device.send_blob(&hash, 0, 5, b"the photo".to_vec()).await;
    assert_eq!(code_of(longer).await, ProblemCode::TooLarge);
    let empty = device.send_blob(&hash, 0, 0, Vec::new()).await;
    assert_eq!(code_of(empty).await, ProblemCode::TooLarge);
    let huge = device.send_blob(&hash, 0, 10 << 20, vec![0; 9 << 20]).await;
    assert_eq!(code_of(huge).await, ProblemCode::TooLarge);
    let right = device.send_blob(&hash, 0, 9, b"the photo".to_vec()).await;
    assert_eq!(right.headers()["upload-complete"], "?1");
}
