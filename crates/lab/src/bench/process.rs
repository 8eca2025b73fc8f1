//! Servers as processes of their own.

use std::io::{self, Read};
use std::mem::zeroed;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use turn_balance::internals::wire::{
    PADDED_REQUEST, Probe, ProbeReply, Request, RequestBody, Response, ResponseBody,
};

use crate::Built;

use super::{Result, SERVER_CORE, pin};

/// A process on the servers' core, which ends with this value.
pub struct Process(Child);

impl Process {
    pub fn start(command: &mut Command) -> Result<Self> {
        // SAFETY: between fork and exec only a system call is made.
        let command = unsafe { command.pre_exec(|| pin(SERVER_CORE)) };
        let name = command.get_program().display().to_string();
        Ok(Self(command.spawn().map_err(|error| format!("{name}: {error}"))?))
    }

    /// A balance server with this configuration.
    pub fn tb(built: Built, addr: SocketAddr, toml: &str, level: &str) -> Result<Self> {
        Self::tb_under(built, &mut Command::new(built.tb), addr, toml, level)
    }

    /// One that this command starts.
    pub fn tb_under(
        built: Built,
        command: &mut Command,
        addr: SocketAddr,
        toml: &str,
        level: &str,
    ) -> Result<Self> {
        let file = Path::new(built.folder).join(format!("{addr}.toml"));
        std::fs::write(&file, format!("net.bind = '{addr}'\nlog.level = '{level}'\n{toml}"))?;
        Self::start(command.args(["serve", "-c"]).arg(&file).stderr(Stdio::piped()))
    }

    /// This very program as one of the servers that a balance server is held against.
    pub fn echo(kind: &str, addr: SocketAddr, size: usize) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        Self::start(command.args([kind, &addr.to_string(), &size.to_string()]))
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// The processor time that it has used, to the nanosecond.
    pub fn cpu(&self) -> io::Result<Duration> {
        // SAFETY: integers that outlive the calls.
        unsafe {
            let (mut clock, mut time): (_, libc::timespec) = (0, zeroed());
            let found = libc::clock_getcpuclockid(self.0.id() as libc::pid_t, &mut clock);
            if found != 0 {
                return Err(io::Error::from_raw_os_error(found));
            }
            if libc::clock_gettime(clock, &mut time) != 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
        }
    }

    /// Resident memory in KiB, now and at most.
    pub fn memory(&self) -> Result<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no field")?;
            Result::Ok(line.trim().trim_end_matches(" kB").parse()?)
        };
        Ok((field("VmRSS:")?, field("VmHWM:")?))
    }

    /// Asks it to end. Returns what it has logged.
    pub fn end(mut self) -> Result<String> {
        // SAFETY: numbers, of a child that has not been waited for.
        unsafe { libc::kill(self.0.id() as libc::pid_t, libc::SIGTERM) };
        let mut log = String::new();
        if let Some(mut stderr) = self.0.stderr.take() {
            stderr.read_to_string(&mut log)?;
        }
        self.0.wait()?;
        Ok(log)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address that nobody listens at.
pub fn free_addr() -> io::Result<SocketAddr> {
    UdpSocket::bind("127.0.0.1:0")?.local_addr()
}

/// What a client sends to a root.
pub fn request() -> Vec<u8> {
    let body = RequestBody::Probe(Probe { nonce: u64::MAX, ..Probe::default() });
    Request { id: u32::MAX, body }.encode(PADDED_REQUEST)
}

/// Asks until the answer is as it should be. Returns its size.
pub fn wait_for(
    server: SocketAddr,
    patience: Duration,
    right: impl Fn(&ProbeReply) -> bool,
) -> Result<usize> {
    let socket = UdpSocket::bind((server.ip(), 0))?;
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    let mut buffer = [0; 65_535];
    let start = Instant::now();
    while start.elapsed() < patience {
        socket.send_to(&request(), server)?;
        let Ok(len) = socket.recv(&mut buffer) else { continue };
        if let Ok(Response { body: ResponseBody::Probe(reply), .. }) =
            Response::decode(&buffer[..len])
            && right(&reply)
        {
            return Ok(len);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(format!("{server} does not offer what it should").into())
}

/// A number of the counters that a server logs when it ends.
pub fn counter(log: &str, name: &str) -> Result<u64> {
    let (_, rest) = log.split_once(&format!("{name} ")).ok_or("no counters in the log")?;
    Ok(rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default().parse()?)
}
