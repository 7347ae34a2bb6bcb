//! The administrator's commands.
//!
//! Each works on the data folder directly, whether the server runs or not, and may be repeated without harm. Output is Chinese with
//! the English in parentheses; with `--json` one JSON value for programs. Exit codes: 0 done, 1 the input or the data are at fault,
//! 2 wrong usage, 3 the data folder cannot be used.

mod archive;
mod audit;
mod device;
mod directory;
mod doctor;
mod entry;
mod import;
mod keep;
mod pack;
mod package;
mod say;
mod serving;
mod update;
mod verify;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use shicha_domain::{
    OrgCode,
    directory::{OrgKind, Role},
};

use crate::{
    administration::Hand,
    evidence::{Location, LocationFault},
    home::{Home, HomeError, Place, now_ms},
    package::Answering,
    store::administration::CodeId,
};
use say::{Failure, Say};
use shicha_sync::protocol::order::OrderAct;

/// 实查中心端 (the Shicha central endpoint)
#[derive(Parser)]
#[command(name = "shicha-server", version, arg_required_else_help = true)]
pub struct Cli {
    /// 数据文件夹 (data folder)
    #[arg(
        long,
        global = true,
        env = "SHICHA_DATA",
        default_value = "shicha-data"
    )]
    data: PathBuf,
    /// PostgreSQL 数据库地址 postgres://…；省略时用数据文件夹中的 SQLite (URL of a PostgreSQL database; SQLite in the data folder if omitted)
    #[arg(
        long,
        global = true,
        env = "SHICHA_DATABASE",
        hide_env_values = true,
        value_parser = postgres_url
    )]
    database: Option<String>,
    /// 附件所在的文件夹，或 S3 兼容存储 s3://桶/前缀（地址和密钥取自环境变量 AWS_…）；省略时在数据文件夹中。多个进程共用一个数据库时指向同一处 (folder with evidence, or s3://BUCKET/PREFIX with address and keys from the variables AWS_…; in the data folder if omitted)
    #[arg(long, global = true, env = "SHICHA_EVIDENCE", value_parser = location)]
    evidence: Option<Location>,
    /// 输出 JSON，供程序读取 (one JSON value on standard output)
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// 运行中心端；数据文件夹须先由 init 建好 (run what init has made)
    Serve(serving::Serve),
    /// 初始化数据文件夹，或改名 (make the data folder, or rename the server)
    Init {
        /// 名称，例如 连云港市应急管理局中心端 (name)
        #[arg(long)]
        name: String,
        /// 标记为样本数据 (mark everything as sample data)
        #[arg(long)]
        sample: bool,
    },
    /// 组织 (organisations)
    #[command(subcommand)]
    Org(Org),
    /// 人员 (people)
    #[command(subcommand)]
    Person(Person),
    /// 登记码 (enrolment codes)
    #[command(subcommand)]
    Code(Code),
    /// 设备 (devices)
    #[command(subcommand)]
    Device(Device),
    /// 模板包 (campaign packs)
    #[command(subcommand)]
    Pack(Pack),
    /// 数据包：不联网的电脑用 U 盘交换的 .shicha 文件 (package files of machines without a network)
    #[command(subcommand)]
    Package(Package),
    /// 软件更新：放入、发放、收回 (updates of the application)
    #[command(subcommand)]
    Update(update::Update),
    /// 被拒绝的条目：列出、放行 (refused entries: list them, let one in)
    #[command(subcommand)]
    Entry(entry::Entry),
    /// 审计记录：谁在何时做了什么 (audit log: who did what and when)
    Audit(audit::Query),
    /// 逐条核对全部数据 (hold everything against what it must be)
    Verify,
    /// 声明 PostgreSQL 数据库刚从备份恢复，在启动之前运行 (the PostgreSQL database was just restored; before it is served again)
    Restored,
    /// 声明本机时钟曾经超前、现已改正：中心端因此停止收取记录时运行，会记入审计 (states that the clock was ahead and is right now, where entries are not taken because of it; noted in the audit log)
    ClockCorrected,
    /// 备份到一个新文件夹，运行中也可以；或用 --into 存入可恢复到任一时刻的备份库 (copy to a new folder, also while the server runs; or add a moment to an archive)
    Backup {
        /// 目标文件夹，必须不存在 (target; must not exist)
        #[arg(required_unless_present = "into", conflicts_with = "into")]
        path: Option<PathBuf>,
        /// 备份库文件夹：每次运行增加一个可恢复的时刻，只存有变化的部分 (archive: each run adds a moment, and stores what changed)
        #[arg(long)]
        into: Option<PathBuf>,
        /// 只保留最近若干天的时刻 (forget moments that are older)
        #[arg(long, requires = "into")]
        keep_days: Option<u32>,
    },
    /// 从备份库恢复到某一时刻 (make a data folder of a moment of an archive)
    Restore(archive::Restore),
    /// 体检：逐项检查并说明怎样处理 (look at everything, and say what to do)
    Doctor(doctor::Doctor),
}

#[derive(Subcommand)]
enum Org {
    /// 增加或修改 (add or change)
    Add {
        /// 代码：字母、数字、- 和 _ (code)
        #[arg(long)]
        code: OrgCode,
        /// 全称 (name)
        #[arg(long)]
        name: String,
        /// 文号简称，例如 苏连 (abbreviation in document numbers)
        #[arg(long, default_value = "")]
        short_name: String,
        /// city、county 或 institution (kind)
        #[arg(long, value_parser = org_kind)]
        kind: OrgKind,
        /// 上级代码 (code of the organisation above)
        #[arg(long)]
        parent: Option<OrgCode>,
        /// 行政区划代码 (region code)
        #[arg(long)]
        region: Option<String>,
    },
    /// 列出 (list)
    List,
    /// 从 JSON 文件导入组织和人员 (import organisations and people from a JSON file)
    Import {
        /// 文件 (file)
        file: PathBuf,
    },
}

#[derive(Subcommand)]
enum Person {
    /// 增加；同名同组织同角色的人已存在时只更新证号 (add; who is there already keeps the identity)
    Add {
        /// 姓名 (name)
        #[arg(long)]
        name: String,
        /// 组织代码 (organisation)
        #[arg(long)]
        org: OrgCode,
        /// inspector、supervisor、institution 或 administrator (role)
        #[arg(long, value_parser = role)]
        role: Role,
        /// 执法证号 (certificate number)
        #[arg(long)]
        certificate: Option<String>,
    },
    /// 停用：不再能同步 (no longer acts: all devices are out)
    Retire {
        /// 编号或姓名 (identifier or unambiguous name)
        #[arg(long)]
        person: String,
    },
    /// 列出 (list)
    List,
}

#[derive(Subcommand)]
enum Code {
    /// 生成一次性登记码 (make a one-time enrolment code)
    New {
        /// 编号或姓名 (identifier or unambiguous name)
        #[arg(long)]
        person: String,
        /// 有效天数 (days until it expires)
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=90))]
        days: u32,
    },
    /// 列出未使用的 (list those that may still be used)
    List,
    /// 撤回未使用的 (take one back that was not used)
    Withdraw {
        /// 列表中的编号 (identifier from the list)
        #[arg(long)]
        code: CodeId,
    },
}

#[derive(Subcommand)]
enum Device {
    /// 列出 (list)
    List,
    /// 停用：立即生效，不可恢复 (revoke, at once and for ever)
    Revoke {
        /// 设备编号 (identifier)
        #[arg(long)]
        device: shicha_domain::DeviceId,
        /// 并在下次连接时锁定 (and it locks itself at its next contact)
        #[arg(long)]
        lock: bool,
        /// 并在下次连接时清除其全部数据 (and it wipes itself at its next contact)
        #[arg(long, conflicts_with = "lock")]
        wipe: bool,
    },
    /// 显示被锁定设备的解锁码 (show the code that opens a locked device)
    UnlockCode {
        /// 设备编号 (identifier)
        #[arg(long)]
        device: shicha_domain::DeviceId,
    },
}

#[derive(Subcommand)]
enum Pack {
    /// 检查模板包，逐条指出文件、行、列和原因 (check; names file, line, column and reason)
    Check {
        /// 文件 (file)
        file: PathBuf,
    },
    /// 检查并发布给该组织及其下级 (check, and publish to everyone at or below the organisation)
    Publish {
        /// 文件 (file)
        file: PathBuf,
        /// 发布的组织代码 (the organisation that publishes)
        #[arg(long)]
        org: OrgCode,
        /// 以谁的名义；省略时用该组织的管理员 (in whose name; an administrator of the organisation if omitted)
        #[arg(long)]
        person: Option<String>,
    },
}

#[derive(Subcommand)]
enum Package {
    /// 查看数据包里有什么，不导入 (show what is in it; takes nothing)
    Look {
        /// 文件 (file)
        file: PathBuf,
    },
    /// 导入数据包，并生成答复 (take it in, and make the answer)
    Take {
        /// 文件 (file)
        file: PathBuf,
        /// 答复写到哪里 (where the answer goes)
        #[arg(long)]
        answer: Option<PathBuf>,
        /// 答复带上已发放给该设备的软件更新 (the answer brings the update of the application that was released for it)
        #[arg(long, requires = "answer")]
        with_update: bool,
    },
    /// 为一台设备生成数据包 (make one for a device)
    Make {
        /// 设备编号 (identifier)
        #[arg(long = "for")]
        device: shicha_domain::DeviceId,
        /// 写到哪里 (file)
        #[arg(long)]
        out: PathBuf,
        /// 带上该设备可见的全部附件 (with all evidence that it may see)
        #[arg(long)]
        with_evidence: bool,
        /// 带上已发放给该设备的软件更新 (with the update of the application that was released for it)
        #[arg(long)]
        with_update: bool,
    },
    /// 生成中心端名片：不联网的电脑登记时先导入 (the card of this endpoint, for machines that enrol without a network)
    Card {
        /// 写到哪里 (file)
        #[arg(long)]
        out: PathBuf,
        /// 中心端地址，供日后联网使用 (address, for later)
        #[arg(long)]
        url: Option<String>,
    },
}

fn postgres_url(text: &str) -> Result<String, String> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        Ok(text.to_owned())
    } else {
        Err("postgres://USER:PASSWORD@HOST/DATABASE".to_owned())
    }
}

fn location(text: &str) -> Result<Location, LocationFault> {
    let settings = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Location::parse(text, settings)
}

fn org_kind(text: &str) -> Result<OrgKind, String> {
    serde_json::from_value(text.into()).map_err(|_| "city | county | institution".to_owned())
}

fn role(text: &str) -> Result<Role, String> {
    serde_json::from_value(text.into())
        .map_err(|_| "inspector | supervisor | institution | administrator".to_owned())
}

/// Does what the command line says.
pub fn run(cli: Cli) -> ExitCode {
    run_at(cli, now_ms())
}

/// Does what the command line says, at a given moment, Unix ms: sample data are made for the weeks of a campaign. `serve` follows the
/// system's clock all the same.
pub fn run_at(cli: Cli, now_ms: u64) -> ExitCode {
    let say = Say::new(cli.json);
    let place = Place {
        dir: cli.data,
        database: cli.database,
        evidence: cli.evidence,
    };
    let result = match cli.command {
        Command::Serve(how) => serving::serve(&say, place, how),
        Command::Init { name, sample } => serving::init(&say, place, &name, sample, now_ms),
        Command::Pack(Pack::Check { file }) => pack::check(&say, &file),
        Command::Restore(how) => archive::restore(&say, &how),
        Command::Doctor(how) => doctor::doctor(&say, &place, now_ms, how),
        command => Home::open(place)
            .map_err(Failure::from)
            .and_then(|home| with_home(&say, &home, now_ms, command)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => say.failure(&failure),
    }
}

fn with_home(say: &Say, home: &Home, now_ms: u64, command: Command) -> Result<(), Failure> {
    match command {
        Command::Org(Org::Add {
            code,
            name,
            short_name,
            kind,
            parent,
            region,
        }) => {
            let org = shicha_domain::directory::Org {
                code,
                name,
                short_name,
                parent,
                kind,
                region,
            };
            directory::add_org(say, home, now_ms, &org)
        }
        Command::Org(Org::List) => directory::list_orgs(say, home),
        Command::Org(Org::Import { file }) => {
            import::import(say, &Hand::command_line(home, now_ms), &file)
        }
        Command::Person(Person::Add {
            name,
            org,
            role,
            certificate,
        }) => {
            let hand = Hand::command_line(home, now_ms);
            directory::add_person(say, &hand, name, org, role, certificate)
        }
        Command::Person(Person::Retire { person }) => {
            directory::retire_person(say, home, now_ms, &person)
        }
        Command::Person(Person::List) => directory::list_people(say, home),
        Command::Code(Code::New { person, days }) => {
            device::new_code(say, home, now_ms, &person, days)
        }
        Command::Device(Device::List) => device::list(say, home),
        Command::Code(Code::List) => device::list_codes(say, home, now_ms),
        Command::Code(Code::Withdraw { code }) => device::withdraw_code(say, home, now_ms, code),
        Command::Device(Device::Revoke { device, lock, wipe }) => {
            let order = match (lock, wipe) {
                (_, true) => Some(OrderAct::Wipe),
                (true, false) => Some(OrderAct::Lock),
                (false, false) => None,
            };
            device::revoke(say, home, now_ms, device, order)
        }
        Command::Device(Device::UnlockCode { device }) => device::unlock(say, home, now_ms, device),
        Command::Entry(command) => entry::run(say, home, now_ms, command),
        Command::Audit(query) => audit::list(say, home, &query),
        Command::Pack(Pack::Publish { file, org, person }) => {
            pack::publish(say, home, now_ms, &file, &org, person.as_deref())
        }
        Command::Package(Package::Look { file }) => package::look(say, home, now_ms, &file),
        Command::Package(Package::Take {
            file,
            answer,
            with_update,
        }) => {
            let answer = answer.as_deref().map(|path| (path, with_update));
            package::take(say, home, now_ms, &file, answer)
        }
        Command::Package(Package::Make {
            device,
            out,
            with_evidence,
            with_update,
        }) => {
            let answering = Answering {
                with_update,
                ..Answering::unasked(device, with_evidence)
            };
            package::make(say, home, now_ms, &answering, &out)
        }
        Command::Package(Package::Card { out, url }) => {
            package::card(say, home, &out, url.as_deref())
        }
        Command::Update(command) => update::run(say, home, now_ms, command),
        Command::Verify => verify::verify(say, home),
        Command::Restored => keep::restored(say, home, now_ms),
        Command::ClockCorrected => keep::clock_corrected(say, home, now_ms),
        Command::Backup {
            into: Some(archive),
            keep_days,
            ..
        } => archive::add(say, home, &archive, keep_days, now_ms),
        Command::Backup { path, .. } => keep::backup(say, home, &path.unwrap_or_default()),
        // These work without an opened data folder and were done already.
        Command::Serve(_)
        | Command::Init { .. }
        | Command::Restore(_)
        | Command::Doctor(_)
        | Command::Pack(Pack::Check { .. }) => Ok(()),
    }
}

/// A part of an endpoint as its operator calls it.
fn part(name: &'static str) -> &'static str {
    match name {
        "the database" => "数据库中的表",
        "evidence" => "附件文件夹",
        file => file,
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        match error {
            HomeError::NoFolder(dir) => Self::folder(
                format!(
                    "数据文件夹 {} 不存在：检查 --data 和挂载；要新建中心端，请运行 init",
                    dir.display()
                ),
                format!(
                    "there is no folder {}: check --data and what is mounted; init makes a new endpoint",
                    dir.display()
                ),
            ),
            HomeError::Empty(dir) => Self::folder(
                format!(
                    "{} 中没有中心端数据：检查 --data 和挂载；要新建中心端，请运行 init",
                    dir.display()
                ),
                format!(
                    "there is no central endpoint in {}: check --data and what is mounted; init makes a new one",
                    dir.display()
                ),
            ),
            HomeError::Unfinished(dir) => Self::folder(
                format!("{} 的初始化中断过：再运行一次 init", dir.display()),
                format!("init was broken off in {}: run it again", dir.display()),
            ),
            HomeError::Incomplete { dir, has, lacks } => Self::folder(
                format!(
                    "{} 中有 {}，却没有 {}：检查 --data、--database、--evidence 和挂载，或从备份恢复；未作任何改动",
                    dir.display(),
                    part(has),
                    part(lacks)
                ),
                format!(
                    "{} holds {has}, but {lacks} is missing: check --data, --database, --evidence and what is mounted, or restore a backup; nothing was changed",
                    dir.display()
                ),
            ),
            HomeError::Damaged { path, what } => Self::folder(
                format!("{} 已损坏：从备份恢复，并保留原文件", path.display()),
                format!(
                    "{} is damaged: restore a backup, and keep the file: {what}",
                    path.display()
                ),
            ),
            HomeError::InUse(dir) => Self::folder(
                format!("{} 已由另一个中心端进程使用：先停止它", dir.display()),
                format!("another process serves {}: stop it first", dir.display()),
            ),
            HomeError::Store(error) => error.into(),
            other => Self::folder("数据文件夹无法使用".to_owned(), other.to_string()),
        }
    }
}
