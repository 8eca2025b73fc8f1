//! What runs beside the server, where the configuration has it: the broker, and the admin interface.

use std::future::pending;

use turn_balance::{Admin, AdminListener, Broker, Error, Http, Server};

/// What does.
pub(super) struct Beside {
    broker: Option<Broker>,
    admin: Option<AdminListener>,
}

impl Beside {
    /// Starts it.
    pub(super) async fn start(http: Http, admin: Admin, server: &Server) -> Result<Self, Error> {
        let broker = start_broker(http, server).await?;
        let admin = AdminListener::start(admin, server).await?;
        if let Some(admin) = &admin {
            tracing::info!(at = %admin.addr(), "admin interface listening");
        }
        Ok(Self { broker, admin })
    }

    /// Waits until a part of it cannot go on.
    pub(super) async fn failed(&self) -> Error {
        let broker = async {
            match &self.broker {
                Some(broker) => broker.failed().await,
                None => pending().await,
            }
        };
        let admin = async {
            match &self.admin {
                Some(admin) => admin.failed().await,
                None => pending().await,
            }
        };
        tokio::select! {
            error = broker => error,
            error = admin => error,
        }
    }

    /// Stops it.
    pub(super) async fn stop(self) {
        let broker = async {
            if let Some(broker) = self.broker {
                broker.stop().await;
            }
        };
        let admin = async {
            if let Some(admin) = self.admin {
                admin.stop().await;
            }
        };
        tokio::join!(broker, admin);
    }
}

/// Starts the broker, where the configuration has one.
async fn start_broker(http: Http, server: &Server) -> Result<Option<Broker>, Error> {
    if http.bind.is_empty() {
        return Ok(None);
    }
    let tls = http.cert.is_some();
    let broker = Broker::start(http, server.addrs()).await?;
    for addr in broker.addrs() {
        tracing::info!(tcp = %addr, tls, "broker listening");
    }
    Ok(Some(broker))
}
