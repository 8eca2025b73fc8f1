//! A real name server: Debian's Knot DNS, whose zone a test changes.

use std::env;
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;

use crate::host::{Host, eventually};
use crate::loopback::skipped;
use crate::process::Process;

/// The zone that it has.
pub const ZONE: &str = "example.org";

/// A Knot, until it is dropped.
pub struct Knot {
    process: Process,
    folder: PathBuf,
    serial: u32,
}

impl Knot {
    /// Starts one on a host, which has these records in [`ZONE`], each line `NAME TYPE DATA`; `None`, and a loud
    /// word, where there is no Knot on this machine and none is required.
    pub fn start(host: &Host, ip: IpAddr, records: &str) -> Option<Self> {
        let folder = host.built.file("knot");
        fs::create_dir_all(&folder).unwrap();
        let at = folder.display();
        let config = format!(
            "server:\n  rundir: \"{at}\"\n  listen: {ip}@53\n  udp-workers: 1\n  tcp-workers: 1\n\
             control:\n  listen: \"{at}/control\"\n\
             database:\n  storage: \"{at}\"\n\
             log:\n- target: stderr\n  any: info\n\
             zone:\n- domain: {ZONE}\n  file: \"{at}/zone\"\n  journal-content: none\n\
             \x20 zonefile-sync: -1\n  zonefile-load: whole\n  semantic-checks: false\n"
        );
        fs::write(folder.join("config"), config).unwrap();
        fs::write(folder.join("zone"), zone(1, records)).unwrap();
        let mut command = host.command("knotd");
        command.arg("-c").arg(folder.join("config"));
        let process = match Process::start(host.built, &mut command) {
            Ok(process) => process,
            Err(error) => {
                let _ = fs::remove_dir_all(&folder);
                assert!(env::var_os("CI").is_none(), "no Knot, and it is required: {error}");
                skipped("no Knot here; `apt-get install knot` runs this test");
                return None;
            }
        };
        let knot = Self { process, folder, serial: 1 };
        eventually("Knot answers", || knot.control(&["status"]).then_some(()));
        Some(knot)
    }

    /// Has these records from now on, and no others.
    pub fn say(&mut self, records: &str) {
        self.serial += 1;
        fs::write(self.folder.join("zone"), zone(self.serial, records)).unwrap();
        assert!(self.control(&["-b", "zone-reload", ZONE]), "{}", self.process.log());
    }

    /// Is silent from now on, and keeps what comes.
    pub fn pause(&self) {
        self.process.signal(libc::SIGSTOP);
    }

    /// Answers what has come, and all that comes.
    pub fn go_on(&self) {
        self.process.signal(libc::SIGCONT);
    }

    fn control(&self, args: &[&str]) -> bool {
        let mut command = Command::new("knotc");
        command.arg("-c").arg(self.folder.join("config")).args(args);
        command.output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for Knot {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What holds is said to hold for a second.
fn zone(serial: u32, records: &str) -> String {
    format!(
        "$ORIGIN {ZONE}.\n$TTL 1\n@ SOA ns hostmaster {serial} 3600 600 86400 1\n@ NS ns\n\
         ns A 203.0.113.53\n{records}\n"
    )
}
