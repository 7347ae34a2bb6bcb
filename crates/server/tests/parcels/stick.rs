//! What people do with a stick.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use shicha_domain::{DeviceId, RecordId, directory::Role};
use shicha_server::package::{Answering, Desk, Most, PackageTaken, answer, take as take_in};
use shicha_sync::{
    Random,
    client::package::{self, Asking, Giving, PackageError, Taken},
    package::{Card, Contents, Looked, PackageFault, Party, unwatched},
};

use crate::{
    common::{Server, aside, wall_ms},
    kit::{Laptop, fingerprint, open},
};

/// A stick.
pub(crate) struct Stick {
    dir: tempfile::TempDir,
}

impl Stick {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

pub(crate) fn endpoint(server: &Server) -> Party {
    Party::Endpoint { key: server.key }
}

pub(crate) fn device_of(laptop: &Laptop) -> DeviceId {
    laptop.ledger.identity().unwrap().unwrap().device
}

pub(crate) fn giving(to: Party, records: Option<Vec<RecordId>>) -> Giving {
    Giving {
        to,
        records,
        numbers: Vec::new(),
        update: None,
        now_ms: wall_ms(),
        random: Random::system(),
    }
}

/// Writes what waits on the stick.
pub(crate) fn give(laptop: &Laptop, to: Party, path: &Path) -> Contents {
    give_these(laptop, &giving(to, None), path)
}

pub(crate) fn give_these(laptop: &Laptop, giving: &Giving, path: &Path) -> Contents {
    let file = File::create(path).unwrap();
    let given = package::give(&laptop.ledger, giving, file, &mut unwatched()).unwrap();
    given.2
}

pub(crate) fn look(laptop: &Laptop, path: &Path) -> Result<Looked, PackageError> {
    package::look(&laptop.ledger, File::open(path).unwrap(), &mut unwatched())
}

pub(crate) fn take(laptop: &Laptop, path: &Path) -> Taken {
    let looked = look(laptop, path).unwrap();
    let file = File::open(path).unwrap();
    package::take(&laptop.ledger, file, &looked, wall_ms(), &mut unwatched()).unwrap()
}

/// The administrator puts the stick in, and the answer on it.
pub(crate) fn at_endpoint(server: &Server, path: &Path, answered: &Path) -> PackageTaken {
    try_at_endpoint(server, path, answered).unwrap()
}

pub(crate) fn try_at_endpoint(
    server: &Server,
    path: &Path,
    answered: &Path,
) -> Result<PackageTaken, shicha_server::package::PackageError> {
    bounded_at_endpoint(server, path, answered, Most::ALL)
}

/// The same with an answer that holds no more than this.
pub(crate) fn bounded_at_endpoint(
    server: &Server,
    path: &Path,
    answered: &Path,
    most: Most,
) -> Result<PackageTaken, shicha_server::package::PackageError> {
    aside(|| {
        let home = server.home();
        let random = Random::system();
        let desk = Desk {
            home: &home,
            random: &random,
            now_ms: wall_ms(),
        };
        let looked = desk.look(path, &mut unwatched())?;
        let taken = take_in(desk, path, &looked, &mut unwatched())?;
        let answering = Answering {
            taken: taken.clone(),
            with_evidence: false,
            with_update: false,
            most,
        };
        answer(desk, &answering, answered, &mut unwatched())?;
        Ok(taken)
    })
}

/// There and back: the device's package to the endpoint, the answer to the device.
pub(crate) fn there_and_back(server: &Server, laptop: &Laptop) -> (PackageTaken, Taken) {
    let stick = Stick::new();
    let (there, back) = (stick.path("there.shicha"), stick.path("back.shicha"));
    give(laptop, endpoint(server), &there);
    let brought = at_endpoint(server, &there, &back);
    let taken = take(laptop, &back);
    (brought, taken)
}

/// A computer that never had a network gets its place by files.
pub(crate) fn newcomer(server: &Server, name: &str, org: &str, role: Role) -> Laptop {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    let ledger = open(&folder.path().join("data"));
    let person = server.person(name, org, role);
    let code = server.code(person);
    let stick = Stick::new();
    let (card, there, back) = (
        stick.path("card.shicha"),
        stick.path("there.shicha"),
        stick.path("back.shicha"),
    );
    server.command(&["package", "card", "--out", card.to_str().unwrap()]);
    let card = Card::read(File::open(&card).unwrap()).unwrap();
    let random = Random::system();
    let mut asking = Asking {
        card: &card,
        confirmed_fingerprint: "0000 0000",
        code: &code,
        name,
        random: &random,
        now_ms: wall_ms(),
    };
    let ask = |asking: &Asking<'_>| {
        let file = File::create(&there).unwrap();
        package::ask_for_place(&ledger, asking, file, &mut unwatched())
    };
    assert!(ask(&asking).is_err(), "another fingerprint");
    let fingerprint = fingerprint(server);
    asking.confirmed_fingerprint = &fingerprint;
    ask(&asking).unwrap();
    at_endpoint(server, &there, &back);
    let looked = package::look(&ledger, File::open(&back).unwrap(), &mut unwatched()).unwrap();
    assert!(looked.contents.is_enrolment);
    let file = File::open(&back).unwrap();
    package::take(&ledger, file, &looked, wall_ms(), &mut unwatched()).unwrap();
    drop(ledger);
    let laptop = Laptop::at_first(folder, person, org);
    assert_eq!(take(&laptop, &back).entries, 0, "again changes nothing");
    laptop
}

pub(crate) fn fault(error: PackageError) -> PackageFault {
    match error {
        PackageError::Package(fault) => fault,
        other => panic!("{other}"),
    }
}
