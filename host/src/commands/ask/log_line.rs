//! A line of a script's log, for people.
//!
//! Invariant: whatever the line holds, it is shown as something.

use serde_json::Value;

/// The line, which is JSON.
pub(super) fn shown(line: &str) -> String {
    let Ok(line) = serde_json::from_str::<Value>(line) else { return line.to_owned() };
    let text = |key: &str| line[key].as_str().unwrap_or_default();
    let what = match text("kind") {
        "print" | "note" => text("text").trim_end().to_owned(),
        "log" => format!("{}: {}", text("level"), text("text").trim_end()),
        "crashed" => format!("stopped {}; restarting in {} s", text("text"), line["restart_in_s"]),
        "load_failed" => format!("could not be loaded: {}", text("text").trim_end()),
        "given_up" => format!("given up, and not started again: {}", text("text")),
        "ended" => format!("ended with code {}", line["code"]),
        "dropped" => format!("{} bytes of output were dropped", line["bytes"]),
        kind => kind.to_owned(),
    };
    format!("{} {what}", text("time"))
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn every_kind_is_shown() {
        for (line, text) in [
            (r#"{"time":"T","kind":"print","stream":"stdout","text":"hello\n"}"#, "T hello"),
            (r#"{"time":"T","kind":"log","level":"warn","text":"odd"}"#, "T warn: odd"),
            (r#"{"time":"T","kind":"ready"}"#, "T ready"),
            (r#"{"time":"T","kind":"crashed","text":"in f","restart_in_s":2}"#, "T stopped in f; restarting in 2 s"),
            (r#"{"time":"T","kind":"ended","code":5,"why":"exited"}"#, "T ended with code 5"),
            ("garbage", "garbage"),
        ] {
            assert_eq!(shown(line), text);
        }
    }
}
