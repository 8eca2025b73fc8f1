//! A TURN server that does not answer, beside a leaf that says it does.

use serde_json::Value;
use turn_balance_lab::loopback::{Net, answer_bindings};

use crate::{client, leaf, said};

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_on_the_word_of_a_leaf_is_told_or_refused() {
    let net = Net::new();
    let (_server, root) = leaf(&net).await;
    let (turn, root) = (net.turn(1).to_string(), root.to_string());
    let probe = |args: &[&str]| said(client(&[&["probe", &root], args].concat()).output().unwrap());

    let (code, stdout, stderr) = probe(&[]);
    assert_eq!((code, stdout.trim_end()), (Some(0), turn.as_str()), "{stderr}");
    let warning = format!(
        "warning: no TURN server answered itself: `{turn}` is named on the word of `leaf` ({root})\n"
    );
    assert!(stderr.ends_with(&warning), "{stderr}");
    assert_eq!(probe(&["-q"]).2, "");
    assert!(!probe(&["--verify", "off"]).2.contains("warning"), "who asks nobody knows it");

    let (code, stdout, stderr) = probe(&["--verify", "require"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    let expected = format!(
        "error: no TURN server reached from `{root}`\n  Caused by: level 0: no TURN server answered \
         itself, nor did `{turn}` beside `leaf` ({root})\n\nhint: `tb ping stun:{turn}` shows whether \
         it answers at all\n"
    );
    assert_eq!(stderr, expected);
    let document = |args: &[&str]| {
        let (code, stdout, _) = probe(&[&["--json", "-q"], args].concat());
        (code, serde_json::from_str::<Value>(&stdout).unwrap())
    };
    let (code, refused) = document(&["--verify", "require"]);
    assert_eq!((code, &refused["turn"]), (Some(1), &Value::Null));
    assert_eq!(refused["error"]["kind"], "unverified", "{refused}");
    assert_eq!(document(&[]).1["verified"], false);

    answer_bindings(net.turn(1));
    for strategy in ["best", "first"] {
        let (code, answered) = document(&["--verify", "require", "--strategy", strategy]);
        assert_eq!((code, &answered["verified"]), (Some(0), &Value::Bool(true)), "{answered}");
    }
    let (_, _, stderr) = probe(&["-v"]);
    assert!(stderr.contains("ms, verified\n") && !stderr.contains("warning"), "{stderr}");
}
