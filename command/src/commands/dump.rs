//! `tinyalloc dump`.

use std::sync::atomic::AtomicBool;

use super::request::{Answer, Requests};
use crate::failure::Failure;
use crate::options::Dump;
use crate::text::print;

pub(super) fn dump(options: &Dump) -> Result<u8, Failure> {
    let requests = Requests::of(options.process)?;
    match requests.ask(options.wait, &AtomicBool::new(false))? {
        Answer::Dump(dump) => print(&format!("{}\n", dump.profile().path.display())).map(|()| 0),
        Answer::Ended | Answer::Interrupted => Err(requests.process().failure("ended before it wrote a heap profile")),
    }
}
