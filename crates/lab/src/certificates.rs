//! Certificates of tests, made by openssl.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Built;

/// A certificate and its key, in files.
pub struct Certificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Who signs certificates, in a folder of its own.
pub struct Authority {
    folder: PathBuf,
}

impl Authority {
    /// A new one.
    pub fn new(built: Built) -> Self {
        let folder = built.file("authority");
        fs::create_dir_all(&folder).unwrap();
        let authority = Self { folder };
        let config = "[ca]\ndefault_ca = own\n[own]\ndatabase = index\nserial = serial\n\
                      new_certs_dir = .\ndefault_md = sha256\npolicy = any\nemail_in_dn = no\n\
                      unique_subject = no\ncopy_extensions = copy\n[any]\ncommonName = supplied\n";
        authority.write("config", config);
        authority.write("index", "");
        authority.write("serial", "01\n");
        authority.openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "30",
            "-subj",
            "/CN=authority.example",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ]);
        authority
    }

    /// Whom to trust.
    pub fn roots(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Its own, for a server that stands for itself, as it must not.
    pub fn own(&self) -> Certificate {
        Certificate { certificate: self.roots(), key: self.folder.join("ca.key") }
    }

    /// One that names this (`DNS:turn.example`, `IP:127.0.0.1`) and ends then, as `20261001000000Z`.
    pub fn sign(&self, name: &str, end: &str) -> Certificate {
        self.sign_from(name, "20200101000000Z", end)
    }

    /// One that begins then, too.
    pub fn sign_from(&self, name: &str, start: &str, end: &str) -> Certificate {
        let file = name.replace([':', '.'], "-") + "-" + start + "-" + end;
        let [key, request, signed] = ["key", "csr", "pem"].map(|kind| format!("{file}.{kind}"));
        self.openssl(&[
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=turn.example",
            "-addext",
            &format!("subjectAltName={name}"),
            "-keyout",
            &key,
            "-out",
            &request,
        ]);
        self.openssl(&[
            "ca",
            "-batch",
            "-notext",
            "-config",
            "config",
            "-keyfile",
            "ca.key",
            "-cert",
            "ca.pem",
            "-startdate",
            start,
            "-enddate",
            end,
            "-in",
            &request,
            "-out",
            &signed,
        ]);
        Certificate { certificate: self.folder.join(signed), key: self.folder.join(key) }
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.folder.join(file), text).unwrap();
    }

    fn openssl(&self, args: &[&str]) {
        let output = Command::new("openssl")
            .args(args)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .output()
            .expect("openssl");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all::<&Path>(&self.folder);
    }
}
