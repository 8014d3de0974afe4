//! `tglhost completions` and `tglhost man-pages`: what shells and man(1) know of the command line.
//!
//! Invariant: both are made from the command line itself, so every verb that is not hidden has its page and its completion.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use serde_json::json;

use crate::output::Output;

/// What follows a verb's options on its page.
const NOTES_HEADING: &str = "ENVIRONMENT, SIGNALS AND EXIT CODES";

#[derive(clap::Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    shell: Shell,
}

#[derive(clap::Args)]
pub(crate) struct ManPagesArgs {
    /// The folder that they are written to
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Prints what a shell reads to complete command lines.
pub(crate) fn completions(args: &CompletionsArgs, mut program: clap::Command, output: &Output) -> u8 {
    let mut text = Vec::new();
    let name = program.get_name().to_owned();
    clap_complete::generate(args.shell, &mut program, name, &mut text);
    let text = String::from_utf8_lossy(&text);
    output.document(&json!({"kind": "completions", "shell": args.shell.to_string(), "text": text}), &text);
    0
}

/// Writes a page for the program and one for each verb, as packages of tglhost have them.
pub(crate) fn man_pages(args: &ManPagesArgs, program: clap::Command) -> Result<u8> {
    fs::create_dir_all(&args.folder).with_context(|| format!("cannot make the folder {}", args.folder.display()))?;
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let verbs = program.get_subcommands().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help").cloned();
    for command in verbs.chain([program.clone()]) {
        let page = page(command.clone())?;
        write(&args.folder, &command, &page)?;
    }
    Ok(0)
}

fn write(folder: &Path, command: &clap::Command, page: &[u8]) -> Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let path = folder.join(format!("{name}.1"));
    fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))
}

/// The page of one command. What its help says at the end is a table, whose lines stay as they are.
fn page(command: clap::Command) -> Result<Vec<u8>> {
    let notes = command.get_after_help().map(ToString::to_string);
    let has_verbs = command.has_subcommands();
    let man = Man::new(command).source(concat!("tglhost ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if has_verbs {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(notes) = notes {
        let mut roff = Roff::new();
        roff.control("SH", [NOTES_HEADING]).control("nf", []).text([roman(notes)]).control("fi", []);
        roff.to_writer(&mut page)?;
    }
    Ok(page)
}
