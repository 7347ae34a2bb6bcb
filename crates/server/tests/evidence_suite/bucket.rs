//! What a bucket promises beyond the rest: to stay small in the number of its objects, and to lose nothing when the store fails.

use std::{sync::Barrier, thread};

use shicha_server::evidence::{EvidenceError, Held};

use crate::{
    A, all_of, hash, noise,
    s3::{Mood, S3},
    send,
};

#[test]
fn a_photo_of_the_usual_size_costs_three_requests() {
    let s3 = S3::start();
    let evidence = s3.location().open().unwrap();
    let photo = noise(300_000);
    let before = s3.requests();
    let whole = evidence.append(hash(&photo), A, 0, 300_000, photo.clone());
    assert_eq!(whole.unwrap(), Held::Whole(300_000), "in one write");
    assert_eq!(
        s3.requests() - before,
        3,
        "is it there, the bytes, what is left of others"
    );
    assert_eq!(all_of(&*evidence, hash(&photo)).unwrap(), photo);
}

#[test]
fn a_file_that_comes_in_crumbs_is_put_together_on_the_way() {
    let s3 = S3::start();
    let evidence = s3.location().open().unwrap();
    let bytes = noise(15_000);
    let (name, total) = (hash(&bytes), bytes.len() as u64);
    let crumbs: Vec<&[u8]> = bytes.chunks(100).collect();
    let (early, late) = crumbs.split_at(110);
    let mut at = 0;
    for crumb in early {
        at = match evidence.append(name, A, at, total, crumb.to_vec()).unwrap() {
            Held::Part(end) => end,
            Held::Whole(_) => panic!("not all has come"),
        };
        assert_eq!(
            at as usize % 100,
            0,
            "what is there only grows, also while it is put together"
        );
    }
    assert_eq!(evidence.held(name, A).unwrap(), Held::Part(11_000));
    assert_eq!(s3.objects(), 11, "a hundred as one, and those since");
    for crumb in late {
        if let Held::Part(end) = evidence.append(name, A, at, total, crumb.to_vec()).unwrap() {
            at = end;
        }
    }
    assert_eq!(evidence.finish(name, A).unwrap(), total);
    assert_eq!(all_of(&*evidence, name).unwrap(), bytes);
    assert_eq!(s3.objects(), 1, "the whole, and nothing of the way to it");
}

#[test]
fn a_bucket_that_fails_is_told_apart_and_loses_nothing() {
    let s3 = S3::start();
    let evidence = s3.location().open().unwrap();
    let bytes = noise(90_000);
    let name = hash(&bytes);
    let add = |at: usize, end: usize| {
        evidence.append(name, A, at as u64, 90_000, bytes[at..end].to_vec())
    };
    add(0, 30_000).unwrap();
    let kept = evidence.put(&noise(1_000)).unwrap();

    s3.be(Mood::Full);
    assert!(matches!(add(30_000, 60_000), Err(EvidenceError::NoSpace)));
    assert_eq!(evidence.hash_again(kept).unwrap(), Some(kept));
    for mood in [Mood::Away, Mood::Forbids] {
        s3.be(mood);
        let failed = [
            add(30_000, 60_000).map(|_| ()),
            evidence.held(name, A).map(|_| ()),
            evidence.read(kept, 0, 10).map(|_| ()),
            evidence.finish(name, A).map(|_| ()),
            evidence.sweep(u64::MAX).map(|_| ()),
            evidence.check(),
        ];
        for one in failed {
            assert!(
                matches!(one, Err(EvidenceError::Unavailable(_))),
                "{mood:?}: {one:?}"
            );
        }
    }
    // It did what it was asked, and nobody heard so.
    s3.be(Mood::HangsUp);
    assert!(matches!(
        add(30_000, 60_000),
        Err(EvidenceError::Unavailable(_))
    ));

    s3.be(Mood::Good);
    evidence.check().unwrap();
    assert_eq!(evidence.held(name, A).unwrap(), Held::Part(30_000));
    s3.be(Mood::Good);
    assert_eq!(send(&*evidence, name, &bytes, 30_000).unwrap(), 90_000);
    assert_eq!(all_of(&*evidence, name).unwrap(), bytes);
}

#[test]
fn a_bucket_that_does_not_exist_is_not_taken_for_an_empty_one() {
    let s3 = S3::start();
    let shicha_server::evidence::Location::Bucket(mut address) = s3.location() else {
        panic!("it is a bucket");
    };
    "elsewhere".clone_into(&mut address.bucket);
    let evidence = shicha_server::evidence::Location::Bucket(address)
        .open()
        .unwrap();
    assert!(evidence.check().is_err());
    assert!(evidence.held(hash(b"a"), A).is_err());
}

#[test]
fn several_processes_that_make_the_same_file_whole_at_once_all_succeed() {
    let s3 = S3::start();
    let bytes = noise(9 * 1024 * 1024);
    let (name, total) = (hash(&bytes), bytes.len() as u64);
    let first = s3.location().open().unwrap();
    let mut at = 0;
    for part in bytes.chunks(1 << 20) {
        first.append(name, A, at, total, part.to_vec()).unwrap();
        at += part.len() as u64;
    }
    let together = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let evidence = s3.location().open().unwrap();
                together.wait();
                assert_eq!(evidence.finish(name, A).unwrap(), total);
            });
        }
    });
    assert_eq!(first.hash_again(name).unwrap(), Some(name));
}
