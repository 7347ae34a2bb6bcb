//! Devices' ledgers and channels.

use shicha_domain::{Channel, Event, RecordKind};
use shicha_server::store::{Appended, Candidate, Placed, PullNote, Pulled, Store};
use shicha_sync::protocol::{
    messages::{Head, NumberRun},
    wire::{Held, HeldChannels},
};

use crate::kit::*;

pub(crate) fn what_was_held_is_still_there_after_opening_again<O: Open>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    let entries = log.sets(5);
    held(stand.append(&entries));
    let Stand { dir, store, .. } = stand;
    drop(store);
    let again = O::open(dir.path());
    assert_eq!(again.device(log.device).unwrap().unwrap().head, log.head);
    let found = again.entries_of(log.device, 1, 100).unwrap();
    assert!(
        found
            .iter()
            .map(|held| &held.entry)
            .eq(entries.iter().map(|candidate| &candidate.entry))
    );
    assert_eq!(found[4].verdict, Ok(5));
    assert_eq!(again.info().unwrap().unwrap().name, "中心端");
}

pub(crate) fn numbers_are_gapless_in_each_channel_and_refused_entries_take_none<O: Open>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    let entries = [
        log.set("own/east", 1, "a"),
        log.set("own/city", 2, "b"),
        log.set("own/east", 1, "refuse me"),
        log.set("own/east", 1, "c"),
        log.set("own/city", 2, "d"),
    ];
    let holding = held(stand.judged(&entries, &|candidate, _| {
        if candidate.entry.seq == 3 {
            Err("event")
        } else {
            Ok(())
        }
    }));
    let run = |seq, number| NumberRun {
        seq,
        number,
        count: 1,
    };
    assert_eq!(
        holding.accepted,
        [run(1, 1), run(2, 1), run(4, 2), run(5, 2)]
    );
    assert_eq!(holding.refused, [(3, "event".to_owned())]);
    assert_eq!(holding.head, log.head, "a refused entry keeps its place");
    let (pulled, batch) = stand.pull(1, &[], 100);
    assert_eq!(batch.rows.len(), 4, "and is given to nobody");
    assert_eq!(pulled.channels.len(), 2);
    for row in &batch.rows {
        assert_eq!(row.id, row.entry.id());
        assert_eq!(batch.receipts[row.covered.unwrap()], holding.receipts[0]);
    }
    let next = log.set("own/east", 1, "e");
    assert_eq!(held(stand.append(&[next])).accepted, [run(6, 3)]);
    for numbers in stand.store.channels().unwrap() {
        assert_eq!(
            (numbers.last, numbers.count),
            (numbers.highest, numbers.highest),
            "{numbers:?}"
        );
    }
}

pub(crate) fn appending_again_changes_nothing_and_answers_the_same<O: Open>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    let entries = log.sets(10);
    let first = held(stand.append(&entries[..4]));
    let second = held(stand.append(&entries[4..8]));
    // The answers were lost: the device sends all again, cut otherwise.
    let again = held(stand.append(&entries[..6]));
    assert_eq!(
        again.receipts,
        [first.receipts[0].clone(), second.receipts[0].clone()]
    );
    assert_eq!(
        again.accepted,
        [NumberRun {
            seq: 1,
            number: 1,
            count: 8
        }],
        "up to the last receipt"
    );
    assert_eq!((again.new, again.channels.len()), (0, 0));
    assert_eq!(again.head.seq, 8);
    let longer = held(stand.append(&entries[2..]));
    assert_eq!(longer.receipts.len(), 3);
    assert_eq!(longer.new, 2);
    assert_eq!(
        longer.accepted,
        [NumberRun {
            seq: 3,
            number: 3,
            count: 8
        }]
    );
    assert_eq!(stand.pull(1, &[], 100).1.rows.len(), 10);
}

pub(crate) fn another_entry_at_the_same_place_is_a_fork_and_a_missing_one_a_gap<O: Open>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    let common = log.sets(5);
    let mut restored = log.clone();
    held(stand.append(&common));
    held(stand.append(&log.sets(3)));
    let other = [
        restored.set("own/east", 7, "after restoring"),
        restored.set("own/east", 7, "and more"),
    ];
    let fork = stand.append(&[&common[3..], &other[..]].concat());
    let at = Head {
        seq: 5,
        id: common[4].id,
    };
    assert_eq!(
        fork,
        Appended::Fork {
            common: Some(at),
            head: log.head
        }
    );
    let late = stand.append(&other[1..]);
    assert_eq!(
        late,
        Appended::Fork {
            common: None,
            head: log.head
        },
        "parted before what was sent"
    );
    log.sets(1);
    let beyond = log.sets(1);
    assert!(matches!(stand.append(&beyond), Appended::Gap { head } if head.seq == 8));
    assert_eq!(
        stand.store.log(log.device, 1, 100).unwrap().len(),
        8,
        "nothing was changed"
    );
}

pub(crate) fn a_record_stays_in_the_channel_of_its_first_accepted_entry<O: Open>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    let opened = Event::Opened {
        kind: RecordKind::Subject,
        fields: Default::default(),
    };
    let entries = [
        log.set("own/city", 1, "refused"),
        log.write("own/east", 1, opened),
        log.set("own/city", 1, "moved"),
        log.set("own/east", 1, "at home"),
    ];
    let seen = std::cell::RefCell::new(Vec::new());
    stand.judged(&entries, &|candidate, known| {
        let placed = known.placed;
        seen.borrow_mut().push(placed.cloned());
        if candidate.entry.seq == 1
            || placed.is_some_and(|placed| placed.channel != candidate.entry.channel)
        {
            Err("elsewhere")
        } else {
            Ok(())
        }
    });
    let placed = Placed {
        channel: "own/east".parse().unwrap(),
        kind: Some(RecordKind::Subject),
    };
    assert_eq!(
        *seen.borrow(),
        [None, None, Some(placed.clone()), Some(placed)]
    );
}

pub(crate) fn a_reader_goes_on_from_its_cursor_and_misses_nothing<O: Open>() {
    let stand = Stand::<O>::new();
    let (mut first, mut second) = (stand.device(1, 0), stand.device(2, 1));
    for _ in 0..4 {
        held(stand.append(&first.sets(3)));
        held(stand.append(&[
            second.set("own/east", 2, "x"),
            second.set("pub/city", 3, "y"),
        ]));
    }
    held(stand.append(&[second.set("own/secret", 4, "z")]));
    let (mut east, mut city, mut rounds) = (0, 0, 0);
    let mut got = Vec::new();
    loop {
        let (pulled, batch) = stand.pull(0, &[("own/east", east), ("pub/city", city)], 5);
        for row in &batch.rows {
            let cursor = if row.entry.channel.to_string() == "own/east" {
                &mut east
            } else {
                &mut city
            };
            assert_eq!(row.number, *cursor + 1, "gapless from the cursor on");
            *cursor = row.number;
            got.push(row.id);
        }
        rounds += 1;
        if !pulled.more {
            break;
        }
        assert_eq!(
            batch.rows.len(),
            5,
            "no more than asked for, and no fewer while there is more"
        );
    }
    assert_eq!((got.len(), east, city, rounds), (20, 16, 4, 4));
}

/// What is told to who holds so much and has been told so much.
fn told(stand: &Stand<impl Open>, person: usize, upto: u64, seen: u64) -> Option<u64> {
    let held = Held {
        upto,
        seen: Some(seen),
    };
    let held = [("own/east".parse().unwrap(), held)].into();
    let (pulled, _) = stand.pull_beyond(person, &held, None, 100);
    assert!(pulled.channels.len() <= 1);
    pulled.channels.first().map(|channel| channel.seen_upto)
}

pub(crate) fn what_somebody_else_holds_is_told_once_and_what_one_holds_oneself_is_not<O: Open>() {
    let stand = Stand::<O>::new();
    let mut logs = [stand.device(1, 0), stand.device(2, 1)];
    held(stand.append(&logs[0].sets(10)));
    let own: Channel = "own/east".parse().unwrap();
    let note = |who: usize, given: u64, held: u64| PullNote {
        device: logs[who].device,
        person: stand.people[who],
        given: vec![(own.clone(), given)],
        held: vec![(own.clone(), held)],
    };
    let noted = |note: PullNote| stand.store.note_pulls(&[note]).unwrap().remove(0);
    assert_eq!(noted(note(0, 10, 10)), std::slice::from_ref(&own));
    assert_eq!(told(&stand, 0, 10, 0), None, "only the asker has it");
    assert_eq!(stand.pull(0, &[], 1).0.channels[0].seen_upto, 0);
    let news = |upto| stand.pull(1, &[("own/east", upto)], 1).0.news;
    assert_eq!(news(7), [(own.clone(), 7)]);
    assert_eq!(noted(note(1, 7, 7)), std::slice::from_ref(&own));
    assert_eq!(told(&stand, 0, 10, 0), Some(7));
    assert_eq!(told(&stand, 0, 10, 7), None, "once");
    assert_eq!(told(&stand, 1, 7, 0), Some(10), "with what is new");
    assert_eq!(
        noted(note(1, 8, 99)),
        std::slice::from_ref(&own),
        "nobody holds what they were not given"
    );
    assert_eq!(told(&stand, 0, 10, 7), Some(8));
    noted(note(1, 99, 99));
    assert_eq!(told(&stand, 0, 10, 8), Some(10), "nor what there is not");
    assert_eq!(news(10), []);
    assert!(noted(note(1, 10, 10)).is_empty());
}

pub(crate) fn only_channels_with_news_are_listed<O: Open>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    let entries: Vec<Candidate> = (0..1_200)
        .map(|n| log.set(&format!("own/east-{n:04}"), n, "x"))
        .collect();
    held(stand.append(&entries));
    let mut all = HeldChannels::new();
    let mut pulls = 0;
    loop {
        let (pulled, batch) = stand.pull_beyond(1, &all, None, 500);
        let mut rows = batch.rows.iter();
        for channel in &pulled.channels {
            let row = rows.next().unwrap();
            assert_eq!((channel.rows, &row.entry.channel), (1, &channel.channel));
            let known = all.insert(channel.channel.clone(), Held::upto(row.number));
            assert_eq!(known, None, "nothing is given twice");
        }
        pulls += 1;
        if !pulled.more {
            break;
        }
        assert_eq!(pulled.channels.len(), 500);
    }
    assert_eq!((all.len(), pulls), (1_200, 3));
    assert_eq!(
        stand.pull_beyond(1, &all, None, 500).0,
        Pulled {
            news: all.iter().map(|(c, held)| (c.clone(), held.upto)).collect(),
            ..Pulled::default()
        }
    );
    held(stand.append(&[log.set("own/east-0700", 700, "y")]));
    let (pulled, batch) = stand.pull_beyond(1, &all, None, 500);
    assert_eq!((pulled.channels.len(), batch.rows.len()), (1, 1));
    let some =
        ["own/east-0001", "own/east-9999", "own/east-0700"].map(|name| name.parse().unwrap());
    let (pulled, _) = stand.pull_beyond(1, &HeldChannels::new(), Some(&some), 500);
    assert_eq!(pulled.channels.len(), 2, "where only some are asked for");
}

pub(crate) fn two_threads_that_append_at_once_lose_nothing<O: Open>() {
    let stand = Stand::<O>::new();
    let mut logs: Vec<Log> = (1..=4)
        .map(|n| stand.device(n, usize::from(n % 2)))
        .collect();
    std::thread::scope(|scope| {
        for log in &mut logs {
            let stand = &stand;
            scope.spawn(move || {
                for _ in 0..20 {
                    held(stand.append(&log.sets(5)));
                }
            });
        }
        let mut cursor = 0;
        while cursor < 400 {
            for row in stand.pull(0, &[("own/east", cursor)], 1_000).1.rows {
                assert_eq!(
                    row.number,
                    cursor + 1,
                    "a number appeared before the one below it"
                );
                cursor = row.number;
            }
        }
    });
    assert_eq!(stand.store.channels().unwrap()[0].count, 400);
}
