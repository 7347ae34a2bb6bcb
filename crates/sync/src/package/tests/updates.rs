//! Updates of the application in a package.

use super::*;
use crate::protocol::update::OfferedUpdate;

/// What is said of an update, and its bytes.
fn an_update() -> (OfferedUpdate, Vec<u8>) {
    let bytes = vec![5; 70_000];
    let update = OfferedUpdate {
        name: "Shicha-0.2.0-setup.exe".into(),
        size: bytes.len() as u64,
        signature: "somebody's".into(),
    };
    (update, bytes)
}

fn brought(
    to: Party,
    write: impl FnOnce(&mut Writer<'_, Vec<u8>>) -> Result<(), PackageFault>,
) -> Result<Vec<u8>, PackageFault> {
    let mut watch = unwatched();
    let key = public(&endpoint());
    let label = Label { to, ..label() };
    let mut writer = Writer::begin(Vec::new(), &label, &key, &laptop(), &mut watch)?;
    write(&mut writer)?;
    Ok(writer.finish()?.0)
}

fn colleague() -> Party {
    Party::Device {
        device: DeviceId(Uuid::from_u128(8)),
    }
}

fn looked_by_colleague(bytes: &[u8]) -> Result<Looked, PackageFault> {
    let opening = Opening {
        me: &[colleague()],
        key: &endpoint(),
        sender: &|_| Some(public(&laptop())),
    };
    look(bytes, &opening, &mut unwatched())
}

#[test]
fn an_update_is_told_by_looking_and_its_bytes_come_back_as_they_went_in() {
    let (update, bytes) = an_update();
    let package = brought(colleague(), |writer| {
        writer.update(&update, hash(&bytes))?;
        bytes.chunks(9_000).try_for_each(|part| writer.part(part))
    })
    .unwrap();
    let looked = looked_by_colleague(&package).unwrap();
    assert_eq!(looked.contents.update, Some(update.clone()));
    assert_eq!(looked.contents.evidence, 0, "it is no evidence");
    let mut watch = unwatched();
    let mut pieces = Pieces::open(&package[..], &looked, &endpoint(), &mut watch).unwrap();
    let said = pieces.next_piece().unwrap().unwrap();
    assert_eq!(said.kind, Kind::Update);
    pieces.message(&said).unwrap();
    assert_eq!(pieces.next_piece().unwrap().unwrap().kind, Kind::UpdateFile);
    let mut back = Vec::new();
    let mut part = [0; 4_096];
    loop {
        match pieces.read(&mut part).unwrap() {
            0 => break,
            read => back.extend_from_slice(&part[..read]),
        }
    }
    assert_eq!(back, bytes);
    assert_eq!(pieces.next_piece().unwrap(), None);
}

#[test]
fn an_update_out_of_place_of_another_size_twice_or_for_the_endpoint_is_refused() {
    let (update, bytes) = an_update();
    let whole = |writer: &mut Writer<'_, Vec<u8>>| {
        writer.update(&update, hash(&bytes))?;
        writer.part(&bytes)
    };
    let malformed = |package: Vec<u8>| {
        let refused = looked_by_colleague(&package);
        assert!(
            matches!(refused, Err(PackageFault::Malformed(_))),
            "{refused:?}"
        );
    };
    malformed(
        brought(colleague(), |writer| {
            whole(writer)?;
            whole(writer)
        })
        .unwrap(),
    );
    // Said, and nothing comes.
    malformed(brought(colleague(), |writer| writer.message(Kind::Update, &update)).unwrap());
    let other = brought(colleague(), |writer| {
        writer.message(Kind::Update, &update)?;
        writer.evidence(hash(&bytes), bytes.len() as u64)?;
        writer.part(&bytes)
    });
    malformed(other.unwrap());
    let longer = OfferedUpdate {
        size: 1,
        ..update.clone()
    };
    assert!(
        brought(colleague(), |writer| {
            writer.update(&longer, hash(&bytes))?;
            writer.part(&bytes)
        })
        .is_err()
    );
    for wrong in [
        OfferedUpdate {
            name: "../setup.exe".into(),
            ..update.clone()
        },
        OfferedUpdate {
            size: 1 << 40,
            ..update.clone()
        },
        OfferedUpdate {
            signature: "x".repeat(100_000),
            ..update.clone()
        },
    ] {
        let said = brought(colleague(), |writer| writer.message(Kind::Update, &wrong));
        assert!(matches!(said, Err(PackageFault::Malformed(_))));
    }
    let to_endpoint = brought(label().to, whole).unwrap();
    assert!(matches!(
        looked(&to_endpoint),
        Err(PackageFault::Malformed(_))
    ));
}
