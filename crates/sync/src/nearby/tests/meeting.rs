//! Meeting: digits, agreement, refusals, and endings.

use super::{
    super::{Reason, Stage},
    kit::{Endpoint, Laptop},
};

async fn two() -> (Laptop, Laptop) {
    let mut endpoint = Endpoint::new(1);
    let (one, other) = (endpoint.device("甲"), endpoint.device("乙"));
    (
        Laptop::of(&endpoint, &one).await,
        Laptop::of(&endpoint, &other).await,
    )
}

#[tokio::test]
async fn both_screens_show_the_same_six_digits_and_the_other_persons_name() {
    let (mut one, mut other) = two().await;
    one.ask(other.address()).await;
    let digits = one.digits().await;
    assert_eq!(digits, other.digits().await);
    assert!(
        digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()),
        "{digits}"
    );
    let seen = other.until(|session| session.met.is_some()).await;
    let peer = seen.met.unwrap().peer;
    assert_eq!(
        (
            peer.person_name.as_str(),
            peer.label.as_str(),
            peer.is_known
        ),
        ("甲", "甲的电脑", true)
    );
    assert!(!seen.asked_here);
    one.answer(true).await;
    other.until(|session| session.agreed_there).await;
    assert_eq!(
        other.state.borrow().session.as_ref().unwrap().stage,
        Stage::Comparing,
        "one yes is not enough"
    );
    other.answer(true).await;
    one.done().await;
    other.done().await;
}

#[tokio::test]
async fn digits_are_new_every_time() {
    let (mut one, mut other) = two().await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        one.ask(other.address()).await;
        seen.push(one.digits().await);
        one.nearby.cancel().await;
        one.ended().await;
        other.ended().await;
        one.nearby.put_away().await;
        other.nearby.put_away().await;
        other
            .state
            .wait_for(|state| state.session.is_none())
            .await
            .unwrap();
    }
    seen.dedup();
    assert_eq!(seen.len(), 3, "three times the same would be one in 10¹²");
}

#[tokio::test]
async fn a_no_on_either_side_ends_it_on_both() {
    for asks in [true, false] {
        let (mut one, mut other) = two().await;
        one.ask(other.address()).await;
        assert_eq!(one.digits().await, other.digits().await);
        let (here, there) = if asks {
            (&mut one, &mut other)
        } else {
            (&mut other, &mut one)
        };
        there.answer(true).await;
        here.answer(false).await;
        for (laptop, is_there) in [(here, false), (there, true)] {
            let fault = laptop.ended().await.fault.unwrap();
            assert_eq!((fault.reason, fault.is_there), (Reason::Differs, is_there));
        }
    }
}

#[tokio::test]
async fn whoever_cancels_is_named_on_the_other_screen() {
    let (mut one, mut other) = two().await;
    one.ask(other.address()).await;
    other.digits().await;
    other.nearby.cancel().await;
    let (here, there) = (
        other.ended().await.fault.unwrap(),
        one.ended().await.fault.unwrap(),
    );
    assert_eq!((here.reason, here.is_there), (Reason::Cancelled, false));
    assert_eq!((there.reason, there.is_there), (Reason::Cancelled, true));
}

#[tokio::test]
async fn a_laptop_of_another_endpoint_is_refused_before_anybody_sees_digits() {
    let mut endpoint = Endpoint::new(1);
    let mut elsewhere = Endpoint::new(2);
    let (a, b) = (elsewhere.device("外人"), endpoint.device("乙"));
    let mut one = Laptop::of(&elsewhere, &a).await;
    let other = Laptop::of(&endpoint, &b).await;
    one.ask(other.address()).await;
    let session = one.ended().await;
    assert_eq!(session.met, None);
    let fault = session.fault.unwrap();
    assert_eq!(
        (fault.reason, fault.is_there),
        (Reason::OtherEndpoint, true)
    );
    assert_eq!(
        other.state.borrow().session,
        None,
        "the asked person is not bothered"
    );
}

#[tokio::test]
async fn a_revoked_laptop_and_one_with_a_key_that_is_not_its_own_are_refused() {
    let mut endpoint = Endpoint::new(1);
    let (lost, mut false_one, mine) = (
        endpoint.device("丢失"),
        endpoint.device("冒名"),
        endpoint.device("乙"),
    );
    endpoint.directory.devices[0].revoked_at_ms = Some(1);
    false_one.signing_key = shicha_domain::suite::SigningKey::from_bytes(&[9; 32]);
    let other = Laptop::of(&endpoint, &mine).await;
    for (who, reason) in [
        (&lost, Reason::Revoked),
        (&false_one, Reason::WrongKey),
        (&mine, Reason::Itself),
    ] {
        let mut one = Laptop::of(&endpoint, who).await;
        one.ask(other.address()).await;
        let fault = one.ended().await.fault.unwrap();
        assert_eq!((fault.reason, fault.is_there), (reason, true));
    }
    assert_eq!(other.state.borrow().session, None);
}

#[tokio::test]
async fn a_laptop_that_the_directory_does_not_have_yet_is_shown_as_unknown() {
    let mut endpoint = Endpoint::new(1);
    let stranger = endpoint.stranger("新同事");
    let mine = endpoint.device("乙");
    let mut one = Laptop::of(&endpoint, &stranger).await;
    let mut other = Laptop::of(&endpoint, &mine).await;
    one.ask(other.address()).await;
    assert_eq!(one.digits().await, other.digits().await);
    let met = other
        .until(|session| session.met.is_some())
        .await
        .met
        .unwrap();
    assert!(!met.peer.is_known);
    assert_eq!(met.peer.person_name, "新同事");
}

#[tokio::test]
async fn only_one_session_at_a_time() {
    let mut endpoint = Endpoint::new(1);
    let people = [
        endpoint.device("甲"),
        endpoint.device("乙"),
        endpoint.device("丙"),
    ];
    let mut one = Laptop::of(&endpoint, &people[0]).await;
    let mut other = Laptop::of(&endpoint, &people[1]).await;
    let mut third = Laptop::of(&endpoint, &people[2]).await;
    one.ask(other.address()).await;
    let digits = other.digits().await;
    third.ask(other.address()).await;
    let fault = third.ended().await.fault.unwrap();
    assert_eq!((fault.reason, fault.is_there), (Reason::Busy, true));
    assert_eq!(
        other.digits().await,
        digits,
        "the session that goes on is not touched"
    );
    one.answer(true).await;
    other.answer(true).await;
    one.done().await;
    other.done().await;
}

#[tokio::test]
async fn nobody_there_is_said_and_a_laptop_that_closes_the_page_is_gone() {
    let (mut one, other) = two().await;
    let address = other.address();
    other.nearby.stop().await;
    one.ask(address).await;
    assert_eq!(one.ended().await.fault.unwrap().reason, Reason::Unreachable);
}

#[tokio::test]
async fn closing_the_page_ends_the_session_on_both_sides() {
    let (mut one, mut other) = two().await;
    one.ask(other.address()).await;
    one.digits().await;
    other.digits().await;
    one.nearby.stop().await;
    let fault = other.ended().await.fault.unwrap();
    assert_eq!((fault.reason, fault.is_there), (Reason::Cancelled, true));
}

#[tokio::test]
async fn whoever_tries_again_and_again_is_not_answered_any_more() {
    let mut endpoint = Endpoint::new(1);
    let (a, b) = (endpoint.device("甲"), endpoint.device("乙"));
    let mut one = Laptop::of(&endpoint, &a).await;
    let mut other = Laptop::with(&endpoint, &b, |config| config.attempts = 2).await;
    for tries in 0..3 {
        one.ask(other.address()).await;
        if tries < 2 {
            other.digits().await;
            one.nearby.cancel().await;
            other.ended().await;
            other.nearby.put_away().await;
            other
                .state
                .wait_for(|state| state.session.is_none())
                .await
                .unwrap();
        }
        let fault = one.ended().await.fault.unwrap();
        assert_eq!(fault.reason == Reason::Cancelled, tries < 2, "{fault}");
        one.nearby.put_away().await;
        one.state
            .wait_for(|state| state.session.is_none())
            .await
            .unwrap();
    }
    assert_eq!(other.state.borrow().session, None);
}
