//! The line between one laptop and the central endpoint: a proxy that carries bytes as a good line does, or as a bad one.
//!
//! Loss is modelled where a program meets it, on the stream: a lost packet is sent again after a pause that doubles with each try, and
//! nothing behind it gets through meanwhile (RFC 6298); after several losses in a row the connection is given up.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Result, bail};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::sleep,
};

use crate::dice::Dice;

/// What fits into a packet.
const PACKET: usize = 1_200;
/// 64 kbit/s.
const POOR_BYTES_PER_S: f64 = 8_000.0;
const POOR_LOSS_IN_HUNDRED: u64 = 30;
/// Of a network's shortest waits before it sends again.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// After so many losses of the same packet the connection is given up.
const GIVE_UP: u32 = 5;

/// How the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Quality {
    Good,
    /// 64 kbit/s, and three of ten packets are lost.
    Poor,
    /// Connections break anywhere, in the middle of a packet too.
    Breaks,
    /// What is asked arrives; answers often do not.
    Mute,
}

impl Quality {
    pub(crate) fn by(dice: &mut Dice) -> Self {
        match dice.below(10) {
            0..4 => Self::Good,
            4..6 => Self::Poor,
            6..8 => Self::Breaks,
            _ => Self::Mute,
        }
    }
}

/// One laptop's line.
pub(crate) struct Line {
    pub(crate) url: String,
    quality: Arc<AtomicU8>,
    broken: Arc<AtomicU64>,
}

/// Where the processes of the endpoint listen at the moment; empty while none runs.
pub(crate) type Upstreams = Arc<Mutex<Vec<Option<SocketAddr>>>>;

#[derive(Clone)]
struct Carrier {
    quality: Arc<AtomicU8>,
    broken: Arc<AtomicU64>,
    dice: Arc<Mutex<Dice>>,
}

impl Line {
    /// Begins to carry, in the background.
    pub(crate) async fn start(upstreams: Upstreams, dice: Dice) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let carrier = Carrier {
            quality: Arc::default(),
            broken: Arc::default(),
            dice: Arc::new(Mutex::new(dice)),
        };
        let line = Self {
            url: format!("http://{}", listener.local_addr()?),
            quality: Arc::clone(&carrier.quality),
            broken: Arc::clone(&carrier.broken),
        };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let up = {
                    let up: Vec<_> = upstreams.lock().iter().flatten().copied().collect();
                    let at = carrier.dice.lock().below(up.len() as u64);
                    up.get(at as usize).copied()
                };
                let Some(up) = up else { continue };
                let carrier = carrier.clone();
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(up).await else {
                        return;
                    };
                    // Either end goes away all the time, and this one cuts.
                    let _ended = carrier.carry(client, server).await.is_err();
                });
            }
        });
        Ok(line)
    }

    pub(crate) fn be(&self, quality: Quality) {
        self.quality.store(quality as u8, Ordering::SeqCst);
    }

    /// How often it broke.
    pub(crate) fn broken(&self) -> u64 {
        self.broken.load(Ordering::SeqCst)
    }
}

impl Carrier {
    async fn carry(&self, client: TcpStream, server: TcpStream) -> Result<()> {
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        // Both halves are dropped as soon as one of them is cut.
        tokio::try_join!(
            self.copy(from_client, to_server, false),
            self.copy(from_server, to_client, true)
        )?;
        Ok(())
    }

    fn is(&self, quality: Quality) -> bool {
        self.quality.load(Ordering::SeqCst) == quality as u8
    }

    fn in_hundred(&self, cases: u64) -> bool {
        self.dice.lock().in_hundred(cases)
    }

    async fn copy(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        is_answer: bool,
    ) -> Result<()> {
        let mut packet = [0; PACKET];
        loop {
            let length = from.read(&mut packet).await?;
            if length == 0 {
                to.shutdown().await?;
                return Ok(());
            }
            if self.is(Quality::Poor) {
                sleep(Duration::from_secs_f64(length as f64 / POOR_BYTES_PER_S)).await;
                let mut wait = FIRST_WAIT;
                let mut losses = 0;
                while self.is(Quality::Poor) && self.in_hundred(POOR_LOSS_IN_HUNDRED) {
                    losses += 1;
                    if losses == GIVE_UP {
                        return self.cut();
                    }
                    sleep(wait).await;
                    wait *= 2;
                }
            } else if self.is(Quality::Breaks) && self.in_hundred(8) {
                let some = self.dice.lock().below(length as u64 + 1) as usize;
                to.write_all(&packet[..some]).await?;
                return self.cut();
            } else if self.is(Quality::Mute) && is_answer && self.in_hundred(30) {
                return self.cut();
            }
            to.write_all(&packet[..length]).await?;
        }
    }

    fn cut(&self) -> Result<()> {
        self.broken.fetch_add(1, Ordering::SeqCst);
        bail!("the line broke")
    }
}
