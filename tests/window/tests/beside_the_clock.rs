//! What whoever does not look at the window sees of it: the icon beside the clock, and notices.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use image::RgbImage;
use serde_json::json;
use shicha_window::{Central, Clock, Desktop, Display, Driver, Programs, until};

/// Pixels of one colour that make a mark and no accident.
const MARK: usize = 12;
const DELIVERED: [u8; 3] = [0x2b, 0x8a, 0x3e];
const WAITS: [u8; 3] = [0xe8, 0x8c, 0x00];
const WHITE: [u8; 3] = [0xff; 3];

/// Whether a place on the screen, `x` and `y`, belongs to what is looked at.
type Part = fn(u32, u32) -> bool;
const STRIP: Part = |_, y| y >= Display::HEIGHT - Desktop::STRIP;
/// Where the icon's menu unfolds.
const ABOVE_THE_ICON: Part =
    |x, y| x >= Display::WIDTH - 200 && (Display::HEIGHT - 150..Display::HEIGHT - 40).contains(&y);

/// Pixels of nearly that colour; an icon that is made smaller mixes its colours.
fn count(picture: &RgbImage, colour: [u8; 3], part: Part) -> usize {
    let is_near = |one: &[u8; 3]| {
        let mut pairs = one.iter().zip(colour);
        pairs.all(|(one, other)| one.abs_diff(other) <= 12)
    };
    picture
        .enumerate_pixels()
        .filter(|(x, y, pixel)| part(*x, *y) && is_near(&pixel.0))
        .count()
}

/// Waits until there is as much of a colour in a part of the screen, and leaves a picture of all of it.
async fn seen(display: &Display, name: &str, colour: [u8; 3], part: Part, least: usize) {
    let picture = until(name, async || {
        let picture = display.picture()?;
        Ok((count(&picture, colour, part) >= least).then_some(picture))
    })
    .await
    .unwrap();
    let dir = Programs::find().unwrap().root.join("target/window");
    std::fs::create_dir_all(&dir).unwrap();
    picture.save(dir.join(format!("{name}.png"))).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_icon_beside_the_clock_tells_what_waits_and_a_notice_tells_that_all_is_delivered() {
    let dir = tempfile::tempdir().unwrap();
    let programs = Programs::find().unwrap();
    let display = Display::with_desktop(dir.path()).await.unwrap();
    let desktop = display.desktop().unwrap();
    let clock = Clock::system();
    let people = json!([
        { "name": "管宇", "org": "320700", "role": "administrator" },
        { "name": "丁思源", "org": "320722", "role": "inspector", "certificate": "样本100101" },
    ]);
    let mut central = Central::make(&programs, dir.path(), &people, &clock)
        .await
        .unwrap();
    central.start().await.unwrap();
    let driver = Driver {
        app: &programs.app,
        data: &dir.path().join("laptop"),
        display: &display,
        clock: &clock,
        logs: dir.path(),
    };
    let session = driver.start().await.unwrap();
    // Away from the places for icons and notices.
    let place = json!({ "x": 0, "y": 0, "width": 1100, "height": 800 });
    session.put(&place).await.unwrap();
    let invitation = central.invite("丁思源").await.unwrap();
    session
        .set_up("断网也能查 2022", &invitation, "样本电脑-1")
        .await
        .unwrap();
    seen(&display, "icon-delivered", DELIVERED, STRIP, MARK).await;
    assert_eq!(desktop.notices().unwrap(), "", "nothing was missed so far");

    central.stop().await.unwrap();
    let fields = json!({
        "name": "样本·东海恒安安全技术培训学校", "subject_kind": "training_institution", "region": "320722",
    });
    session
        .rpc("subject_add", json!({ "fields": fields }))
        .await
        .unwrap();
    session
        .wait_for_answer("sync_status", json!({}), "no network", |status| {
            status["phase"] == "offline" && status["waiting_entries"].as_u64() > Some(0)
        })
        .await
        .unwrap();
    seen(&display, "icon-waits", WAITS, STRIP, MARK).await;

    // The pointer leaves the window: whoever looks at it needs no notice.
    let icon = [Display::WIDTH - 18, Display::HEIGHT - 16].map(|at| at.to_string());
    desktop.hand(&["mousemove", &icon[0], &icon[1]]).unwrap();
    desktop.hand(&["click", "1"]).unwrap();
    seen(&display, "icon-menu", WHITE, ABOVE_THE_ICON, 8_000).await;

    central.start().await.unwrap();
    // The first line tells how it stands and cannot be chosen; the next opens the window.
    desktop.hand(&["key", "Down", "Down", "Return"]).unwrap();
    seen(&display, "notice", Desktop::FRAME, |_, _| true, 500).await;
    let said = desktop.notices().unwrap();
    assert!(said.contains("已全部送达"), "{said}");
    assert!(said.contains("1 条记录已送到中心端"), "{said}");
    seen(&display, "icon-delivered-again", DELIVERED, STRIP, MARK).await;
    session.close().await.unwrap();
}
