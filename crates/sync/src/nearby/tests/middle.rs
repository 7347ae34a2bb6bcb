//! Somebody stands between two laptops and talks to each as if they were the other.

use std::time::Duration;

use shicha_ledger::Identity;
use tokio::net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf};

use super::{
    super::{
        Compared, Reason,
        channel::{self, Channel},
        greeting::{self, Hello, Side},
        line::{Line, Word},
    },
    kit::{Endpoint, Laptop},
};

struct Ends {
    with_asking: (Line, [u8; 32]),
    with_answering: (Line, [u8; 32]),
}

fn line(channel: Channel<OwnedReadHalf, OwnedWriteHalf>) -> (Line, [u8; 32]) {
    let hash = channel.hash;
    (Line::new(channel), hash)
}

/// Catches a session that `one` opens towards `other`.
async fn between(one: &Laptop, other: &Laptop) -> Ends {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    one.ask(listener.local_addr().unwrap()).await;
    let (reader, writer) = listener.accept().await.unwrap().0.into_split();
    let with_asking = line(channel::open(reader, writer, false).await.unwrap());
    let (reader, writer) = TcpStream::connect(other.address())
        .await
        .unwrap()
        .into_split();
    let with_answering = line(channel::open(reader, writer, true).await.unwrap());
    Ends {
        with_asking,
        with_answering,
    }
}

async fn hello(line: &mut Line) -> Hello {
    match line.hear_word().await.unwrap() {
        Word::Hello(hello) => *hello,
        word => panic!("{word:?}"),
    }
}

/// The device of the one in the middle, under another's name.
fn in_the_name_of(endpoint: &Endpoint, whose: &Identity) -> Identity {
    Identity {
        person: whose.person,
        ..endpoint.stranger(&whose.person_name)
    }
}

#[tokio::test]
async fn somebody_in_between_makes_the_digits_differ() {
    let mut endpoint = Endpoint::new(1);
    let (a, b) = (endpoint.device("甲"), endpoint.device("乙"));
    let (mut one, mut other) = (
        Laptop::of(&endpoint, &a).await,
        Laptop::of(&endpoint, &b).await,
    );
    let Ends {
        with_asking: (mut asking, hash_a),
        with_answering: (mut answering, hash_b),
    } = between(&one, &other).await;
    let (false_a, false_b) = (in_the_name_of(&endpoint, &a), in_the_name_of(&endpoint, &b));
    let nonce = [7; 32];

    // Towards the answering one as the asking one; the number has to be committed to before the other's is known.
    let bound = greeting::commitment(&hash_b, &nonce);
    let mine = Hello::of(&false_a, "电脑", Side::Asks, &hash_b, bound);
    answering.say(&Word::Hello(Box::new(mine))).await.unwrap();
    let of_b = hello(&mut answering).await;
    // Towards the asking one with the very number that the other gave.
    hello(&mut asking).await;
    let mine = Hello::of(&false_b, "电脑", Side::Answers, &hash_a, of_b.binding);
    asking.say(&Word::Hello(Box::new(mine))).await.unwrap();
    let Word::Nonce { nonce: of_a } = asking.hear_word().await.unwrap() else {
        panic!()
    };

    // The asking one's number does not fit what was committed to, and would be noticed.
    answering.say(&Word::Nonce { nonce }).await.unwrap();
    let (digits_a, digits_b) = (one.digits().await, other.digits().await);
    assert_ne!(of_a, nonce);
    assert_ne!(
        digits_a, digits_b,
        "both people see that somebody stands in between (one in a million passes)"
    );
    let met = one
        .until(|session| session.met.is_some())
        .await
        .met
        .unwrap();
    assert!(
        !met.peer.is_known,
        "and the screen says that the device is not known"
    );
}

#[tokio::test]
async fn somebody_in_between_cannot_hand_on_what_a_device_signed() {
    let mut endpoint = Endpoint::new(1);
    let (a, b) = (endpoint.device("甲"), endpoint.device("乙"));
    let (mut one, other) = (
        Laptop::of(&endpoint, &a).await,
        Laptop::of(&endpoint, &b).await,
    );
    let Ends {
        with_asking: (mut asking, _),
        with_answering: (mut answering, _),
    } = between(&one, &other).await;
    let of_a = hello(&mut asking).await;
    answering.say(&Word::Hello(Box::new(of_a))).await.unwrap();
    let fault = answering.hear_word().await.unwrap_err();
    assert_eq!((fault.reason, fault.is_there), (Reason::WrongKey, true));
    asking.end(None).await;
    assert_eq!(one.ended().await.fault.unwrap().reason, Reason::Broken);
    assert_eq!(other.state.borrow().session, None);
}

#[tokio::test]
async fn a_number_that_was_not_committed_to_is_noticed() {
    let mut endpoint = Endpoint::new(1);
    let (a, b) = (endpoint.device("甲"), endpoint.device("乙"));
    let mut other = Laptop::of(&endpoint, &b).await;
    let (reader, writer) = TcpStream::connect(other.address())
        .await
        .unwrap()
        .into_split();
    let (mut line, hash) = line(channel::open(reader, writer, true).await.unwrap());
    let bound = greeting::commitment(&hash, &[7; 32]);
    let mine = Hello::of(&a, "电脑", Side::Asks, &hash, bound);
    line.say(&Word::Hello(Box::new(mine))).await.unwrap();
    hello(&mut line).await;
    line.say(&Word::Nonce { nonce: [8; 32] }).await.unwrap();
    let session = other.ended().await;
    assert_eq!(
        (session.met, session.fault.unwrap().reason),
        (None, Reason::Garbage)
    );
}

/// Asks for a session as this device, bound to a number.
async fn greets(other: &Laptop, me: &Identity, nonce: [u8; 32]) -> Line {
    let stream = TcpStream::connect(other.address()).await.unwrap();
    let (reader, writer) = stream.into_split();
    let (mut line, hash) = line(channel::open(reader, writer, true).await.unwrap());
    let bound = greeting::commitment(&hash, &nonce);
    let mine = Hello::of(me, "电脑", Side::Asks, &hash, bound);
    line.say(&Word::Hello(Box::new(mine))).await.unwrap();
    line
}

#[tokio::test]
async fn a_stranger_who_breaks_off_with_the_others_number_in_hand_has_had_the_one_try() {
    for shows in [None, Some([8; 32])] {
        let mut endpoint = Endpoint::new(1);
        let (a, b) = (endpoint.device("甲"), endpoint.device("乙"));
        let mut other = Laptop::of(&endpoint, &b).await;
        let mut line = greets(&other, &endpoint.stranger("甲"), [7; 32]).await;
        hello(&mut line).await;
        // What the digits would be is known now, and nobody has seen any.
        if let Some(nonce) = shows {
            line.say(&Word::Nonce { nonce }).await.unwrap();
        }
        line.end(None).await;
        assert_eq!(other.ended().await.met, None);

        for name in ["甲", "丙"] {
            let mut again = greets(&other, &endpoint.stranger(name), [9; 32]).await;
            let fault = again.hear_word().await.unwrap_err();
            assert_eq!((fault.reason, fault.is_there), (Reason::TooMany, true));
        }
        // As whom the directory has nobody can pass off.
        let mut colleague = greets(&other, &a, [9; 32]).await;
        hello(&mut colleague).await;
    }
}

#[tokio::test]
async fn a_yes_counts_only_for_the_session_and_the_digits_that_were_shown() {
    let mut endpoint = Endpoint::new(1);
    let (a, b) = (endpoint.device("甲"), endpoint.device("乙"));
    let mut other = Laptop::with(&endpoint, &b, |config| config.pause = Duration::ZERO).await;
    let nonce = [7; 32];
    let mut line = greets(&other, &a, nonce).await;
    hello(&mut line).await;
    line.say(&Word::Nonce { nonce }).await.unwrap();
    let first = other.digits().await;
    let first_id = other.state.borrow().session.as_ref().unwrap().id;
    line.end(None).await;
    other.ended().await;

    // Somebody else's session takes its place while the person's hand is on its way.
    let mut line = greets(&other, &endpoint.stranger("丙"), nonce).await;
    hello(&mut line).await;
    line.say(&Word::Nonce { nonce }).await.unwrap();
    let session = other
        .until(|session| session.id != first_id && session.met.is_some())
        .await;
    let second = session.met.unwrap().digits;
    assert_ne!(first, second);
    for (session, digits) in [
        (first_id, &first),
        (session.id, &first),
        (first_id, &second),
    ] {
        let said = Compared {
            session,
            digits: digits.clone(),
            is_same: true,
        };
        other.nearby.answer(said).await;
    }
    other.nearby.cancel().await;
    let fault = line.hear_word().await.unwrap_err();
    assert_eq!(
        (fault.reason, fault.is_there),
        (Reason::Cancelled, true),
        "nothing was agreed to before"
    );
    assert!(!other.ended().await.agreed_here);
}

#[tokio::test]
async fn digits_that_are_gone_are_seen_to_be_gone_before_others_take_their_place() {
    let mut endpoint = Endpoint::new(1);
    let (a, b) = (endpoint.device("甲"), endpoint.device("乙"));
    let mut other = Laptop::with(&endpoint, &b, |config| {
        config.pause = Duration::from_secs(3_600);
    })
    .await;
    let nonce = [7; 32];
    let mut line = greets(&other, &a, nonce).await;
    hello(&mut line).await;
    line.say(&Word::Nonce { nonce }).await.unwrap();
    other.digits().await;
    line.end(None).await;
    other.ended().await;
    let mut early = greets(&other, &a, nonce).await;
    let fault = early.hear_word().await.unwrap_err();
    assert_eq!((fault.reason, fault.is_there), (Reason::Busy, true));
    // The person has seen it.
    other.nearby.put_away().await;
    other
        .state
        .wait_for(|state| state.session.is_none())
        .await
        .unwrap();
    let mut after = greets(&other, &a, nonce).await;
    hello(&mut after).await;
}

#[tokio::test]
async fn entries_before_both_have_agreed_are_refused() {
    let mut endpoint = Endpoint::new(1);
    let (a, b) = (endpoint.device("甲"), endpoint.device("乙"));
    for early in [
        Word::NoMoreEntries,
        Word::Done,
        Word::Wanted { files: Vec::new() },
    ] {
        let mut other = Laptop::of(&endpoint, &b).await;
        let (reader, writer) = TcpStream::connect(other.address())
            .await
            .unwrap()
            .into_split();
        let (mut line, hash) = line(channel::open(reader, writer, true).await.unwrap());
        let nonce = [7; 32];
        let bound = greeting::commitment(&hash, &nonce);
        line.say(&Word::Hello(Box::new(Hello::of(
            &a,
            "电脑",
            Side::Asks,
            &hash,
            bound,
        ))))
        .await
        .unwrap();
        hello(&mut line).await;
        line.say(&Word::Nonce { nonce }).await.unwrap();
        other.digits().await;
        line.say(&early).await.unwrap();
        assert_eq!(
            other.ended().await.fault.unwrap().reason,
            Reason::Garbage,
            "{early:?}"
        );
    }
}
