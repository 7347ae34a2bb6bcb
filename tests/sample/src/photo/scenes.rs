//! What the pictures show: the things that an inspector of safety training takes pictures of.

use chrono::NaiveDateTime;

use super::canvas::{Canvas, Ink};

/// A motif.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// 签到表.
    AttendanceSheet,
    /// 合格证.
    Certificate,
    /// 教室.
    Classroom,
    /// 公示栏.
    NoticeBoard,
    /// 考场.
    ExamRoom,
    /// 实操设备.
    Equipment,
}

const WOOD: Ink = [168, 128, 88];
const PAPER: Ink = [250, 249, 243];
const BLACK: Ink = [34, 34, 40];
const PEN: Ink = [38, 52, 120];
const RED: Ink = [196, 32, 36];
const GREY: Ink = [120, 124, 130];

impl Scene {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::AttendanceSheet,
        Self::Certificate,
        Self::Classroom,
        Self::NoticeBoard,
        Self::ExamRoom,
        Self::Equipment,
    ];

    /// What a camera's owner would call the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AttendanceSheet => "签到表",
            Self::Certificate => "合格证",
            Self::Classroom => "教室",
            Self::NoticeBoard => "公示栏",
            Self::ExamRoom => "考场",
            Self::Equipment => "实操设备",
        }
    }

    pub(super) fn draw(self, canvas: &mut Canvas<'_>, subject: &str, time: NaiveDateTime) {
        match self {
            Self::AttendanceSheet => attendance(canvas, subject, time),
            Self::Certificate => certificate(canvas, time),
            Self::Classroom => classroom(canvas, time),
            Self::NoticeBoard => notice_board(canvas, subject),
            Self::ExamRoom => exam_room(canvas),
            Self::Equipment => equipment(canvas),
        }
    }
}

fn attendance(canvas: &mut Canvas<'_>, subject: &str, time: NaiveDateTime) {
    canvas.ground(WOOD, [142, 104, 70]);
    canvas.quad(
        [(176, 66), (1120, 48), (1164, 900), (140, 920)],
        [110, 80, 54],
    );
    canvas.quad([(166, 54), (1112, 40), (1150, 890), (130, 908)], PAPER);
    canvas.text_around(640, 88, 40.0, BLACK, "安全培训学员签到表");
    canvas.text(220, 158, 22.0, BLACK, subject);
    canvas.text(
        840,
        158,
        22.0,
        BLACK,
        &time.format("日期 %Y.%m.%d").to_string(),
    );
    let columns = [210, 290, 470, 640, 830, 1066];
    for row in 0..14 {
        let y = 206 + row * 46;
        canvas.rect(210, y, 858, 2, GREY);
        if row == 0 {
            for (column, word) in columns.iter().zip(["序号", "姓名", "单位", "上午", "下午"])
            {
                canvas.text(column + 14, y + 10, 20.0, BLACK, word);
            }
        } else if row < 13 {
            canvas.text(columns[0] + 22, y + 12, 18.0, BLACK, &row.to_string());
            // The same hand in every row is what the inspector takes the picture for.
            for column in 1..5 {
                if column < 4 || canvas.dice.chance(0.6) {
                    let width = columns[column + 1] - columns[column] - 50;
                    canvas.scribble(columns[column] + 16, y + 26, width.min(110), 16.0, PEN);
                }
            }
        }
    }
    for column in columns {
        canvas.rect(column, 206, 2, 600, GREY);
    }
}

fn certificate(canvas: &mut Canvas<'_>, time: NaiveDateTime) {
    canvas.ground([92, 104, 120], [64, 74, 90]);
    canvas.quad(
        [(150, 150), (1130, 130), (1150, 820), (130, 830)],
        [128, 16, 24],
    );
    canvas.quad([(176, 176), (636, 168), (638, 796), (164, 804)], PAPER);
    canvas.quad([(648, 168), (1106, 158), (1120, 792), (650, 796)], PAPER);
    canvas.frame(240, 230, 150, 200, 3, GREY);
    canvas.ring((315, 305), 44.0, 44.0, [206, 184, 162], 1.0);
    canvas.rect(262, 352, 106, 74, [70, 90, 140]);
    for (row, word) in ["姓  名", "性  别", "证  号", "单  位"].iter().enumerate() {
        let y = 240 + row as i32 * 52;
        canvas.text(416, y, 20.0, BLACK, word);
        canvas.rect(500, y + 26, 110, 2, GREY);
    }
    canvas.text(500, 240, 20.0, PEN, "样本");
    canvas.text_around(884, 220, 34.0, RED, "安全生产知识和");
    canvas.text_around(884, 270, 34.0, RED, "管理能力考核合格证");
    for (row, word) in ["行业类别", "初领日期", "有效期限", "签发机关"]
        .iter()
        .enumerate()
    {
        let y = 372 + row as i32 * 60;
        canvas.text(700, y, 22.0, BLACK, word);
        canvas.rect(820, y + 28, 220, 2, GREY);
    }
    canvas.text(826, 432, 20.0, PEN, &time.format("%Y-%m-%d").to_string());
    canvas.ring((930, 640), 92.0, 6.0, RED, 0.75);
    canvas.text_around(930, 622, 26.0, RED, "样本专用章");
}

fn classroom(canvas: &mut Canvas<'_>, time: NaiveDateTime) {
    canvas.ground([222, 224, 218], [200, 202, 196]);
    canvas.quad(
        [(0, 620), (1280, 620), (1280, 960), (0, 960)],
        [152, 140, 124],
    );
    canvas.rect(300, 130, 680, 320, [96, 102, 104]);
    canvas.rect(312, 142, 656, 296, [244, 248, 248]);
    canvas.text_around(640, 190, 42.0, [24, 60, 140], "安全生产管理人员培训班");
    canvas.text_around(
        640,
        268,
        30.0,
        BLACK,
        &time.format("第二课时  %Y年%m月%d日").to_string(),
    );
    canvas.scribble(420, 366, 430, 20.0, PEN);
    for lamp in 0..3 {
        let x = 120 + lamp * 400;
        canvas.quad(
            [(x, 30), (x + 260, 30), (x + 230, 62), (x + 30, 62)],
            [255, 255, 246],
        );
    }
    for row in 0..3_i32 {
        let scale = 1.0 + row as f32 * 0.45;
        let y = 520 + row * 130;
        for seat in 0..4_i32 {
            let x = 640.0 + (seat as f32 - 1.5) * 210.0 * scale;
            let (x, width) = (x as i32, (150.0 * scale) as i32);
            canvas.rect(
                x - width / 2,
                y,
                width,
                (20.0 * scale) as i32,
                [186, 146, 96],
            );
            canvas.rect(
                x - width / 2 + 8,
                y + (20.0 * scale) as i32,
                10,
                (70.0 * scale) as i32,
                GREY,
            );
            canvas.rect(
                x + width / 2 - 18,
                y + (20.0 * scale) as i32,
                10,
                (70.0 * scale) as i32,
                GREY,
            );
            if canvas.dice.chance(0.3) {
                canvas.ring(
                    (x, y - (34.0 * scale) as i32),
                    26.0 * scale,
                    26.0 * scale,
                    [70, 58, 52],
                    1.0,
                );
                canvas.rect(
                    x - (34.0 * scale) as i32,
                    y - (10.0 * scale) as i32,
                    (68.0 * scale) as i32,
                    (12.0 * scale) as i32,
                    [60, 84, 120],
                );
            }
        }
    }
}

fn notice_board(canvas: &mut Canvas<'_>, subject: &str) {
    canvas.ground([196, 200, 204], [168, 172, 178]);
    canvas.rect(90, 110, 1100, 720, [148, 152, 158]);
    canvas.rect(110, 130, 1060, 680, [32, 104, 88]);
    canvas.text_around(640, 150, 46.0, [252, 236, 180], "培 训 公 示 栏");
    for n in 0..6_i32 {
        let (x, y) = (160 + n % 3 * 340, 240 + n / 3 * 280);
        let lean = canvas.dice.between(-8, 8) as i32;
        canvas.quad(
            [
                (x, y + lean),
                (x + 280, y),
                (x + 280, y + 250),
                (x, y + 250 + lean),
            ],
            PAPER,
        );
        canvas.ring((x + 140, y + 14), 8.0, 8.0, RED, 1.0);
        let words = [
            "收费标准",
            "师资名单",
            "培训计划",
            "班次安排",
            "举报电话 12350",
            "考核结果",
        ];
        canvas.text_around(x + 140, y + 34, 24.0, BLACK, words[n as usize]);
        for line in 0..6 {
            let width = canvas.dice.between(150, 220) as i32;
            canvas.rect(x + 30, y + 84 + line * 24, width, 5, [168, 170, 176]);
        }
    }
    canvas.text_around(640, 846, 24.0, BLACK, subject);
}

fn exam_room(canvas: &mut Canvas<'_>) {
    canvas.ground([214, 220, 226], [186, 192, 200]);
    canvas.rect(170, 60, 940, 90, RED);
    canvas.text_around(
        640,
        78,
        44.0,
        [255, 240, 190],
        "安全生产考试考场（第3考场）",
    );
    canvas.ring((1190, 120), 34.0, 34.0, [40, 44, 50], 1.0);
    canvas.ring((1190, 120), 14.0, 14.0, [120, 30, 34], 1.0);
    for row in 0..3_i32 {
        let scale = 0.8 + row as f32 * 0.35;
        let y = 250 + row * 210;
        for seat in 0..5_i32 {
            let middle = (640.0 + (seat as f32 - 2.0) * 210.0 * scale) as i32;
            let (width, height) = ((150.0 * scale) as i32, (96.0 * scale) as i32);
            canvas.rect(
                middle - width / 2 - 22,
                y + height + 22,
                width + 44,
                (16.0 * scale) as i32,
                [150, 116, 82],
            );
            canvas.rect(middle - 10, y + height, 20, 24, [60, 62, 68]);
            canvas.rect(middle - width / 2, y, width, height, [30, 32, 38]);
            canvas.rect(
                middle - width / 2 + 6,
                y + 6,
                width - 12,
                height - 12,
                [84, 146, 208],
            );
            for line in 0..3 {
                let long = (width as f32 * (0.35 + 0.4 * canvas.dice.part() as f32)) as i32;
                canvas.rect(
                    middle - width / 2 + 16,
                    y + 18 + line * (height / 4),
                    long,
                    4,
                    PAPER,
                );
            }
        }
    }
}

fn equipment(canvas: &mut Canvas<'_>) {
    canvas.ground([208, 210, 204], [160, 162, 156]);
    canvas.rect(120, 130, 560, 620, [92, 98, 106]);
    canvas.rect(136, 146, 528, 588, [214, 218, 222]);
    canvas.text_around(400, 170, 32.0, BLACK, "低压电工实操考核柜");
    for n in 0..8_i32 {
        let (x, y) = (176 + n % 4 * 122, 250 + n / 4 * 190);
        canvas.rect(x, y, 92, 150, [56, 60, 66]);
        let is_on = canvas.dice.chance(0.5);
        canvas.rect(
            x + 32,
            if is_on { y + 26 } else { y + 78 },
            28,
            46,
            if is_on { RED } else { [40, 140, 70] },
        );
    }
    canvas.rect(176, 640, 448, 60, [250, 220, 80]);
    canvas.text_around(400, 652, 28.0, BLACK, "设备编号 09  停用待修");
    for n in 0..3_i32 {
        let x = 800 + n * 150;
        canvas.rect(x - 42, 420, 84, 330, RED);
        canvas.ring((x, 420), 42.0, 42.0, RED, 1.0);
        canvas.rect(x - 16, 350, 32, 40, BLACK);
        canvas.stroke((x as f32, 366.0), (x as f32 + 66.0, 470.0), 6.0, BLACK);
        canvas.rect(x - 30, 520, 60, 90, PAPER);
        canvas.text_around(x, 540, 20.0, BLACK, "检查卡");
    }
    canvas.rect(0, 750, 1280, 210, [128, 122, 112]);
}
