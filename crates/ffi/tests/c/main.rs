//! The library in the hands of C and C++: programs that are compiled here, against what cargo has built for this
//! test, and a cascade in this process for them to ask.
//!
//! `TB_FFI_CFLAGS` and `TB_FFI_LIBS` are what to compile with instead, as `pkg-config` says it of a library that is
//! installed, or for a sanitizer. What is missing on this machine is skipped, unless `CI` is set.
#![cfg(target_os = "linux")]

mod abi;
mod webrtc;

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, str};

use tokio::runtime::Runtime;
use turn_balance::Server;
use turn_balance_lab::loopback::{Net, answer_bindings, config, skipped};

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// A root with two leaves, each beside what answers as a TURN server does.
struct Cascade {
    root: SocketAddr,
    _servers: Vec<Server>,
    _runtime: Runtime,
}

impl Cascade {
    fn start() -> Self {
        let net = Net::new();
        let runtime = Runtime::new().unwrap();
        let leaves = [net.server(2), net.server(3)];
        let mut servers = Vec::new();
        for (n, name) in [(2, "east"), (3, "west")] {
            answer_bindings(net.turn(n));
            let leaf = config(net.server(n), name, Some(net.server(1)), &[], Some(net.turn(n)));
            servers.push(runtime.block_on(Server::start(leaf)).unwrap());
        }
        let root = config(net.server(1), "root", None, &leaves, None);
        servers.push(runtime.block_on(Server::start(root)).unwrap());
        let cascade = Self { root: net.server(1), _servers: servers, _runtime: runtime };
        cascade.wait();
        cascade
    }

    /// Until both leaves can be chosen.
    fn wait(&self) {
        let asking = async {
            let balance = turn_balance::Balance::new(self.root).await.unwrap();
            while balance.select().await.map_or(0, |found| found.runners_up.len()) == 0 {}
        };
        self._runtime.block_on(asking);
    }
}

/// Compiles a program of this folder's.
fn compile(compiler: &str, source: &str, extra: &[&str]) -> Option<PathBuf> {
    let flags = |name, default: String| env::var(name).unwrap_or(default);
    let built = env::current_exe().unwrap();
    let built = built.parent().unwrap().display().to_string();
    let includes = flags("TB_FFI_CFLAGS", format!("-I{FOLDER}/include"));
    let libraries =
        flags("TB_FFI_LIBS", format!("-L{built} -lturn_balance_ffi -Wl,-rpath,{built}"));
    static PROGRAMS: AtomicU32 = AtomicU32::new(0);
    let number = PROGRAMS.fetch_add(1, Ordering::Relaxed);
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("c-{number}"));
    let object = program.with_extension("o");
    let mut compile = Command::new(compiler);
    compile.args(["-c", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&object);
    // Before those of today: they may be those of an earlier header.
    compile.arg(format!("{FOLDER}/{source}")).args(extra).args(includes.split_whitespace());
    let mut link = Command::new(compiler);
    link.args(["-pthread", "-o"]).args([&program, &object]);
    link.args(extra).args(libraries.split_whitespace());
    for mut step in [compile, link] {
        match step.output() {
            Ok(Output { status, stderr, .. }) => {
                assert!(status.success(), "{step:?}: {}", String::from_utf8_lossy(&stderr));
            }
            Err(error) => return lacks(&format!("no {compiler}: {error}")),
        }
    }
    Some(program)
}

/// Nothing, and a loud word; not where all must be there.
fn lacks<T>(why: &str) -> Option<T> {
    assert!(env::var_os("CI").is_none(), "{why}, and CI is set");
    skipped(why);
    None
}

/// What a program prints that ends well.
fn printed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{command:?}: {status}: {stderr}");
    String::from_utf8(stdout).unwrap()
}

/// A port of loopback where nothing listens.
fn closed() -> String {
    static HELD: OnceLock<UdpSocket> = OnceLock::new();
    // What is bound to another address of the host keeps others from this port, and hears nothing of it.
    let held = HELD.get_or_init(|| UdpSocket::bind("127.255.0.1:0").unwrap());
    format!("127.255.0.2:{}", held.local_addr().unwrap().port())
}

#[test]
fn the_example_in_c_names_a_turn_server() {
    let Some(program) = compile("cc", "examples/select.c", &["-std=c11"]) else { return };
    let cascade = Cascade::start();
    let run = || {
        let said = printed(Command::new(&program).arg(cascade.root.to_string()));
        let lines: Vec<_> = said.lines().collect();
        assert!(lines[0].contains(":3478 ") && lines[0].ends_with(" ms"), "{said}");
        assert!(lines.contains(&format!("  by {}", cascade.root).as_str()), "{said}");
        let ice = lines.last().unwrap();
        assert!(ice.starts_with(r#"{"iceServers":[{"urls":["turn:127."#), "{said}");
        lines.iter().any(|line| line.ends_with(":3478, which is slower"))
    };
    // The other leaf is not waited for where it cannot win any more.
    assert!((0..100).any(|_| run()), "there is never a runner-up");

    let Output { status, stderr, .. } = Command::new(&program).arg(closed()).output().unwrap();
    let stderr = str::from_utf8(&stderr).unwrap();
    assert_eq!((status.code(), stderr.lines().count()), (Some(1), 1), "{stderr}");
    assert!(stderr.contains(&closed()), "{stderr}");
}

#[test]
fn the_example_in_cpp_names_a_turn_server() {
    let Some(program) = compile("c++", "examples/start.cpp", &["-std=c++17"]) else { return };
    let cascade = Cascade::start();
    let said = printed(Command::new(&program).arg(cascade.root.to_string()));
    assert!(said.ends_with(":3478\n"), "{said}");
}

/// With a sanitizer of `TB_FFI_CFLAGS` too: it ends with another code where it finds something.
#[test]
fn a_thousand_selections_of_two_threads() {
    let Some(program) = compile("cc", "tests/c/many.c", &["-std=gnu11"]) else { return };
    let cascade = Cascade::start();
    let said = printed(Command::new(program).args([&cascade.root.to_string(), &closed(), "500"]));
    assert_eq!(said, "500 and 500\n");
}

#[test]
fn a_forked_child_leaves_its_parents_selections_alone() {
    let Some(program) = compile("cc", "tests/c/fork.c", &["-std=gnu11"]) else { return };
    let cascade = Cascade::start();
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let roots = [cascade.root, silent.local_addr().unwrap()].map(|root| root.to_string());
    assert_eq!(printed(Command::new(program).args(roots)), "whole\n");
}

#[test]
fn valgrind_finds_nothing() {
    if env::var_os("TB_FFI_CFLAGS").is_some() {
        return;
    }
    let Some(program) = compile("cc", "tests/c/many.c", &["-std=gnu11"]) else { return };
    if Command::new("valgrind").arg("--version").output().is_err() {
        return lacks("there is no valgrind").unwrap_or_default();
    }
    let cascade = Cascade::start();
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--error-exitcode=9", "--leak-check=full", "--fair-sched=yes"]);
    valgrind.args(["--show-leak-kinds=all", "--errors-for-leak-kinds=all", "--track-fds=yes"]);
    let said = printed(valgrind.arg(program).args([&cascade.root.to_string(), &closed(), "500"]));
    assert_eq!(said, "500 and 500\n");
}
