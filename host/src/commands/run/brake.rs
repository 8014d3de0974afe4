//! How fast scripts may send, as the command line says it.
//!
//! Invariant: without a word of the user's, sends are slowed down at Telegram and nowhere else.

use std::str::FromStr;

use broker::SendRates;
use tgl::Limits;

/// Whether each script's sends are slowed down, and to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Brake {
    On(SendRates),
    Off,
}

impl Brake {
    /// The rates that hold where the user said this, or nothing: then where it is Telegram, or the limits were given.
    pub(super) fn rates(given: Option<Self>, limits: &Limits, is_telegram: bool) -> Option<SendRates> {
        match given {
            Some(Self::Off) => None,
            Some(Self::On(_)) => Some(SendRates::from(limits)),
            None => {
                let rates = SendRates::from(limits);
                (is_telegram || rates != SendRates::default()).then_some(rates)
            }
        }
    }
}

impl FromStr for Brake {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rates = || {
            let mut numbers = text.split(',').map(|number| number.trim().parse().ok().filter(|rate| *rate > 0));
            let rates = SendRates {
                chat_per_s: numbers.next()??,
                group_per_min: numbers.next()??,
                all_per_s: numbers.next()??,
                ..SendRates::default()
            };
            numbers.next().is_none().then_some(rates)
        };
        match text {
            "on" => Ok(Self::On(SendRates::default())),
            "off" => Ok(Self::Off),
            _ => rates().map(Self::On).ok_or_else(|| {
                "use on, off, or three numbers: sends a second in a chat, a minute in a group, a second in all (1,20,30)"
                    .to_owned()
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brake_is_on_off_or_three_numbers() {
        let rates = SendRates { chat_per_s: 2, group_per_min: 40, all_per_s: 9, ..SendRates::default() };
        for (text, expected) in [
            ("on", Some(Brake::On(SendRates::default()))),
            ("off", Some(Brake::Off)),
            ("2,40,9", Some(Brake::On(rates))),
            ("2, 40, 9", Some(Brake::On(rates))),
            ("2,40", None),
            ("2,40,9,1", None),
            ("0,40,9", None),
            ("fast", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<Brake>().ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn without_a_word_sends_are_slowed_down_at_telegram_only() {
        assert_eq!(Brake::rates(None, &Limits::default(), true), Some(SendRates::default()));
        assert_eq!(Brake::rates(None, &Limits::default(), false), None);
        assert_eq!(Brake::rates(Some(Brake::Off), &Limits::default(), true), None);
        assert_eq!(
            Brake::rates(Some(Brake::On(SendRates::default())), &Limits::default(), false),
            Some(SendRates::default())
        );
    }
}
