//! A web server inside of TLS that answers what it is told to.

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::certificates::Certificate;

/// Serves whoever comes, until the test ends: `answer` has the whole response to a request for this target.
pub fn serve(
    listener: TcpListener,
    certificate: &Certificate,
    answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
) {
    tls(listener, certificate, move |stream| {
        let mut reader = BufReader::new(stream);
        let mut first = String::new();
        let _ = reader.read_line(&mut first);
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|len| len > 2) {
            line.clear();
        }
        let target = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut stream = reader.into_inner();
        let _ = stream.write_all(&answer(&target)).and_then(|()| stream.flush());
        stream.conn.send_close_notify();
        let _ = stream.flush();
    });
}

/// A TURN server inside of TLS, as far as Binding goes.
pub fn bindings(listener: TcpListener, certificate: &Certificate) {
    tls(listener, certificate, answer_bindings);
}

/// The same by TCP.
pub fn plain_bindings(listener: TcpListener) {
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer_bindings(stream));
        }
    });
}

/// A response with this status, kind and body.
pub fn response(status: &str, kind: &str, body: &str) -> Vec<u8> {
    let len = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len}\r\n\r\n");
    [head.as_bytes(), body.as_bytes()].concat()
}

fn tls(
    listener: TcpListener,
    certificate: &Certificate,
    handle: impl Fn(StreamOwned<ServerConnection, TcpStream>) + Send + Sync + 'static,
) {
    let certificates = fs::read(&certificate.certificate).unwrap();
    let certificates = CertificateDer::pem_slice_iter(&certificates).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(&fs::read(&certificate.key).unwrap()).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    let config =
        Arc::new(builder.with_no_client_auth().with_single_cert(certificates, key).unwrap());
    let handle = Arc::new(handle);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (config, handle) = (config.clone(), handle.clone());
            thread::spawn(move || {
                let _ = stream.set_read_timeout(Some(Duration::from_secs(30)));
                let Ok(connection) = ServerConnection::new(config) else { return };
                handle(StreamOwned::new(connection, stream));
            });
        }
    });
}

fn answer_bindings(mut stream: impl Read + Write) {
    let mut request = [0; 20];
    while stream.read_exact(&mut request).is_ok() {
        // A request without attributes; the answer has none either.
        let answer = [&[1, 1, 0, 0], &request[4..]].concat();
        if stream.write_all(&answer).and_then(|()| stream.flush()).is_err() {
            return;
        }
    }
}
