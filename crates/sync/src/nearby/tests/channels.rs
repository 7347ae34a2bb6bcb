//! The channel itself: what may be in a frame, and what ends it.

use std::sync::atomic::AtomicBool;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf, duplex, split},
    net::TcpStream,
};

use super::{
    super::{
        Reason,
        channel::{self, Channel, Kind, Message},
    },
    kit::{Endpoint, Laptop},
};

type End = Channel<ReadHalf<DuplexStream>, WriteHalf<DuplexStream>>;

static AGREED: AtomicBool = AtomicBool::new(true);

async fn pair() -> (End, End) {
    let (one, other) = duplex(1 << 20);
    let ((a, b), (c, d)) = (split(one), split(other));
    let (one, other) = tokio::join!(channel::open(a, b, true), channel::open(c, d, false));
    (one.unwrap(), other.unwrap())
}

fn message(kind: Kind, length: usize) -> Message {
    Message {
        kind,
        bytes: (0..length).map(|n| n as u8).collect(),
    }
}

#[tokio::test]
async fn messages_of_every_length_arrive_as_they_were_sent() {
    let (mut one, mut other) = pair().await;
    assert_eq!(one.hash, other.hash);
    for length in [0, 1, 65_513, 65_514, 65_515, 200_000, 900_000] {
        let sent = message(Kind::Entries, length);
        let (said, heard) = tokio::join!(one.writer.send(&sent), other.reader.next(&AGREED));
        said.unwrap();
        assert_eq!(heard.unwrap(), sent, "{length}");
    }
}

#[tokio::test]
async fn nobody_can_read_along_and_every_channel_is_another() {
    let (one, other) = (pair().await, pair().await);
    assert_ne!(one.0.hash, other.0.hash);
    let (theirs, mine) = duplex(1 << 20);
    let ((a, b), (mut c, mut d)) = (split(theirs), split(mine));
    let opening = tokio::spawn(channel::open(a, b, true));
    let (mut greeting, mut key) = ([0; 16], [0; 34]);
    c.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"shicha-nearby\0\0\x01", "only what it is");
    d.write_all(&greeting).await.unwrap();
    c.read_exact(&mut key).await.unwrap();
    assert_eq!(key[..2], [0, 32], "and a key made for this once");
    d.write_all(&[0, 5, 1, 2, 3, 4, 5]).await.unwrap();
    assert_eq!(
        opening.await.unwrap().err().unwrap().reason,
        Reason::Garbage
    );
}

#[tokio::test]
async fn a_message_longer_than_its_kind_allows_is_refused_before_it_is_read() {
    for (kind, length) in [
        (1_u8, (1 << 20) + 1),
        (2, (16 << 20) + 1),
        (3, (1 << 20) + 65),
        (2, u32::MAX),
        (9, 1),
    ] {
        let (mut one, mut other) = pair().await;
        let mut head = vec![kind];
        head.extend_from_slice(&length.to_be_bytes());
        one.writer.raw_frame(&head).await.unwrap();
        assert_eq!(
            other.reader.next(&AGREED).await.unwrap_err().reason,
            Reason::Garbage,
            "{kind} {length}"
        );
    }
}

#[tokio::test]
async fn until_both_have_agreed_only_short_words_are_read() {
    for (kind, length, is_read) in [
        (Kind::Word, 16 << 10, true),
        (Kind::Word, (16 << 10) + 1, false),
        (Kind::Entries, 1, false),
        (Kind::Part, 1, false),
    ] {
        let (mut one, mut other) = pair().await;
        one.writer.send(&message(kind, length)).await.unwrap();
        assert_eq!(
            other.reader.next(&AtomicBool::new(false)).await.is_ok(),
            is_read,
            "{kind:?} {length}"
        );
    }
}

#[tokio::test]
async fn a_frame_that_was_altered_or_repeated_ends_the_channel() {
    for alter in [true, false] {
        let (theirs, middle_in) = duplex(1 << 20);
        let (mine, middle_out) = duplex(1 << 20);
        let ((a, b), (c, d)) = (split(theirs), split(mine));
        let (mut from_one, mut to_one) = split(middle_in);
        let (mut from_other, mut to_other) = split(middle_out);
        let backwards =
            tokio::spawn(async move { tokio::io::copy(&mut from_other, &mut to_one).await });
        let relay = tokio::spawn(async move {
            // The greeting and the one handshake message of the asking side.
            let mut start = vec![0; 16 + 2 + 32];
            from_one.read_exact(&mut start).await.unwrap();
            to_other.write_all(&start).await.unwrap();
            let length = from_one.read_u16().await.unwrap();
            let mut frame = vec![0; usize::from(length)];
            from_one.read_exact(&mut frame).await.unwrap();
            if alter {
                frame[3] ^= 1;
            }
            for _ in 0..2 {
                to_other.write_u16(length).await.unwrap();
                to_other.write_all(&frame).await.unwrap();
            }
            to_other
        });
        let (one, other) = tokio::join!(channel::open(a, b, true), channel::open(c, d, false));
        let (mut one, mut other) = (one.unwrap(), other.unwrap());
        one.writer.send(&message(Kind::Word, 10)).await.unwrap();
        let _open = relay.await.unwrap();
        let first = other.reader.next(&AGREED).await;
        assert_eq!(first.is_err(), alter);
        if !alter {
            assert_eq!(
                other.reader.next(&AGREED).await.unwrap_err().reason,
                Reason::Garbage,
                "a repeated frame"
            );
        }
        backwards.abort();
    }
}

#[tokio::test]
async fn garbage_on_the_port_bothers_nobody() {
    let mut endpoint = Endpoint::new(1);
    let me = endpoint.device("甲");
    let laptop = Laptop::of(&endpoint, &me).await;
    for garbage in [
        &b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..],
        b"shicha-nearby\0\0\x01\0\x20aaaaaaaa",
        b"shicha-nearby\0\0\x01\xff\xff",
        b"shicha-nearby\0\0\x02",
    ] {
        let mut stream = TcpStream::connect(laptop.address()).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // It hangs up; whether it does so with a reset is the system's business.
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.starts_with(b"shicha-nearby\0"));
        assert!(
            answer.len() <= 16 + 2 + 48,
            "nothing but the handshake was said: {}",
            answer.len()
        );
    }
    assert_eq!(laptop.state.borrow().session, None);
}

#[tokio::test]
async fn another_version_is_told_which_side_is_to_be_updated() {
    for (version, reason) in [(0_u16, Reason::UpdateThere), (2, Reason::UpdateHere)] {
        let (mine, theirs) = duplex(1 << 10);
        let ((a, b), (_c, mut d)) = (split(mine), split(theirs));
        d.write_all(b"shicha-nearby\0").await.unwrap();
        d.write_all(&version.to_be_bytes()).await.unwrap();
        assert_eq!(
            channel::open(a, b, true).await.err().unwrap().reason,
            reason
        );
    }
}
