//! An admin interface that nobody could ask, or that anybody could.

use std::path::Path;

use super::mistake::Mistake;
use super::place::Place;
use crate::config::model::{Admin, AdminAddr};

/// The longest path of a socket that the system takes (unix(7): 108 bytes with the zero behind it).
const MAX_PATH: usize = 107;

/// What is wrong with the admin interface of a configuration.
pub(super) fn bad_admin(admin: &Admin) -> Vec<Mistake> {
    let Some(bind) = &admin.bind else { return without_bind(admin) };
    let mut mistakes = Vec::new();
    match bind {
        AdminAddr::Unix(path) => {
            mistakes.extend(bad_path(path));
            if !admin.allow.is_empty() {
                mistakes.push(Mistake {
                    hint: Some("the permissions of its folder and of the socket say who may"),
                    ..Mistake::at(Place::Allow, "nobody at a Unix socket has an address".into())
                });
            }
        }
        AdminAddr::Tcp(bind) => {
            let ip = bind.addr().ip();
            if ip.is_multicast() || ip == std::net::IpAddr::from([255; 4]) {
                let message = format!("{} `{bind}` is nobody's address", Place::AdminBind.role());
                mistakes.push(Mistake::at(Place::AdminBind, message));
            }
        }
    }
    if bind.is_of_this_host() {
        return mistakes;
    }
    let missing = match (admin.allow.is_empty(), admin.token_file.is_none()) {
        (true, true) => "`allow` and `token-file`",
        (true, false) => "`allow`",
        (false, true) => "`token-file`",
        (false, false) => return mistakes,
    };
    mistakes.push(Mistake {
        hint: Some(
            "such as `allow = [\"10.0.0.0/8\"]` and `token-file = \"admin.token\"`, or bind it to \
             127.0.0.1 or unix:PATH",
        ),
        ..Mistake::at(
            Place::AdminBind,
            format!("admin address `{bind}` is open to other hosts, and has no {missing}"),
        )
    });
    mistakes
}

/// Keys of one that there is not.
fn without_bind(admin: &Admin) -> Vec<Mistake> {
    let set =
        [(!admin.allow.is_empty(), Place::Allow), (admin.token_file.is_some(), Place::AdminToken)];
    let first = set.into_iter().find(|(set, _)| *set);
    let mistake = first.map(|(_, place)| Mistake {
        hint: Some("add one: `bind = \"127.0.0.1:9301\"`"),
        ..Mistake::at(place, format!("{} is of no use without `admin.bind`", place.role()))
    });
    mistake.into_iter().collect()
}

fn bad_path(path: &Path) -> Option<Mistake> {
    let message = match path.as_os_str().len() {
        _ if !path.is_absolute() => "is not a path from the root on",
        len if len > MAX_PATH => "is longer than a socket's path may be, 107 bytes",
        _ => return None,
    };
    Some(Mistake {
        hint: Some("such as `unix:/run/tb.sock`"),
        ..Mistake::at(
            Place::AdminBind,
            format!("admin address {} {message}", crate::types::quoted(&path.to_string_lossy())),
        )
    })
}
