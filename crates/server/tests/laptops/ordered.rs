//! What a revoked laptop is ordered to do, and by whom it lets itself be ordered.

use std::sync::Arc;

use shicha_domain::directory::Role;
use shicha_ledger::{Fate, Standing};
use shicha_server::store::administration::{By, Deed, Note, Noting};
use shicha_sync::{
    client::{Command, HttpTransport, SyncErrorCode, Worker, tell_obeyed_with},
    protocol::{
        Problem, ProblemCode,
        order::{ORDER, OrderAct},
    },
};

use crate::{
    common::{Server, wall_ms},
    kit::{COUNTY, Laptop, Line, engine, refusal},
};

fn revoke(server: &Server, laptop: &Laptop, order: Option<OrderAct>) {
    let device = laptop.ledger.identity().unwrap().unwrap().device;
    let note = Note {
        act: "device_revoked",
        org: None,
        target: String::new(),
        detail: serde_json::Value::Null,
    };
    let signer = server.signer();
    let noting = Noting {
        by: &By::command_line(),
        note: &note,
        now_ms: wall_ms(),
        sign: &|bytes| signer.sign(bytes),
    };
    let done = server
        .store()
        .administer(Deed::Revoke(device, order), noting);
    assert!(done.unwrap());
}

/// What a round over this line orders.
async fn ordered(laptop: &Laptop, line: Line) -> Option<Command> {
    let engine = engine(line);
    let error = engine.sync_once(&laptop.ledger, &|_| {}).await.unwrap_err();
    assert_eq!(error.code(), SyncErrorCode::Revoked);
    engine.command(&laptop.ledger, &error).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_laptop_had_its_last_word_taken_and_what_it_had_not_delivered_is_never_taken() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    laptop.subject("已送达");
    laptop.round(&server).await.unwrap();
    laptop.subject("未送达");
    let device = laptop.ledger.identity().unwrap().unwrap().device;
    revoke(&server, &laptop, Some(OrderAct::Wipe));
    let command = ordered(&laptop, Line::to(&server)).await.unwrap();
    assert_eq!(command.order.act, OrderAct::Wipe);
    assert_eq!(
        server.store().device(device).unwrap().unwrap().head.seq,
        1,
        "what was written before the revocation is not taken after it"
    );

    let word = serde_json::to_string(&command.obeyed).unwrap();
    let mut standing = Standing::new(
        Fate::Wiped,
        command.order.at_ms,
        command.server_name.clone(),
        command.server_url.clone(),
        word,
    )
    .wipe(&laptop.dir)
    .unwrap();
    let dir = laptop.dir.clone();
    let _folder = laptop.ended();
    standing.carry_out(&dir).unwrap();
    assert!(!dir.join("ledger.db").exists());
    let transport = Arc::new(HttpTransport::new(&command.server_url).unwrap());
    for _ in 0..2 {
        tell_obeyed_with(transport.clone(), &command.obeyed)
            .await
            .unwrap();
    }
    let order = server
        .store()
        .device(device)
        .unwrap()
        .unwrap()
        .order
        .unwrap();
    assert!(order.done_at_ms.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_between_can_order_a_laptop_to_wipe_itself() {
    let server = Server::start().await;
    let other_server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let neighbour = Laptop::of(&server, "乙", COUNTY, Role::Inspector).await;
    let of = |laptop: &Laptop| laptop.ledger.identity().unwrap().unwrap().device;
    let (own, others) = (of(&laptop), of(&neighbour));
    let forged = [
        other_server.signer().order(own, OrderAct::Wipe, wall_ms()),
        server.signer().order(others, OrderAct::Wipe, wall_ms()),
        {
            // A lock that somebody made heavier on the way.
            let mut order = server.signer().order(own, OrderAct::Lock, wall_ms());
            order.act = OrderAct::Wipe;
            order.lock_key.clear();
            order
        },
    ];
    for order in forged {
        let answer = move |_: &shicha_sync::client::Request| {
            let problem = Problem::new(ProblemCode::Revoked, "for a test")
                .with(ORDER, serde_json::to_value(&order).unwrap());
            let mut reply = refusal(ProblemCode::Revoked);
            reply.body = serde_json::to_vec(&problem).unwrap();
            Some(Ok(reply))
        };
        assert_eq!(ordered(&laptop, Line::instead(&server, answer)).await, None);
    }
    // Nothing happened to it, and it goes on.
    laptop.round(&server).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_revocation_orders_nothing_and_the_background_tells_of_an_order() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    revoke(&server, &laptop, None);
    assert_eq!(ordered(&laptop, Line::to(&server)).await, None);
    revoke(&server, &laptop, Some(OrderAct::Lock));
    let worker = Worker::start(engine(Line::to(&server)), laptop.ledger.clone());
    let state = worker
        .state()
        .wait_for(|state| state.command.is_some())
        .await
        .unwrap()
        .clone();
    let command = state.command.unwrap();
    assert_eq!(command.order.act, OrderAct::Lock);
    assert_eq!(command.order.lock_key.len(), 32);
    worker.stop().await;
}
