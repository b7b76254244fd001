//! What valgrind's lackey writes with `--trace-mem=yes --trace-sched=yes --trace-syscalls=yes`: a
//! line for each instruction, access, call of the system, and change of threads.

use crate::caches::Access;

/// A line of the trace that says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event<'line> {
    /// The instruction at this address is executed.
    Instruction(u64),
    /// It touches this many bytes from this address on.
    Data(Access, u64, u64),
    /// It reads, and then writes, as atomic instructions do.
    Modify(u64, u64),
    /// From here on it is this thread that runs.
    Thread(usize),
    /// The thread calls the system.
    Call(&'line [u8]),
}

/// What a line says; `None` if nothing that is counted.
pub(crate) fn event_of(line: &[u8]) -> Option<Event<'_>> {
    match line {
        [b'I', b' ', b' ', rest @ ..] => Some(Event::Instruction(range_of(rest)?.0)),
        [b' ', kind, b' ', rest @ ..] => {
            let (address, bytes) = range_of(rest)?;
            match kind {
                b'L' => Some(Event::Data(Access::Load, address, bytes)),
                b'S' => Some(Event::Data(Access::Store, address, bytes)),
                b'M' => Some(Event::Modify(address, bytes)),
                _ => None,
            }
        }
        [b'-', b'-', rest @ ..] => thread_of(rest).map(Event::Thread),
        [b'S', b'Y', b'S', rest @ ..] => call_of(rest).map(Event::Call),
        _ => None,
    }
}

/// `ADDRESS,BYTES`.
fn range_of(text: &[u8]) -> Option<(u64, u64)> {
    let comma = text.iter().position(|byte| *byte == b',')?;
    Some((number(&text[..comma], 16)?, number(&text[comma + 1..], 10)?))
}

/// `PID--   SCHED[THREAD]:  acquired lock (WHY)`.
fn thread_of(text: &[u8]) -> Option<usize> {
    let begin = position_of(text, b"SCHED[")? + 6;
    let end = begin + text[begin..].iter().position(|byte| *byte == b']')?;
    position_of(&text[end..], b"acquired lock")?;
    usize::try_from(number(&text[begin..end], 10)?).ok()
}

/// `CALL[PID,THREAD](NUMBER) sys_NAME ( ARGUMENTS )…`. The line of a call's end has no name.
fn call_of(text: &[u8]) -> Option<&[u8]> {
    let begin = position_of(text, b") sys_")? + 6;
    let length = text[begin..].iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')?;
    Some(&text[begin..begin + length])
}

fn position_of(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let digits = digits.trim_ascii_end();
    let value = |sum: u64, digit: &u8| Some(sum * u64::from(radix) + u64::from(char::from(*digit).to_digit(radix)?));
    digits.iter().try_fold(0, value).filter(|_| !digits.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{Event, event_of};
    use crate::caches::Access;

    #[test]
    fn lines_of_lackey_are_read() {
        assert_eq!(event_of(b"I  0483c0a0,3"), Some(Event::Instruction(0x0483_c0a0)));
        assert_eq!(event_of(b" S 1ffeffe7e0,8"), Some(Event::Data(Access::Store, 0x1f_feff_e7e0, 8)));
        assert_eq!(event_of(b" L 04222c88,16\n"), Some(Event::Data(Access::Load, 0x0422_2c88, 16)));
        assert_eq!(event_of(b" M 04222c88,4"), Some(Event::Modify(0x0422_2c88, 4)));
        assert_eq!(event_of(b"==1== a message, of 3 words"), None);
    }

    #[test]
    fn the_thread_that_runs_is_the_one_that_acquired_valgrinds_lock() {
        assert_eq!(event_of(b"--3479--   SCHED[12]:  acquired lock (VG_(client_syscall)[async])"), Some(Event::Thread(12)));
        assert_eq!(event_of(b"--3479--   SCHED[12]: releasing lock (VG_(client_syscall)[async]) -> VgTs_WaitSys"), None);
    }

    #[test]
    fn a_call_is_counted_once() {
        let call = b"SYSCALL[3479,5](11) sys_munmap ( 0x4835000, 8192 )[sync] --> Success(0x0)";
        assert_eq!(event_of(call), Some(Event::Call(b"munmap")));
        assert_eq!(event_of(b"SYSCALL[3479,5](202) ... [async] --> Success(0x0)"), None);
    }
}
