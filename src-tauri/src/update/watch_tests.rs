//! The watch with stand-ins: a setup and a program that are shell scripts, and real processes.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::{Mutex, MutexGuard, PoisonError},
};

use shicha_maker::Maker;

use super::*;

/// What the stand-in of a program does when it is started really; it gets the data folder as its last word.
const COMES_UP: &str = r#"printf '{"version":"0.2.0"}' > "$data/update/alive.json""#;

struct Stand {
    dir: tempfile::TempDir,
    watch: Watch,
    _alone: MutexGuard<'static, ()>,
}

/// A script that was just written cannot be run while another test's new process still holds it open.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn script(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A program that says in `said` of which version it is, passes its own test or not, and then does something.
fn program(version: &str, selftest: &str, then: &str) -> String {
    format!(
        "for data; do :; done\ncase \"$1\" in\n--selftest) {selftest};;\nesac\nprintf '%s ' {version} \"$1\" >> \"$data/said\"\n{then}"
    )
}

impl Stand {
    /// With a setup that does this, in the folder of the program.
    fn new(setup: &str) -> Self {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = tempfile::tempdir().unwrap();
        let (data, programs) = (dir.path().join("数据"), dir.path().join("程序"));
        fs::create_dir_all(data.join("update")).unwrap();
        fs::create_dir_all(programs.join("fonts")).unwrap();
        script(&programs.join("shicha"), &program("0.1.0", "exit 0", ":"));
        fs::write(programs.join("fonts/NotoSerifSC_400Regular.ttf"), "old").unwrap();
        fs::write(programs.join("other"), "somebody else's").unwrap();

        let maker = Maker::new();
        let path = data.join("update/Shicha-0.2.0-setup.sh");
        script(&path, &format!("cd '{}'\n{setup}", programs.display()));
        let signature = maker.sign("Shicha-0.2.0-setup.sh", &fs::read(&path).unwrap());
        let plan = Plan {
            from: "0.1.0".parse().unwrap(),
            to: "0.2.0".parse().unwrap(),
            setup: path,
            signature,
            data_dir: data,
            begun_at_ms: 0,
        };
        let program = programs.join("shicha");
        let watch = Watch {
            files: Files::of(&program, &plan),
            program,
            key: UpdateKey::parse(&maker.public()).unwrap(),
            plan,
            times: Times {
                setup: Duration::from_secs(20),
                selftest: Duration::from_secs(20),
                alive: Duration::from_secs(20),
                between: Duration::from_millis(1),
            },
        };
        Self {
            dir,
            watch,
            _alone: alone,
        }
    }

    /// With a setup that brings this program, and a new font.
    fn bringing(program: &str) -> Self {
        Self::new(&format!(
            "cat > new <<'END'\n#!/bin/sh\n{program}\nEND\nchmod +x new; mv new shicha; echo new > fonts/NotoSerifSC_400Regular.ttf; echo > shicha-server.exe"
        ))
    }

    /// Which versions were started, once the last of them has said so.
    fn said(&self, last: &str) -> String {
        let path = self.watch.plan.data_dir.join("said");
        let begun = Instant::now();
        loop {
            let said = fs::read_to_string(&path).unwrap_or_default();
            if said.ends_with(last) {
                return said;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{said:?}");
            thread::yield_now();
        }
    }

    fn is_as_before(&self) {
        let programs = self.dir.path().join("程序");
        let text = fs::read_to_string(programs.join("shicha")).unwrap();
        assert!(text.contains("0.1.0"), "{text}");
        let font = fs::read_to_string(programs.join("fonts/NotoSerifSC_400Regular.ttf")).unwrap();
        assert_eq!(font, "old");
        assert!(
            !programs.join("shicha-server.exe").exists(),
            "it was not there before"
        );
        assert!(
            programs.join("other").exists(),
            "what is not ours is left alone"
        );
    }

    fn taken_back_for(&self, reason: &'static str) {
        assert_eq!(self.watch.run(), End::TakenBack(reason));
        self.is_as_before();
        let outcome = self.watch.plan.outcome().unwrap().unwrap();
        assert_eq!(outcome.reason, reason);
        self.said("0.1.0 --after-update ");
    }
}

#[test]
fn a_new_version_that_comes_up_stays() {
    let stand = Stand::bringing(&program("0.2.0", "exit 0", COMES_UP));
    assert_eq!(stand.watch.run(), End::Updated);
    assert_eq!(stand.said("--after-update "), "0.2.0 --after-update ");
    assert!(stand.watch.plan.outcome().unwrap().is_none());
    assert!(
        !stand.watch.plan.file("previous").exists(),
        "what was kept is gone"
    );
}

#[test]
fn a_new_version_that_fails_its_own_test_is_taken_back() {
    Stand::bringing(&program("0.2.0", "exit 3", COMES_UP)).taken_back_for("selftest");
}

#[test]
fn a_new_version_that_starts_and_ends_is_taken_back() {
    Stand::bringing(&program("0.2.0", "exit 0", "exit 101")).taken_back_for("start");
}

#[test]
fn a_new_version_that_hangs_is_ended_and_taken_back() {
    let mut stand = Stand::bringing(&program("0.2.0", "exit 0", "exec tail -f /dev/null"));
    stand.watch.times.alive = Duration::from_millis(300);
    stand.taken_back_for("time");
}

#[test]
fn a_new_version_that_hangs_in_its_own_test_is_taken_back() {
    let mut stand = Stand::bringing(&program("0.2.0", "exec tail -f /dev/null", COMES_UP));
    stand.watch.times.selftest = Duration::from_millis(300);
    stand.taken_back_for("selftest");
}

#[test]
fn a_setup_that_fails_half_way_is_taken_back() {
    Stand::new("echo half > shicha; echo new > fonts/NotoSerifSC_400Regular.ttf; exit 1")
        .taken_back_for("setup");
}

#[test]
fn the_setup_is_tried_again_while_the_old_program_is_about_to_end() {
    let brings = program("0.2.0", "exit 0", COMES_UP);
    let stand = Stand::new(&format!(
        "test -e once || {{ touch once; exit 4; }}\ncat > shicha <<'END'\n#!/bin/sh\n{brings}\nEND"
    ));
    assert_eq!(stand.watch.run(), End::Updated);
    drop(stand);
    Stand::new("exit 4").taken_back_for("setup");
}

#[test]
fn a_setup_that_was_altered_on_the_disk_is_not_run() {
    let stand = Stand::new("touch ran");
    let setup = &stand.watch.plan.setup;
    let mut text = fs::read(setup).unwrap();
    text.extend_from_slice(b"\n# more\n");
    fs::write(setup, text).unwrap();
    stand.taken_back_for("signature");
    assert!(!stand.dir.path().join("程序/ran").exists());
}

#[test]
fn a_sign_of_life_of_before_does_not_count() {
    let stand = Stand::bringing(&program("0.2.0", "exit 0", "exit 1"));
    fs::write(
        stand.watch.plan.file("alive.json"),
        r#"{"version":"0.2.0"}"#,
    )
    .unwrap();
    stand.taken_back_for("start");
}

#[test]
fn the_watch_waits_for_the_old_program_to_end_and_nobody_else_starts_meanwhile() {
    use crate::update::{is_under_way, watch_with};
    let stand = Stand::bringing(&program("0.2.0", "exit 0", COMES_UP));
    let Watch { plan, program, .. } = &stand.watch;
    let data = &plan.data_dir;
    let written = serde_json::to_vec(plan).unwrap();
    fs::write(plan.file("plan.json"), written).unwrap();
    assert!(!is_under_way(data));
    let (line, old_program) = std::io::pipe().unwrap();
    thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let (key, times) = (stand.watch.key.clone(), Times::default());
            watch_with(data, program, key, line, times)
        });
        let begun = Instant::now();
        while !is_under_way(data) {
            assert!(begun.elapsed() < Duration::from_secs(20));
            thread::yield_now();
        }
        assert!(!data.join("said").exists(), "nothing is done yet");
        drop(old_program);
        assert!(watching.join().unwrap().unwrap());
    });
    assert!(!is_under_way(data));
    assert_eq!(stand.said("--after-update "), "0.2.0 --after-update ");
    let without = tempfile::tempdir().unwrap();
    fs::create_dir(without.path().join("update")).unwrap();
    let nothing = watch_with(
        without.path(),
        program,
        stand.watch.key.clone(),
        &b""[..],
        Times::default(),
    );
    assert!(!nothing.unwrap(), "there is no plan");
}
