//! docs/ has the schemas of the files, for editors, as the types have them.

use std::fs;

/// Set to write them anew.
const WRITE: &str = "TGLHOST_WRITE_SCHEMAS";

#[test]
fn schemas_in_docs_are_what_is_read() {
    for (name, schema) in config::schemas() {
        let path = format!("{}/../../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os(WRITE).is_some() {
            fs::write(&path, &text).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(kept, text, "run this test with {WRITE}=1 to write docs/{name} anew");
    }
}
