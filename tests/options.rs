//! Options for Rust, in a process of their own: they are the whole process's.

#![allow(clippy::disallowed_types, reason = "not the core: it measures and tests it")]

use tinyalloc::{Format, OptionError, Report, TinyAlloc};

#[global_allocator]
static GLOBAL: TinyAlloc = TinyAlloc;

const MIB: usize = 1024 * 1024;

fn value(name: &str) -> Option<String> {
    GLOBAL.option(name).map(|value| value.to_string())
}

#[test]
fn a_limit_refuses_what_is_beyond_it_until_it_is_lifted() {
    assert_eq!(GLOBAL.set_option("limit", "64M"), Ok(()));
    assert_eq!(value("limit"), Some((64 * MIB).to_string()));
    assert!(Vec::<u8>::new().try_reserve_exact(100 * MIB).is_err());
    assert!(Vec::<u8>::new().try_reserve_exact(MIB).is_ok());
    assert_eq!(GLOBAL.set_option("limit", "0"), Ok(()));
    assert!(Vec::<u8>::new().try_reserve_exact(100 * MIB).is_ok());
    assert_eq!((GLOBAL.set_option("limit", "90%"), value("limit")), (Ok(()), Some("90%".into())));
    assert!((1..usize::MAX).contains(&GLOBAL.limit()));
    assert_eq!((GLOBAL.set_limit(usize::MAX), value("limit")), (Ok(()), Some("0".into())));
}

#[test]
fn mistakes_are_errors_and_change_nothing() {
    assert_eq!(GLOBAL.set_option("purge", "soon"), Err(OptionError::BadValue));
    assert_eq!(GLOBAL.set_option("signal", "USR1"), Err(OptionError::UnknownName));
    assert_eq!(value("purge"), Some("decay".into()));
    assert_eq!(value("signal"), None);
}

#[test]
#[cfg(unix)]
fn a_signal_that_has_no_handler_is_a_mistake() {
    assert_eq!(GLOBAL.set_option("stats_signal", "KILL"), Err(OptionError::BadValue));
    assert_eq!(value("stats_signal"), Some("off".into()));
}

#[test]
fn a_report_is_displayed_in_every_format() {
    let stats = GLOBAL.stats();
    let written = |format| Report::new("mine", &stats, format).to_string();
    assert!(written(Format::Text).starts_with("tinyalloc 0."));
    assert!(written(Format::Json).contains("\"name\":\"mine\""));
    assert!(written(Format::Prometheus).contains("{heap=\"mine\"}"));
    assert!(written(Format::Xml).ends_with("</malloc>\n"));
}
