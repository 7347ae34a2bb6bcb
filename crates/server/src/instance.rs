//! One instance of the endpoints without a listener: for whoever brings requests by another way than a socket, such as a simulation
//! of several instances and many devices in one process.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse as _, Response},
};
use shicha_sync::Random;
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::{
    administration::Hand,
    home::{Home, HomeError},
    http::{App, Life, Limits, Peer, router},
    serve::Clock,
    store::StoreError,
};

/// An instance that answers what it is handed. Dropping it is like the end of the process: it keeps nothing that is not in the store.
pub struct Instance {
    app: Arc<App>,
    router: axum::Router,
    /// While it lives, the instance is not closing.
    _closing: watch::Sender<bool>,
}

impl Instance {
    /// Begins to serve an opened data folder. May block.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn start(home: Home, clock: Clock, random: Random) -> Result<Self, HomeError> {
        let (closing, is_closing) = watch::channel(false);
        let life = Life {
            clock,
            random,
            proxies: Vec::new(),
            // They go by the time that passes outside, which is not that of whoever brings the requests.
            limits: Limits::new(0, 0),
        };
        let app = Arc::new(App::start(home, life, Arc::default(), is_closing)?);
        Ok(Self {
            router: router(Arc::clone(&app)),
            app,
            _closing: closing,
        })
    }

    /// The data folder that it serves.
    pub fn home(&self) -> &Home {
        &self.app.home
    }

    /// States that the clock was ahead and is right now, as the command line does. May block.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn correct_clock(&self) -> Result<(), StoreError> {
        Hand::command_line(&self.app.home, self.app.now_ms()).correct_clock()
    }

    /// Answers one request. Needs a Tokio runtime with time.
    pub async fn answer(&self, mut request: Request<Body>, from: SocketAddr) -> Response {
        request.extensions_mut().insert(Peer(from.ip()));
        match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => never.into_response(),
        }
    }
}
