//! Checksums: XXH3 (Collet, 2019), of which the file's structures keep 32 bits.
//!
//! Not a CRC: bytes that are followed by their CRC have the same CRC whatever they are. A page of
//! records that each end with one would have one checksum for all contents, and so may any page of
//! the user's.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::field::{put_u32, u32_at};

pub(crate) const CHECKSUM_BYTES: usize = 4;
/// The checksum of a page that was never committed.
pub(crate) const NO_SUM: u32 = 0;

pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    let sum = xxh3_64(bytes).to_le_bytes();
    u32_at(&sum, 0)
}

/// All 64 bits: what decides whether a commit happened.
pub(crate) fn long_checksum(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// The same, of what belongs to one transaction and no other.
pub(crate) fn long_checksum_in(transaction: u64, bytes: &[u8]) -> u64 {
    xxh3_64_with_seed(bytes, transaction)
}

/// The checksum of a page, which is never [`NO_SUM`].
pub(crate) fn page_sum(bytes: &[u8]) -> u32 {
    checksum(bytes).max(NO_SUM + 1)
}

/// Writes the checksum of all but the last four bytes to the last four bytes.
pub(crate) fn seal(bytes: &mut [u8]) {
    let end = bytes.len() - CHECKSUM_BYTES;
    let sum = checksum(&bytes[..end]);
    put_u32(bytes, end, sum);
}

pub(crate) fn is_sealed(bytes: &[u8]) -> bool {
    let end = bytes.len() - CHECKSUM_BYTES;
    checksum(&bytes[..end]) == u32_at(bytes, end)
}
