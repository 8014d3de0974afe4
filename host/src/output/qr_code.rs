//! A QR code of characters.
//!
//! Invariant: it is light on dark, as most terminals are, and says its colours where there is a terminal: some scan no other.

use anyhow::{Context, Result};
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// Bright white on black.
const COLOURS: &str = "\x1b[97;40m";
const NO_COLOURS: &str = "\x1b[0m";

/// Its lines, each with its end.
pub(super) fn picture(text: &str, has_colours: bool) -> Result<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).context("this is too long for a QR code")?;
    let rows = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    let (before, after) = if has_colours { (COLOURS, NO_COLOURS) } else { ("", "") };
    Ok(rows.lines().map(|row| format!("{before}{row}{after}\n")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_square_and_light_around() {
        let picture = picture("tg://login?token=8BwCkRma1sWgm5cpTF21H-E8Pxu_mN330cDoBLb5_ac", false).expect("it fits");
        let rows: Vec<Vec<char>> = picture.lines().map(|row| row.chars().collect()).collect();
        // 33 modules and four around, two of them in a character.
        assert!(rows.iter().all(|row| row.len() == 41) && rows.len() == 21, "{picture}");
        let is_light = |row: &[char]| row.iter().all(|c| *c == '█');
        assert!(
            is_light(&rows[0]) && is_light(&rows[1]) && rows[..20].iter().all(|row| is_light(&row[..4])),
            "{picture}"
        );
        // The first corner's square: dark around, then light, then dark.
        assert_eq!(rows[2][4..12].iter().collect::<String>(), " ▄▄▄▄▄ █");
        assert_eq!(rows[3][4..12].iter().collect::<String>(), " █   █ █");
    }

    #[test]
    fn its_colours_are_said_at_a_terminal() {
        let picture = picture("x", true).expect("it fits");
        assert!(picture.lines().all(|row| row.starts_with(COLOURS) && row.ends_with(NO_COLOURS)), "{picture}");
    }
}
