//! Local time in the Python component, by whatever TZ holds; and the forms it is written in.

use crate::python_scripts::{start_beside, surprises};

#[tokio::test]
async fn a_zone_may_be_named_a_rule_or_a_file() {
    let summer_and_winter = "\
import time, datetime
for moment in 1720000000, 1730000000 + 86400 * 30:
    print(time.strftime('%H %Z %z', time.localtime(moment)), datetime.datetime.fromtimestamp(moment).hour)";
    let paris = "11 CEST +0200 11\n04 CET +0100 4";
    let cases = [
        ("Europe/Paris", paris),
        (":Europe/Paris", paris),
        ("/usr/share/zoneinfo/Europe/Paris", paris),
        (":/usr/share/zoneinfo/posix/Europe/Paris", paris),
        ("CET-1CEST,M3.5.0,M10.5.0/3", paris),
        ("MSK-3", "12 MSK +0300 12\n06 MSK +0300 6"),
        ("<+0545>-5:45", "15 +0545 +0545 15\n09 +0545 +0545 9"),
        ("EST5EDT", "05 EDT -0400 5\n22 EST -0500 22"),
        ("AAA5BBB", "05 BBB -0400 5\n22 AAA -0500 22"),
        ("UTC0", "09 UTC +0000 9\n03 UTC +0000 3"),
    ];
    let mut told = String::new();
    for (zone, printed) in cases {
        told += &surprises(&[], Some(zone), &[(summer_and_winter, printed)]).await;
    }
    assert!(told.is_empty(), "{told}");
}

#[tokio::test]
async fn a_zone_that_nobody_knows_is_utc_and_the_log_says_so() {
    // The last ones are more than Python can be told of.
    for zone in [
        "Europe/Berln",
        "../../etc/passwd",
        "CET-1CEST,M3.5.0",
        "+3",
        "/nowhere/at/all",
        "XXX-24:59:59",
        "AAA-23:30BBB",
    ] {
        let mut script = start_beside(&[], Some(zone)).await;
        let source =
            "import time\nprint(time.localtime(0).tm_hour, time.tzname, time.strftime('%Z'))\ndef on_loop(): pass";
        script.guest.load(source).await;
        assert_eq!(script.guest.notes.take_stdout(), "0 ('UTC', 'UTC') UTC", "{zone}");
        let log = script.guest.notes.log();
        assert_eq!(log.iter().filter(|(_, line)| line.starts_with("TZ=")).count(), 1, "{log:?}");
        assert!(log[0].1.starts_with(&format!("TZ={zone} names no time zone that is known here")), "{log:?}");
    }
}

#[tokio::test]
async fn times_are_written_as_other_machines_write_them() {
    // Wed Jul 3 11:46:39 CEST 2024, and the same morning at 7
    let cases = [
        ("%l|%k|%P", "11|11|am", " 7| 7|am"),
        ("%-l|%-d|%-m|%_m|%05d", "11|3|7| 7|00003", "7|3|7| 7|00003"),
        ("%^a|%^B|%#Z|%#p", "WED|JULY|cest|am", "WED|JULY|cest|am"),
        ("%+", "Wed Jul  3 11:46:39 CEST 2024", "Wed Jul  3 07:46:39 CEST 2024"),
        ("%s|%z|%Z|%%", "1719999999|+0200|CEST|%", "1719985599|+0200|CEST|%"),
        ("%H:%M %Q %", "11:46 %Q %", "07:46 %Q %"),
        ("%Ey|%Od|%F|%T", "24|03|2024-07-03|11:46:39", "24|03|2024-07-03|07:46:39"),
        ("", "", ""),
    ];
    let cases: Vec<(String, String)> = cases
        .iter()
        .map(|(format, late, early)| {
            let source = format!(
                "import time\nfor moment in 1719999999, 1719985599:\n    print(time.strftime('{format}', time.localtime(moment)))"
            );
            (source, format!("{late}\n{early}").trim_end().to_owned())
        })
        .collect();
    let cases: Vec<(&str, &str)> = cases.iter().map(|(source, printed)| (source.as_str(), printed.as_str())).collect();
    let more = [
        ("import datetime\nprint(datetime.datetime(2024, 7, 1, 15, 4).strftime('%l:%M %P'))", " 3:04 pm"),
        ("import datetime\nprint(datetime.datetime.strptime('29 11', '%d %m'))", "1900-11-29 00:00:00"),
        ("import datetime\nprint(f'{datetime.date(2024, 7, 1):%-d %B}')", "1 July"),
    ];
    let mut told = surprises(&[], Some("Europe/Paris"), &cases).await;
    told += &surprises(&[], Some("Europe/Paris"), &more.map(|(source, printed)| (source, printed))).await;
    assert!(told.is_empty(), "{told}");
}
