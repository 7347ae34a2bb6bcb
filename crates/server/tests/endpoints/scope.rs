//! Document numbers, the directory and the event stream: each gets what is theirs.

use futures::StreamExt as _;
use reqwest::Method;
use shicha_domain::{
    directory::{Directory, Person, Role, parts::DirectoryPart},
    number::NumberBlock,
};
use shicha_sync::protocol::{ProblemCode, messages::NumbersRequest};
use uuid::Uuid;

use crate::{
    OWN,
    common::{Device, Server, code_of, problem, record},
};

#[tokio::test]
async fn document_numbers_are_lent_to_the_bureaus_own_people_only() {
    let server = Server::start().await;
    let inspector = server.device("甲", "320703", Role::Inspector).await;
    let city = server.device("乙", "320700", Role::Supervisor).await;
    let ask = |org: &str, word: &str, year| NumbersRequest {
        request: Uuid::now_v7(),
        org: org.parse().unwrap(),
        word: word.into(),
        year,
    };
    let block: NumberBlock = inspector
        .ask("/v1/numbers", &ask("320703", "应急检记", 2022))
        .await;
    assert_eq!((block.from, block.to), (1, 50));
    // One client cannot make holes in the register: it has numbers, and nothing shows that it used them.
    for _ in 0..20 {
        let more = inspector
            .post("/v1/numbers", &ask("320703", "应急检记", 2022))
            .await;
        let (_, told) = problem(more).await;
        assert_eq!(told.code, ProblemCode::Conflict);
        assert_eq!(told.extra["reason"], "numbers_left");
    }
    let colleague = server.device("戊", "320703", Role::Inspector).await;
    let block: NumberBlock = colleague
        .ask("/v1/numbers", &ask("320703", "应急检记", 2022))
        .await;
    assert_eq!((block.from, block.to), (51, 100));
    let wrong = [
        ask("320706", "应急检记", 2022),
        ask("320703", "", 2022),
        ask("320703", "应急检记", 1),
    ];
    for request in wrong {
        assert!(
            inspector
                .post("/v1/numbers", &request)
                .await
                .status()
                .is_client_error()
        );
    }
    let foreign = city
        .post("/v1/numbers", &ask("320703", "应急检记", 2022))
        .await;
    assert_eq!(code_of(foreign).await, ProblemCode::Forbidden);
}

#[tokio::test]
async fn the_directory_shows_a_person_no_more_than_their_scope() {
    let server = Server::start().await;
    let inspector = server.device("甲", "320703", Role::Inspector).await;
    let neighbour = server.device("丙", "320706", Role::Inspector).await;
    let city = server.device("乙", "320700", Role::Supervisor).await;
    let school = server.device("丁", "TI-01", Role::Institution).await;
    let directory = async |device: &Device| {
        let response = device
            .request(Method::GET, "/v1/directory")
            .send()
            .await
            .unwrap();
        let part: DirectoryPart = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert!(part.whole.is_some() && part.after.is_none());
        let mut directory = Directory::default();
        for row in part.rows {
            directory.take(&row.kind, row.value.unwrap());
        }
        let names = |of: &[Person]| {
            of.iter()
                .map(|person| person.name.clone())
                .collect::<Vec<_>>()
        };
        (
            names(&directory.people),
            directory.orgs.len(),
            directory.devices.len(),
            part.mark,
        )
    };
    let (people, orgs, _, mark) = directory(&inspector).await;
    assert_eq!(
        (people.as_slice(), orgs),
        (&["甲".to_owned(), "乙".into(), "丁".into()][..], 3)
    );
    assert_eq!(directory(&city).await.0.len(), 4);
    assert_eq!(directory(&neighbour).await.0, ["丙", "乙"]);
    let (people, orgs, devices, _) = directory(&school).await;
    assert_eq!(
        (people.len(), orgs, devices),
        (3, 3, 1),
        "who acts for the bureaus above, not with what"
    );
    let unchanged = inspector
        .request(Method::GET, &format!("/v1/directory?since={mark}"))
        .send()
        .await
        .unwrap();
    let part: DirectoryPart = serde_json::from_slice(&unchanged.bytes().await.unwrap()).unwrap();
    assert_eq!((part.rows, part.after), (Vec::new(), Some(mark)));
}

#[tokio::test]
async fn others_are_told_within_a_moment_that_there_is_something_new() {
    let server = Server::start().await;
    let mut inspector = server.device("甲", "320703", Role::Inspector).await;
    let city = server.device("乙", "320700", Role::Supervisor).await;
    let neighbour = server.device("丙", "320706", Role::Supervisor).await;
    let listen = async |device: &Device| {
        let response = device
            .request(Method::GET, "/v1/events")
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut stream = response.bytes_stream().boxed();
        assert_eq!(
            stream.next().await.unwrap().unwrap(),
            "data: entries\n\n",
            "at once, for what came in between"
        );
        stream
    };
    let (mut city_hears, mut neighbour_hears) = (listen(&city).await, listen(&neighbour).await);
    let entries = [inspector.set(OWN, record(), "新")];
    inspector.push(&entries).await;
    assert_eq!(
        city_hears.next().await.unwrap().unwrap(),
        "data: entries\n\n"
    );
    // A change of the directory by the administrator reaches both; the neighbour hears of nothing before it.
    server.person("戊", "320706", Role::Inspector);
    assert_eq!(
        neighbour_hears.next().await.unwrap().unwrap(),
        "data: directory\n\n"
    );
    let mut server = server;
    server.stop().await;
    while let Some(Ok(_)) = city_hears.next().await {}
}
