//! What runs on hosts: balance servers, TURN servers, and what stands in for them.
#![expect(unsafe_code, reason = "to signal a process is a system call")]

use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use stun_types::message::{Message, MessageWrite, MessageWriteVec};

use crate::Built;
use crate::coturn::NO_FILE;
use crate::host::Host;

/// A server, killed when it is dropped.
pub struct Process {
    child: Child,
    log: PathBuf,
    /// What it reads.
    files: Vec<PathBuf>,
}

impl Process {
    /// Starts one that logs to its standard error.
    pub fn start(built: Built, command: &mut Command) -> io::Result<Self> {
        let log = built.file("log");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);
        Ok(Self { child: command.spawn()?, log, files: Vec::new() })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: libc::c_int) {
        // SAFETY: numbers, of a child that has not been waited for.
        unsafe { libc::kill(self.child.id() as libc::pid_t, signal) };
    }

    /// How it has ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks it to end, as it should, and at once. Returns all that it has logged.
    pub fn end(self) -> String {
        self.end_by(libc::SIGINT)
    }

    /// Asks it to end by such a signal. Returns all that it has logged.
    pub fn end_by(mut self, signal: libc::c_int) -> String {
        self.signal(signal);
        let status = self.child.wait().unwrap();
        let log = self.log();
        assert!(status.success(), "it ended with {status}, signal {:?}: {log}", status.signal());
        log
    }

    /// Ends a server, and returns what it counted under this name.
    pub fn end_and_count(self, name: &str) -> u64 {
        let log = self.end();
        let (_, counters) = log.rsplit_once("counters=").expect("counters in the log");
        let mut words = counters.split([' ', ',']).skip_while(|word| *word != name);
        words.nth(1).map_or(0, |number| number.trim().parse().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for file in self.files.iter().chain([&self.log]) {
            let _ = fs::remove_file(file);
        }
    }
}

impl Host {
    /// Starts a balance server with this configuration.
    pub fn serve(&self, toml: &str) -> Process {
        let config = self.built.file("toml");
        fs::write(&config, toml).unwrap();
        let mut command = self.command(self.built.tb);
        command.args(["serve", "-c"]).arg(&config).env("NO_COLOR", "1");
        let mut process = Process::start(self.built, &mut command).expect("tb serve");
        process.files.push(config);
        process
    }

    /// Starts one that takes names from these lines of a hosts file.
    pub fn serve_knowing(&self, names: &str, toml: &str) -> Process {
        let [config, hosts] = ["toml", "hosts"].map(|kind| self.built.file(kind));
        fs::write(&config, toml).unwrap();
        fs::write(&hosts, names).unwrap();
        let mut command = self.knowing(&hosts);
        command.args(["serve", "-c"]).arg(&config);
        let mut process = Process::start(self.built, &mut command).expect("tb serve");
        process.files.extend([config, hosts]);
        process
    }

    /// The candidates of a trace that takes names from these lines.
    pub fn trace_knowing(&self, names: &str, args: &[&str]) -> Vec<(SocketAddr, String)> {
        let args: Vec<_> = ["trace", "--json"].iter().chain(args).copied().collect();
        rows(&self.tb_knowing(names, &args).stdout)
    }

    /// What comes of a `tb` that takes names from these lines.
    pub fn tb_knowing(&self, names: &str, args: &[&str]) -> Output {
        let hosts = self.built.file("hosts");
        fs::write(&hosts, names).unwrap();
        let output = self.knowing(&hosts).args(args).output();
        let _ = fs::remove_file(&hosts);
        output.unwrap()
    }

    /// `tb` where this is /etc/hosts.
    pub fn knowing(&self, hosts: &Path) -> Command {
        let script = "mount --bind \"$0\" /etc/hosts && mount --bind \"$1\" /etc/resolv.conf && \
                      shift && exec \"$@\"";
        let resolver = self.resolver.as_deref().unwrap_or("/etc/resolv.conf".as_ref());
        let mut command = self.command("unshare");
        command.args(["--mount", "sh", "-c", script]);
        command.args([hosts, resolver, self.built.tb.as_ref()]);
        command.env("NO_COLOR", "1").env_remove("TB_SERVER");
        command
    }

    /// Starts a coturn.
    pub fn coturn(&self, bind: SocketAddr) -> io::Result<Process> {
        let mut command = self.command("turnserver");
        command.args(["-n", "--no-auth", "--no-tls", "--no-dtls", "--no-cli", "--no-tcp"]);
        command.args(["--log-file=stdout", "--pidfile=/dev/null", "--relay-threads=1"]);
        command.arg(NO_FILE).arg(format!("--listening-ip={}", bind.ip()));
        command.arg(format!("--relay-ip={}", bind.ip()));
        command.arg(format!("--listening-port={}", bind.port()));
        Process::start(self.built, &mut command)
    }

    /// Starts a tayga: what is sent into this IPv6 prefix of 96 bits goes on as IPv4, from addresses
    /// of this /24. Its interface is `nat64`, which has to be set up and routed to.
    pub fn tayga(&self, prefix: &str, pool: &str) -> io::Result<Process> {
        let config = self.built.file("tayga");
        let own = pool.replace(".0/24", ".1");
        let text =
            format!("tun-device nat64\nipv4-addr {own}\nprefix {prefix}/96\ndynamic-pool {pool}\n");
        fs::write(&config, text)?;
        let mut command = self.command("tayga");
        command.arg("--config").arg(&config).arg("--mktun");
        if !command.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success() {
            return Err(io::Error::other("tayga: it gets no interface"));
        }
        let mut command = self.command("tayga");
        command.arg("--config").arg(&config).arg("--nodetach");
        let mut process = Process::start(self.built, &mut command)?;
        process.files.push(config);
        Ok(process)
    }

    /// Answers what comes to an address, on a thread of its own.
    pub fn answer(
        &self,
        addr: SocketAddr,
        answer: impl Fn(&UdpSocket, SocketAddr, &[u8]) + Send + 'static,
    ) -> Answerer {
        let socket = self.udp(addr);
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !stopped.load(Ordering::Relaxed) {
                if let Ok((len, from)) = socket.recv_from(&mut buffer) {
                    answer(&socket, from, &buffer[..len]);
                }
            }
        });
        Answerer { stop, thread: Some(thread) }
    }

    /// What `tb probe` prints, if it finds anything.
    pub fn probe(&self, args: &[&str]) -> Option<SocketAddr> {
        let output = self.tb("probe", args).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().ok()
    }

    /// The candidates of a trace: their addresses and states.
    pub fn trace(&self, args: &[&str]) -> Vec<(SocketAddr, String)> {
        let output = self.tb("trace", args).arg("--json").output().unwrap();
        rows(&output.stdout)
    }

    /// What a trace says beside its table.
    pub fn told(&self, args: &[&str]) -> String {
        let output = self.tb("trace", args).output().unwrap();
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// A `tb` of this host, which tells nobody where the roots are.
    pub fn tb(&self, command: &str, args: &[&str]) -> Command {
        let mut tb = self.command(self.built.tb);
        tb.arg(command).args(args).env("NO_COLOR", "1").env_remove("TB_SERVER");
        tb
    }
}

/// The candidates of a document that `tb trace` has written.
fn rows(document: &[u8]) -> Vec<(SocketAddr, String)> {
    let trace: Value = serde_json::from_slice(document).unwrap_or_default();
    let rows = trace["candidates"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.map(|row| (text(&row["addr"]).parse().unwrap(), text(&row["state"]))).collect()
}

/// A thread that answers, until this is dropped.
pub struct Answerer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Answerer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Answers STUN Binding requests, as a TURN server does.
pub fn answer_bindings(socket: &UdpSocket, from: SocketAddr, datagram: &[u8]) {
    let Ok(request) = Message::from_bytes(datagram) else { return };
    let answer = Message::builder_success(&request, MessageWriteVec::new()).finish();
    let _ = socket.send_to(&answer, from);
}
