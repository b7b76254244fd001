//! The hook by which redis moves its blocks together.

use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::snapshot::{class_of_process, epoch, renew};
use crate::process::instance::ALLOCATOR;
use crate::process::thread::Thread;

/// A program that never begins an epoch has one begun for it after so many questions.
const QUESTIONS_MAX: u32 = 1 << 16;
/// A span that is an eighth fuller than the average may still be emptied, so that spans of equal
/// use do not stay as they are.
const PART: usize = 8;

static QUESTIONS: AtomicU32 = AtomicU32::new(0);
static EPOCH_SEEN: AtomicU64 = AtomicU64::new(0);

/// Whether moving a block is worth while: 1 if its span is used less than the average of its size,
/// and is not the one that is being filled; else 0.
///
/// # Safety
/// The block is live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn je_get_defrag_hint(block: *mut c_void) -> c_int {
    let Some(usage) = ALLOCATOR.span_usage(Thread, block.addr()) else {
        return 0;
    };
    let stays = usage.is_being_filled || usage.live_slots == usage.present_slots;
    if stays {
        return 0;
    }
    begin_epoch_in_time();
    let Ok(class) = class_of_process(usage.class.index()) else {
        return 0;
    };
    let wanted = class.live + class.live / PART;
    c_int::from(usage.live_slots.saturating_mul(class.present) <= wanted.saturating_mul(usage.present_slots))
}

fn begin_epoch_in_time() {
    let questions = QUESTIONS.fetch_add(1, Ordering::Relaxed);
    if questions < QUESTIONS_MAX {
        return;
    }
    QUESTIONS.store(0, Ordering::Relaxed);
    let current = epoch().unwrap_or(0);
    if EPOCH_SEEN.swap(current, Ordering::Relaxed) == current {
        let _ = renew();
    }
}
